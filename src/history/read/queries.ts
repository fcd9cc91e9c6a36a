/** The questions of the API and of `velostream history`, answered from the archive (HistoryQueries in serve-ports.ts). */
import { setImmediate } from "node:timers/promises";
import type {
  AreaHistoryQuery,
  AreaTypicalQuery,
  Band,
  Clock,
  HistoryQueries,
  HistorySeries,
  StationHistoryQuery,
  TypicalSeries,
} from "../../ports.ts";
import { watched, type ArchiveReader, type Range } from "./archive-reader.ts";
import { shiftDays } from "../time/local-time.ts";
import {
  byEpoch,
  COUNTS,
  fixedEdges,
  seriesOf,
  type Aggregate,
  type Count,
  type CountSeries,
  type Point,
} from "./series.ts";
import type { Snapshot } from "./snapshot.ts";

/** What is asked for with steps of any length: their edges. */
export interface EdgesQuery {
  readonly systemId: string;
  readonly edges: readonly number[];
  readonly aggregate: Aggregate;
}

export class ArchiveQueries implements HistoryQueries {
  readonly #reader: ArchiveReader;
  readonly #clock: Pick<Clock, "now">;

  constructor(reader: ArchiveReader, clock: Pick<Clock, "now">) {
    this.#reader = reader;
    this.#clock = clock;
  }

  async areaHistory(query: AreaHistoryQuery, signal?: AbortSignal): Promise<HistorySeries | null> {
    const { fromMs, toMs, stepMs } = query;
    return this.areaSeries({ ...query, edges: fixedEdges(fromMs, toMs, stepMs) }, signal);
  }

  async stationHistory(query: StationHistoryQuery, signal?: AbortSignal): Promise<HistorySeries | null> {
    const { fromMs, toMs, stepMs } = query;
    return this.stationSeries({ ...query, edges: fixedEdges(fromMs, toMs, stepMs) }, signal);
  }

  async areaSeries(
    query: EdgesQuery & { readonly area: string },
    signal?: AbortSignal,
  ): Promise<HistorySeries | null> {
    const { systemId: system, area, edges } = query;
    const found = await this.#reader.areaPoints({ system, area, ranges: [rangeOf(edges)] }, signal);
    if (found.points.length === 0 && !(await this.#reader.knows("areas", system, area, signal))) return null;
    return this.#series(found, query);
  }

  async stationSeries(
    query: EdgesQuery & { readonly stationId: string },
    signal?: AbortSignal,
  ): Promise<HistorySeries | null> {
    const { systemId: system, stationId, edges } = query;
    const found = await this.#reader.stationPoints({ system, stationId, ranges: [rangeOf(edges)] }, signal);
    if (found.points.length === 0 && !(await this.#reader.knows("stations", system, stationId, signal)))
      return null;
    return this.#series(found, query);
  }

  #series(
    { points, snapshot }: { readonly points: readonly Point[]; readonly snapshot: Snapshot },
    { systemId, edges, aggregate }: EdgesQuery,
  ): HistorySeries {
    const { segments, gaps } = watched(snapshot, systemId, rangeOf(edges), this.#clock.now());
    const simulated = points.some((point) => point.simulated);
    return {
      atMs: edges.slice(0, -1),
      ...seriesOf(byEpoch(points), segments, edges, aggregate),
      gaps,
      simulated,
    };
  }

  async areaTypical(query: AreaTypicalQuery, signal?: AbortSignal): Promise<TypicalSeries | null> {
    const { systemId: system, area, fromMs, toMs, stepMs, weeks, timezone } = query;
    const edges = fixedEdges(fromMs, toMs, stepMs);
    // The same wall clock, so that half past eight stays half past eight across daylight saving.
    const past: (readonly number[])[] = [];
    for (let week = 1; week <= weeks; week += 1) {
      past.push(edges.map((edge) => shiftDays(edge, -7 * week, timezone)));
      await letOthers(signal);
    }
    const found = await this.#reader.areaPoints({ system, area, ranges: past.map(rangeOf) }, signal);
    if (found.points.length === 0 && !(await this.#reader.knows("areas", system, area, signal))) return null;
    const nowMs = this.#clock.now();
    const points = byEpoch(found.points);
    const series: CountSeries[] = [];
    for (const pastEdges of past) {
      const { segments } = watched(found.snapshot, system, rangeOf(pastEdges), nowMs);
      series.push(seriesOf(points, segments, pastEdges, "mean"));
      await letOthers(signal);
    }
    const steps = edges.length - 1;
    const bands: Partial<Record<Count, Band>> = {};
    for (const count of COUNTS) {
      bands[count] = bandOf(series, count, steps);
      await letOthers(signal);
    }
    return {
      atMs: edges.slice(0, -1),
      weeksFound: Array.from(
        { length: steps },
        (_, step) => series.filter(({ total }) => typeof total[step] === "number").length,
      ),
      ...(bands as Record<Count, Band>),
    };
  }
}

/** A long question lets whatever else the process has to answer go first, and ends when nobody waits for it. */
async function letOthers(signal: AbortSignal | undefined): Promise<void> {
  await setImmediate();
  signal?.throwIfAborted();
}

function rangeOf(edges: readonly number[]): Range {
  return { fromMs: edges[0] ?? 0, toMs: edges.at(-1) ?? 0 };
}

function bandOf(series: readonly CountSeries[], count: Count, steps: number): Band {
  const p10: (number | null)[] = [];
  const median: (number | null)[] = [];
  const p90: (number | null)[] = [];
  for (let step = 0; step < steps; step += 1) {
    const values = series
      .map((one) => one[count][step] ?? null)
      .filter((value) => value !== null)
      .sort((a, b) => a - b);
    p10.push(quantile(values, 10));
    median.push(quantile(values, 50));
    p90.push(quantile(values, 90));
  }
  return { p10, median, p90 };
}

/** Between two values in proportion, as most software does it (R's type 7); null of nothing. */
function quantile(sorted: readonly number[], percent: number): number | null {
  if (sorted.length === 0) return null;
  const at = ((sorted.length - 1) * percent) / 100;
  const low = sorted[Math.floor(at)] ?? 0;
  const high = sorted[Math.ceil(at)] ?? low;
  return low + (high - low) * (at - Math.floor(at));
}
