/**
 * One system watched in one epoch, its records looked at in order of time. Pure.
 *
 * A silence is a gap when it is longer than ten minutes and than three times the system's usual distance between
 * records. The collector publishes a station at least every five minutes (domain/heartbeat.ts), so that silence means
 * something in a small system at night too; recordings taken once an hour have a usual distance of an hour. What was so
 * a day and a half ago is not known to be so any more, however seldom anybody looks.
 */
import type { Span } from "./spans.ts";

const LEAST_PATIENCE_MS = 10 * 60_000;
/** A recording a day is a series, also when one comes late; one a month is twelve instants a year. */
const MOST_PATIENCE_MS = 36 * 3_600_000;
const PATIENCE_FACTOR = 3;
/** Distances remembered for the usual one; below the least, nothing is known yet. */
const REMEMBERED = 31;
const KNOWN_FROM = 3;

export interface Watch {
  span: Span;
  distancesMs: readonly number[];
  /** Spans closed before the usual distance was known: they may turn out to be one. */
  early: Span[];
}

export function newWatch(system: string, epoch: number, atMs: number): Watch {
  const span = { system, epoch, fromMs: atMs, toMs: atMs, patienceMs: LEAST_PATIENCE_MS };
  return { span, distancesMs: [], early: [] };
}

/** A span that is gone on with: its patience was learnt, and stands for the distances that are not remembered. */
export function reopened(span: Span): Watch {
  const usualMs = span.patienceMs / PATIENCE_FACTOR;
  return { span, distancesMs: Array.from({ length: KNOWN_FROM }, () => usualMs), early: [] };
}

/** A record later than all before. What is over goes to `closed`. */
export function fold(watch: Watch, atMs: number, closed: Span[]): void {
  const { system, epoch } = watch.span;
  const silenceMs = atMs - watch.span.toMs;
  const gap = silenceMs > watch.span.patienceMs;
  watch.distancesMs = [...watch.distancesMs, silenceMs].slice(-REMEMBERED);
  const known = watch.distancesMs.length >= KNOWN_FROM;
  const patienceMs = patienceOf(watch.distancesMs);
  if (!gap || (known && silenceMs <= patienceMs)) {
    watch.span = { ...watch.span, toMs: atMs, patienceMs };
  } else {
    watch.early.push(watch.span);
    watch.span = { system, epoch, fromMs: atMs, toMs: atMs, patienceMs };
  }
  if (watch.distancesMs.length === KNOWN_FROM) joinEarly(watch, patienceMs);
  if (known) closed.push(...watch.early.splice(0));
}

function patienceOf(distancesMs: readonly number[]): number {
  if (distancesMs.length < KNOWN_FROM) return LEAST_PATIENCE_MS;
  const sorted = distancesMs.toSorted((a, b) => a - b);
  const usualMs = sorted[Math.floor(sorted.length / 2)] ?? 0;
  return Math.min(MOST_PATIENCE_MS, Math.max(LEAST_PATIENCE_MS, PATIENCE_FACTOR * usualMs));
}

/** Now that the usual distance is known: what was closed for want of it is one span after all. */
function joinEarly(watch: Watch, patienceMs: number): void {
  const spans = [...watch.early, watch.span];
  const joined: Span[] = [];
  for (const span of spans) {
    const before = joined.at(-1);
    if (before !== undefined && span.fromMs - before.toMs <= patienceMs)
      joined[joined.length - 1] = { ...span, fromMs: before.fromMs, patienceMs };
    else joined.push(span);
  }
  watch.span = joined.pop() ?? watch.span;
  watch.early = joined;
}
