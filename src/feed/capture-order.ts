/**
 * Captures whose time is wrong cost themselves, not those after them: each is looked at beside the next.
 *
 *   capture ─▶ from the future? ─────────────────────────────────▶ skipped
 *         └──▶ the next one is earlier, yet later than the last? ─▶ skipped: it had jumped ahead
 *         └──▶ the first, and a year before the next? ────────────▶ skipped
 *         └──▶ on, in the order of the recording
 */
import { asObject } from "../record/feed-values.ts";
import type { Capture } from "./recording-reader.ts";

/** Clocks of recorders differ a little from ours. */
const SKEW_MS = 5 * 60_000;
/** So little are neighbours apart that have only changed places. */
const NEIGHBOURS_MS = 1_000;
/** A first capture this long before the next was not made then. */
const FAR_MS = 365 * 24 * 3_600_000;

type Read = Extract<Capture, { kind: "read" }>;

/**
 * @param now epoch ms
 * @param aside whether the next capture may be read before one is handed on: not where a replay keeps a pace
 */
export async function* withBelievableTimes(
  captures: AsyncIterable<Capture>,
  now: () => number,
  aside: boolean,
): AsyncGenerator<Capture> {
  let held: Read | null = null;
  /** What came after the held one and tells no time. */
  let behind: Capture[] = [];
  let lastMs = -Infinity;
  for await (const capture of captures) {
    const future = capture.kind === "read" && capture.timeMs > now() + SKEW_MS;
    const given = future ? skipped(capture, "tells a time in the future") : capture;
    if (given.kind === "unreadable" || !aside || !isStatus(given.body)) {
      if (held === null) yield given;
      else behind.push(given);
      continue;
    }
    if (held !== null) {
      const why = doubt(held.timeMs, given.timeMs, lastMs);
      if (why === null) lastMs = Math.max(lastMs, held.timeMs);
      yield why === null ? held : skipped(held, why);
      yield* behind;
    }
    held = given;
    behind = [];
  }
  if (held !== null) yield held;
  yield* behind;
}

/** What is no status file is told as such, whatever its time. */
function isStatus(body: unknown): boolean {
  return Array.isArray(asObject(asObject(body)?.["data"])?.["stations"]);
}

/** Why a capture's time is not believed, given the next one's and the last one's that was; null when it is. */
function doubt(timeMs: number, nextMs: number, lastMs: number): string | null {
  if (lastMs !== -Infinity && nextMs >= lastMs && nextMs < timeMs - NEIGHBOURS_MS)
    return "tells a time after that of the capture that follows it";
  if (lastMs === -Infinity && nextMs - timeMs > FAR_MS)
    return "tells a time more than a year before the capture that follows it";
  return null;
}

function skipped({ origin, timeMs }: Read, why: string): Extract<Capture, { kind: "unreadable" }> {
  const time = Math.abs(timeMs) < 8e15 ? ` (${new Date(timeMs).toISOString()})` : "";
  return { kind: "unreadable", origin, outcome: "wrong_time", problem: `${why}${time}` };
}
