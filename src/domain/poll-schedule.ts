/**
 * When a feed is polled next. Pure: time and randomness come in as arguments.
 *
 *   failed ──────────────▶ exponential backoff with full jitter; never before Retry-After
 *   fixed interval ──────▶ the next point of the grid (a slow poll skips points, it never bunches them)
 *   auto, usable ttl ────▶ when the file expires: last_updated + ttl
 *   auto, no usable ttl ─▶ learn the change period from content, then poll just after the next expected change
 */
import { ChangePeriod } from "./change-period.ts";

export interface PollScheduleOptions {
  /** Milliseconds between polls, or `auto`. A fixed interval is the user's own word: ttl does not change it. */
  readonly intervalMs: number | "auto";
  /** `auto` never polls more often. */
  readonly minMs: number;
  /** `auto` never polls more slowly, and no backoff waits longer. */
  readonly maxMs: number;
  /** False for publishers whose ttl is known to be wrong (Vélib': an hour for data that changes every minute). */
  readonly respectTtl: boolean;
}

/** How the last poll ended. */
export interface PollOutcome {
  readonly kind: "changed" | "unchanged" | "failed";
  /** When it ended, epoch ms. */
  readonly atMs: number;
  /** The server's `Retry-After`, ms from `atMs`. */
  readonly retryAfterMs: number | null;
  readonly ttlSeconds: number | null;
  /** The header's `last_updated`, epoch ms. */
  readonly lastUpdatedMs: number | null;
}

/**
 * GBFS: real-time data is never older than five minutes. A greater ttl of `station_status` contradicts the
 * specification and is not obeyed (docs/decisions/0050-ttl.md).
 */
const GREATEST_REALTIME_TTL_SECONDS = 300;
/** The greatest `Retry-After` obeyed: a day. A server cannot switch a feed off for ever by a header. */
export const GREATEST_RETRY_AFTER_MS = 86_400_000;
/** Unchanged polls at the fastest pace before a source of unknown period is polled more slowly. */
const PATIENCE_POLLS = 6;
const SLOW_DOWN = 1.5;
/** How narrow the window of the next change must be before polls stop halving it. */
const NARROW_ENOUGH_MS = 3_000;
/** A poll just after the expected change: publishers write their files a moment later than they say. */
const JUST_AFTER_MS = 500;

export class PollSchedule {
  readonly #options: PollScheduleOptions;
  readonly #period = new ChangePeriod();
  /** The time last answered, the grid of a fixed interval. */
  #plannedMs: number | null = null;
  #failures = 0;
  #unchanged = 0;

  constructor(options: PollScheduleOptions) {
    this.#options = options;
  }

  /** The measured time between changes of content; null until known. */
  get changePeriodMs(): number | null {
    return this.#period.periodMs;
  }

  /**
   * Epoch ms of the next poll, always later than `outcome.atMs`.
   * @param random in [0, 1)
   */
  next(outcome: PollOutcome, random: number): number {
    if (outcome.kind === "failed") this.#failures += 1;
    else {
      this.#failures = 0;
      this.#unchanged = outcome.kind === "changed" ? 0 : this.#unchanged + 1;
      this.#period.observe(outcome.atMs, outcome.kind === "changed");
    }
    const retryMs = Math.min(Math.max(0, outcome.retryAfterMs ?? 0), GREATEST_RETRY_AFTER_MS);
    const earliestMs = outcome.atMs + Math.max(1, retryMs);
    this.#plannedMs = Math.max(earliestMs, this.#wanted(outcome, random));
    return this.#plannedMs;
  }

  #wanted(outcome: PollOutcome, random: number): number {
    if (outcome.kind === "failed") return outcome.atMs + this.#backoff(random);
    const { intervalMs } = this.#options;
    if (intervalMs !== "auto") return this.#onGrid(intervalMs, outcome.atMs);
    const ttlMs = this.#usableTtlMs(outcome);
    return ttlMs === null
      ? this.#afterNextChange(outcome.atMs, random)
      : this.#atExpiry(outcome, ttlMs, random);
  }

  /** Full jitter (a random share of the whole backoff), but never faster than the schedule itself. */
  #backoff(random: number): number {
    const { intervalMs, minMs, maxMs } = this.#options;
    const paceMs = Math.max(1, intervalMs === "auto" ? minMs : intervalMs);
    const ceilingMs = Math.max(paceMs, maxMs);
    // 2^30 paces are beyond every ceiling, and still a finite number.
    const backoffMs = Math.min(ceilingMs, paceMs * 2 ** Math.min(this.#failures, 30));
    return Math.max(paceMs, random * backoffMs);
  }

  #onGrid(intervalMs: number, atMs: number): number {
    const step = Math.max(1, intervalMs);
    const planned = this.#plannedMs;
    if (planned === null || planned > atMs) return atMs + step;
    return planned + (Math.floor((atMs - planned) / step) + 1) * step;
  }

  /** The ttl when it is one to go by: 0 means "always changing", which says nothing about a pace. */
  #usableTtlMs(outcome: PollOutcome): number | null {
    const { ttlSeconds } = outcome;
    if (!this.#options.respectTtl || ttlSeconds === null || ttlSeconds <= 0) return null;
    return ttlSeconds > GREATEST_REALTIME_TTL_SECONDS ? null : ttlSeconds * 1000;
  }

  #atExpiry(outcome: PollOutcome, ttlMs: number, random: number): number {
    const leftMs = (outcome.lastUpdatedMs ?? outcome.atMs) + ttlMs - outcome.atMs;
    // A header that is stale, or from a clock ahead of ours, cannot say when the file expires: then a whole ttl.
    const waitMs = leftMs > 0 && leftMs <= ttlMs ? leftMs : ttlMs;
    return outcome.atMs + Math.max(this.#options.minMs, waitMs + random * JUST_AFTER_MS);
  }

  #afterNextChange(atMs: number, random: number): number {
    const { minMs, maxMs } = this.#options;
    const slowerMs = minMs * SLOW_DOWN ** Math.min(60, Math.max(0, this.#unchanged - PATIENCE_POLLS));
    const fallback = atMs + Math.min(maxMs, slowerMs);
    const window = this.#period.next(atMs);
    if (window === null) return fallback;
    const justAfterMs = window.untilMs + JUST_AFTER_MS * (1 + random);
    const widthMs = window.untilMs - window.fromMs;
    let targetMs = justAfterMs;
    // A poll in the middle of a wide window tells in which half the change falls.
    if (widthMs > NARROW_ENOUGH_MS && atMs <= window.fromMs) targetMs = window.fromMs + widthMs / 2;
    // A source that has stopped changing is not looked at all the time.
    if (this.#unchanged > PATIENCE_POLLS) targetMs = Math.max(targetMs, fallback);
    // A change that was due and has not come is looked for at the fastest pace: it is probably only late.
    return Math.min(atMs + maxMs, Math.max(atMs + minMs, targetMs));
  }
}
