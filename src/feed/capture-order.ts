/**
 * Captures whose time is wrong cost themselves, not those around them: each is looked at beside those that follow. One
 * judge for every way in which recordings are read: files and stdin, paced or not, replay and import.
 *
 *   capture ─▶ from the future? ──────────────────────────────────▶ skipped
 *         └──▶ minutes before the last one that was believed? ─────▶ skipped
 *         └──▶ more of those that follow are in order without it? ─▶ skipped: it had jumped ahead
 *         └──▶ the first, and a year before the next? ─────────────▶ skipped
 *         └──▶ on, in the order of the recording
 */
import { asObject } from "../record/feed-values.ts";
import type { Capture } from "./recording-reader.ts";

/** Clocks of recorders differ a little from ours, and headers of replicas from one another. */
const SKEW_MS = 5 * 60_000;
/** So little are neighbours apart that have only changed places. */
const NEIGHBOURS_MS = 1_000;
/** A first capture this long before the next was not made then. */
const FAR_MS = 365 * 24 * 3_600_000;
/** Captures that are looked at together: a run of wrong times half as long is found out. */
const WINDOW = 16;
/** Fewer where they are large: they are all held. */
const WINDOW_CHARS = 32 * 1024 * 1024;

type Read = Extract<Capture, { kind: "read" }>;

/** @param now epoch ms */
export async function* withBelievableTimes(
  captures: AsyncIterable<Capture>,
  now: () => number,
): AsyncGenerator<Capture> {
  const window: Capture[] = [];
  let lastMs = -Infinity;
  const take = (): Capture | undefined => {
    const [first] = window;
    if (first === undefined || !isTimed(first)) return window.shift();
    const why = doubt(window.filter(isTimed), lastMs);
    window.shift();
    if (why !== null) return skipped(first, why);
    lastMs = Math.max(lastMs, first.timeMs);
    return first;
  };
  for await (const capture of captures) {
    const future = capture.kind === "read" && capture.timeMs > now() + SKEW_MS;
    window.push(future ? skipped(capture, "tells a time in the future") : capture);
    while (window.length > 2 && (window.length >= WINDOW || charsOf(window) > WINDOW_CHARS)) {
      const judged = take();
      if (judged !== undefined) yield judged;
    }
  }
  while (window.length > 0) {
    const judged = take();
    if (judged !== undefined) yield judged;
  }
}

function charsOf(captures: readonly Capture[]): number {
  return captures.reduce((sum, capture) => sum + (capture.kind === "read" ? capture.text.length : 0), 0);
}

/** What is no status file is told as such, whatever its time. */
function isTimed(capture: Capture): capture is Read {
  return capture.kind === "read" && Array.isArray(asObject(asObject(capture.body)?.["data"])?.["stations"]);
}

/** Why the first capture's time is not believed, given those that follow and the last one that was; null when it is. */
function doubt([first, ...others]: readonly Read[], lastMs: number): string | null {
  if (first === undefined) return null;
  const { timeMs } = first;
  if (timeMs < lastMs - SKEW_MS) return "tells a time before that of a capture before it";
  const following = others
    .map((other) => other.timeMs)
    .filter((otherMs) => otherMs >= lastMs - NEIGHBOURS_MS);
  const [nextMs] = following;
  if (nextMs === undefined) return null;
  if (lastMs === -Infinity && nextMs - timeMs > FAR_MS)
    return "tells a time more than a year before the capture that follows it";
  const without = mostInOrder(following);
  const along = 1 + mostInOrder(following.filter((otherMs) => otherMs >= timeMs - NEIGHBOURS_MS));
  const ahead = lastMs !== -Infinity && nextMs < timeMs - NEIGHBOURS_MS;
  return without > along || (without === along && ahead)
    ? "tells a time after that of captures that follow it"
    : null;
}

/** Of so many times the most that can be kept, each no earlier than the one before it. */
function mostInOrder(timesMs: readonly number[]): number {
  const longest: number[] = [];
  timesMs.forEach((timeMs, at) => {
    let best = 0;
    for (let before = 0; before < at; before += 1)
      if ((timesMs[before] ?? 0) <= timeMs + NEIGHBOURS_MS) best = Math.max(best, longest[before] ?? 0);
    longest.push(best + 1);
  });
  return Math.max(0, ...longest);
}

function skipped({ origin, timeMs }: Read, why: string): Extract<Capture, { kind: "unreadable" }> {
  const time = Math.abs(timeMs) < 8e15 ? ` (${new Date(timeMs).toISOString()})` : "";
  return { kind: "unreadable", origin, outcome: "wrong_time", problem: `${why}${time}` };
}
