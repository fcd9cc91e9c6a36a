/**
 * What a history chart draws: the archive's steps where the server has one, followed by what the live stream brought
 * since; without an archive, only what this page has seen.
 */
import type { HistoryAnswer, Problem, TypicalAnswer } from "../../../src/http/api-types.ts";
import type { Range } from "../address/address.ts";
import type { Seen } from "../live/seen-history.ts";

/** How long each range is and how fine the archive is asked for it. */
export const RANGE_TIMES: Readonly<Record<Range, { readonly spanMs: number; readonly step: string }>> = {
  "1h": { spanMs: 3_600_000, step: "1m" },
  "6h": { spanMs: 6 * 3_600_000, step: "5m" },
  "24h": { spanMs: 24 * 3_600_000, step: "10m" },
  "7d": { spanMs: 7 * 24 * 3_600_000, step: "1h" },
};

type Numbers = (number | null)[];

/** Columns of equal length, in uPlot's form: times in seconds, null is a gap. */
export interface ChartData {
  readonly at: number[];
  readonly total: Numbers;
  readonly electric: Numbers;
  readonly mechanical: Numbers;
  readonly usualLow: Numbers;
  readonly usualHigh: Numbers;
}

export type Archive =
  | { readonly kind: "none" }
  | { readonly kind: "loading" }
  | { readonly kind: "failed"; readonly why: string }
  | { readonly kind: "answered"; readonly history: HistoryAnswer; readonly typical: TypicalAnswer | null };

export type Subject = { readonly kind: "area" | "station"; readonly key: string };

const MOST_TRIES = 5;

/** Asks the archive; a failure is a value that the chart shows. */
export async function askArchive(
  subject: Subject,
  range: Range,
  nowMs: number,
  signal: AbortSignal,
): Promise<Archive> {
  const { spanMs, step } = RANGE_TIMES[range];
  const path = `api/v1/${subject.kind === "area" ? "areas" : "stations"}/${encodeURIComponent(subject.key)}`;
  const query = `?from=${Math.floor(nowMs - spanMs)}&to=${Math.floor(nowMs)}&step=${step}`;
  try {
    const response = await fetchInTurn(`${path}/history${query}`, signal);
    if (!response.ok) return { kind: "failed", why: await reasonOf(response) };
    const history = (await response.json()) as HistoryAnswer;
    return { kind: "answered", history, typical: await askTypical(subject, path, query, signal) };
  } catch (error) {
    return { kind: "failed", why: error instanceof Error ? error.message : String(error) };
  }
}

/** What is usual is an extra: its absence (a young archive, a station) is no failure. */
async function askTypical(
  subject: Subject,
  path: string,
  query: string,
  signal: AbortSignal,
): Promise<TypicalAnswer | null> {
  if (subject.kind !== "area") return null;
  const response = await fetchInTurn(`${path}/typical${query}`, signal);
  return response.ok ? ((await response.json()) as TypicalAnswer) : null;
}

/** The server answers few questions to the archive at a time, and says when to come again. */
async function fetchInTurn(url: string, signal: AbortSignal): Promise<Response> {
  for (let tries = 1; ; tries += 1) {
    const response = await fetch(url, { signal });
    const seconds = Number(response.headers.get("retry-after"));
    if (response.status !== 503 || !(seconds > 0) || tries >= MOST_TRIES) return response;
    await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
  }
}

async function reasonOf(response: Response): Promise<string> {
  try {
    return ((await response.json()) as Problem).detail;
  } catch {
    return String(response.status);
  }
}

/** Joins both into one chart from `fromMs` to `toMs`; what was seen is carried on to `toMs`. */
export function chartData(archive: Archive, seen: readonly Seen[], fromMs: number, toMs: number): ChartData {
  const data: ChartData = { at: [], total: [], electric: [], mechanical: [], usualLow: [], usualHigh: [] };
  let seenFromMs = fromMs;
  if (archive.kind === "answered") {
    const { history, typical } = archive;
    history.at.forEach((atMs, index) => {
      if (atMs < fromMs - history.step_ms || atMs > toMs) return;
      const value = history.nbr_total[index] ?? null;
      const band = typical?.at.indexOf(atMs) ?? -1;
      push(data, atMs, value, history.nbr_elec[index] ?? null, history.nbr_meca[index] ?? null);
      data.usualLow[data.at.length - 1] = typical?.nbr_total.p10[band] ?? null;
      data.usualHigh[data.at.length - 1] = typical?.nbr_total.p90[band] ?? null;
    });
    seenFromMs = archive.history.to;
  }
  appendSeen(data, seen, seenFromMs, toMs);
  return data;
}

function appendSeen(data: ChartData, seen: readonly Seen[], fromMs: number, toMs: number): void {
  let last: Seen | null = null;
  for (const point of seen) {
    if (point.atMs > toMs) break;
    if (point.atMs >= fromMs) {
      if (last !== null && last.atMs < fromMs) pushSeen(data, fromMs, last);
      pushSeen(data, point.atMs, point);
    }
    last = point;
  }
  if (last === null) return;
  if (last.atMs < fromMs) pushSeen(data, fromMs, last);
  pushSeen(data, toMs, last);
}

function pushSeen(data: ChartData, atMs: number, { total, electric, mechanical }: Seen): void {
  // uPlot wants times that grow; the archive's last step may begin at the same moment.
  if (atMs / 1000 <= (data.at.at(-1) ?? -Infinity)) return;
  push(data, atMs, total, electric, mechanical);
}

function push(
  data: ChartData,
  atMs: number,
  total: number | null,
  electric: number | null,
  mechanical: number | null,
): void {
  data.at.push(atMs / 1000);
  data.total.push(total);
  data.electric.push(electric);
  data.mechanical.push(mechanical);
  data.usualLow.push(null);
  data.usualHigh.push(null);
}
