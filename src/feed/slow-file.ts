/**
 * A GBFS file that changes rarely (station_information, vehicle_types, system_regions): refreshed when due, in the
 * background, so that it never delays a poll; the last good value is kept through failures.
 */
import type { Clock } from "../ports.ts";
import type { FeedFile } from "./feed-file.ts";
import { failureOf, type FetchFailure } from "./failures.ts";

export interface Pace {
  /** Never refreshed more often, ms. */
  readonly leastMs: number;
  /** Refreshed this often whatever the ttl says, ms. */
  readonly mostMs: number;
}

/** Hourly at the slowest: new stations appear, and Vélib' says an hour. */
export const INFORMATION_PACE: Pace = { leastMs: 5 * 60_000, mostMs: 3_600_000 };
/** Types and regions hardly ever change. */
export const RARE_PACE: Pace = { leastMs: 3_600_000, mostMs: 24 * 3_600_000 };
/** After a failure, doubled with each further one. */
const RETRY_MS = 60_000;
/** A file that is listed but does not exist is looked for once an hour. */
const ABSENT_MS = 3_600_000;

export interface Decoded<T> {
  readonly value: T;
  readonly ttlSeconds: number | null;
}

export class SlowFile<T> {
  readonly #file: FeedFile;
  readonly #decode: (body: unknown) => Decoded<T> | null;
  readonly #clock: Pick<Clock, "now">;
  readonly #pace: Pace;
  #value: T;
  #dueAtMs = 0;
  #lastAtMs = -Infinity;
  #failures = 0;
  #refreshing: Promise<void> | null = null;
  /** Why the last refresh failed; null after a good one, and for a file that does not exist. */
  failure: FetchFailure | null = null;
  /** The same, of a file that does not exist too, and since when. */
  trouble: { readonly failure: FetchFailure; readonly sinceMs: number } | null = null;
  /** A first answer came: a value, or that there is no such file. */
  settled = false;

  constructor(options: {
    readonly file: FeedFile;
    readonly decode: (body: unknown) => Decoded<T> | null;
    readonly empty: T;
    readonly clock: Pick<Clock, "now">;
    readonly pace: Pace;
  }) {
    this.#file = options.file;
    this.#decode = options.decode;
    this.#value = options.empty;
    this.#clock = options.clock;
    this.#pace = options.pace;
  }

  get value(): T {
    return this.#value;
  }

  get url(): URL {
    return this.#file.url;
  }

  /** Nothing of it is kept any longer. */
  close(): void {
    this.#file.close();
  }

  /** Wanted sooner than its schedule says: a station has appeared that it does not know. */
  hasten(): void {
    this.#dueAtMs = Math.min(this.#dueAtMs, this.#lastAtMs + this.#pace.leastMs);
  }

  /**
   * Wanted now: what depends on it cannot wait for its schedule.
   * @param freshMs what has been read this recently, or is being read, is new enough
   */
  demand(freshMs = 0): void {
    const fresh = freshMs > 0 && this.#clock.now() - this.#lastAtMs < freshMs;
    if (!fresh && this.#refreshing === null) this.#dueAtMs = 0;
  }

  /** Refreshes if due. Resolves when that is over; never rejects. */
  refresh(signal?: AbortSignal): Promise<void> {
    if (this.#refreshing === null && this.#clock.now() >= this.#dueAtMs) {
      this.#refreshing = this.#refresh(signal).finally(() => {
        this.#refreshing = null;
      });
    }
    return this.#refreshing ?? Promise.resolve();
  }

  async #refresh(signal?: AbortSignal): Promise<void> {
    const answer = await this.#file.fetch(signal);
    const nowMs = this.#clock.now();
    this.#lastAtMs = nowMs;
    if (!answer.ok) return this.#failed(answer, nowMs);
    let ttlSeconds: number | null = null;
    if (answer.kind === "changed") {
      const { body, weight, release } = answer;
      const decoded = this.#decode(body);
      release();
      if (decoded === null || !this.#file.mayKeep(weight)) {
        this.#file.forget();
        const failure =
          decoded === null
            ? failureOf("not_gbfs", this.#file.url)
            : failureOf("too_large", this.#file.url, "beside what other feeds keep");
        return this.#failed(failure, nowMs);
      }
      this.#value = decoded.value;
      ({ ttlSeconds } = decoded);
    }
    this.#failures = 0;
    this.failure = null;
    this.trouble = null;
    this.settled = true;
    const ttlMs = (ttlSeconds ?? 0) * 1000;
    this.#dueAtMs = nowMs + Math.min(this.#pace.mostMs, Math.max(this.#pace.leastMs, ttlMs));
  }

  #failed(failure: FetchFailure, nowMs: number): void {
    this.#failures += 1;
    const absent = failure.outcome === "http_404" || failure.outcome === "http_410";
    this.failure = absent ? null : failure;
    this.trouble = { failure, sinceMs: this.trouble?.sinceMs ?? nowMs };
    if (absent) this.settled = true;
    const backoffMs = absent
      ? ABSENT_MS
      : Math.min(ABSENT_MS, RETRY_MS * 2 ** Math.min(10, this.#failures - 1));
    this.#dueAtMs = nowMs + Math.max(backoffMs, failure.retryAfterMs ?? 0);
  }
}
