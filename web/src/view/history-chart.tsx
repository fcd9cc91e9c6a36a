/** The history of an area or a station: a chart, the same as a table, and where the numbers come from. */
import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { RANGES } from "../address/address.ts";
import type { Change } from "../live/live-state.ts";
import {
  askArchive,
  chartData,
  RANGE_TIMES,
  type Archive,
  type ChartData,
  type Subject,
} from "./history-data.ts";
import { HistoryTable } from "./history-table.tsx";
import type { Plot } from "./history-plot.ts";
import { useAddress, useLive, usePage } from "./page-context.ts";

/** How often the archive is asked again while a chart is open; the live stream covers the time between. */
const ASK_AGAIN_MS = 120_000;
/** How often an unchanged chart moves on. */
const MOVE_ON_MS = 10_000;

/** A chart never shows less time than this. */
const SHORTEST_MS = 300_000;

interface HistoryChartProps {
  readonly subject: Subject;
  readonly name: string;
  readonly timezone: string | null;
}

export function HistoryChart({ subject, name, timezone }: HistoryChartProps): VNode {
  const { words, navigation, store } = usePage();
  const { text } = words;
  const { range } = useAddress();
  const archive = useArchive(subject);
  const concerns = (change: Change): boolean => {
    const keys = subject.kind === "area" ? change.areas : change.stations;
    return keys === "all" || keys.has(subject.key);
  };
  useLive(concerns);
  const nowMs = useSlowClock();
  const seenBy = subject.kind === "area" ? store.areasSeen : store.stationsSeen;
  const seenSinceMs = store.seenSinceMs ?? nowMs;
  const rangeFromMs = nowMs - RANGE_TIMES[range].spanMs;
  // Without an archive there is nothing before the page was opened: the time there is fills the chart.
  const fromMs =
    archive.kind === "answered"
      ? rangeFromMs
      : Math.max(rangeFromMs, Math.min(seenSinceMs, nowMs - SHORTEST_MS));
  const clipped = seenBy
    .of(subject.key)
    .map((seen) => (seen.atMs < seenSinceMs ? { ...seen, atMs: seenSinceMs } : seen));
  const data = chartData(archive, clipped, fromMs, nowMs);
  const description = describe(data);
  const time = (ms: number): string => words.time(ms, nowMs, timezone);
  return (
    <section class="history" aria-labelledby="history-heading">
      <header>
        <h3 id="history-heading">{text.history}</h3>
        <div class="segments" role="group" aria-label={text.range}>
          {RANGES.map((choice) => (
            <button
              key={choice}
              type="button"
              aria-pressed={choice === range}
              onClick={() => navigation.adjust({ range: choice })}
            >
              {text.ranges[choice]}
            </button>
          ))}
        </div>
      </header>
      <Drawing
        data={data}
        fromMs={fromMs}
        toMs={nowMs}
        timezone={timezone}
        label={
          description === null
            ? text.chartNothing
            : text.chartOf(
                name,
                time(fromMs),
                time(nowMs),
                words.mean(description.low),
                words.mean(description.high),
                words.mean(description.now),
              )
        }
      />
      <p class="muted source">{sourceOf()}</p>
      <HistoryTable data={data} timezone={timezone} nowMs={nowMs} />
    </section>
  );

  function sourceOf(): string {
    if (archive.kind === "answered") return text.fromArchive;
    if (archive.kind === "failed") return text.archiveFailed(archive.why);
    return archive.kind === "loading" ? text.loading : text.seenSince(time(seenSinceMs));
  }
}

interface DrawingProps {
  readonly data: ChartData;
  readonly fromMs: number;
  readonly toMs: number;
  readonly timezone: string | null;
  readonly label: string;
}

function Drawing({ data, fromMs, toMs, timezone, label }: DrawingProps): VNode {
  const { words } = usePage();
  const element = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot | null>(null);
  const [drawable, setDrawable] = useState(0);
  const [pointed, setPointed] = useState<number | null>(null);
  useEffect(() => {
    let wanted = true;
    const start = async (): Promise<void> => {
      const { makePlot } = await import("./history-plot.ts");
      if (!wanted || element.current === null) return;
      plot.current = makePlot({ element: element.current, words, timezone, onPoint: setPointed });
      setDrawable((count) => count + 1);
    };
    void start();
    return () => {
      wanted = false;
      plot.current?.destroy();
      plot.current = null;
    };
  }, [words, timezone]);
  useEffect(() => plot.current?.draw(data, fromMs, toMs), [data, fromMs, toMs, drawable]);
  return (
    <>
      <Readout data={data} index={pointed ?? data.at.length - 1} timezone={timezone} nowMs={toMs} />
      <div ref={element} class="chart" role="img" aria-label={label} data-points={data.at.length} />
    </>
  );
}

interface ReadoutProps {
  readonly data: ChartData;
  readonly index: number;
  readonly timezone: string | null;
  readonly nowMs: number;
}

/** The numbers at the pointer, or the newest: the chart's legend and its values in one line. */
function Readout({ data, index, timezone, nowMs }: ReadoutProps): VNode | null {
  const { words } = usePage();
  const { text } = words;
  const at = data.at[index];
  if (at === undefined) return <p class="readout muted">{text.chartNothing}</p>;
  const low = data.usualLow[index] ?? null;
  const high = data.usualHigh[index] ?? null;
  return (
    <p class="readout">
      <b>{words.time(at * 1000, nowMs, timezone)}</b>
      {(["total", "electric", "mechanical"] as const).map((kind) => (
        <span key={kind}>
          <span class={`swatch part-${kind}`} aria-hidden="true" /> {text[kind]}{" "}
          <b>{words.mean(data[kind][index] ?? null)}</b>
        </span>
      ))}
      {low === null || high === null ? null : (
        <span>
          <span class="swatch swatch-band" aria-hidden="true" /> {text.usual}{" "}
          <b>
            {words.mean(low)}–{words.mean(high)}
          </b>
        </span>
      )}
    </p>
  );
}

function useArchive(subject: Subject): Archive {
  const { store } = usePage();
  useLive((change) => change.systems);
  const { range } = useAddress();
  const has = store.server?.archive === true;
  const [archive, setArchive] = useState<Archive>({ kind: "none" });
  useEffect(() => {
    if (!has) return setArchive({ kind: "none" });
    const controller = new AbortController();
    setArchive({ kind: "loading" });
    const ask = async (): Promise<void> => {
      const answer = await askArchive(subject, range, store.now(), controller.signal);
      if (!controller.signal.aborted) setArchive(answer);
    };
    void ask();
    const timer = setInterval(() => void ask(), ASK_AGAIN_MS);
    return () => {
      clearInterval(timer);
      controller.abort();
    };
  }, [has, subject.kind, subject.key, range, store]);
  return archive;
}

/** The server's now, renewed on every render and every few seconds. */
function useSlowClock(): number {
  const { store } = usePage();
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick((count) => count + 1), MOVE_ON_MS);
    return () => clearInterval(timer);
  }, []);
  return Math.ceil(store.now() / 1000) * 1000;
}

function describe({ total }: ChartData): { low: number; high: number; now: number } | null {
  const values = total.filter((value) => value !== null);
  const now = values.at(-1);
  if (now === undefined) return null;
  return { low: Math.min(...values), high: Math.max(...values), now };
}
