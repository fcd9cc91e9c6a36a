/**
 * Whether Kafka answers, over all the connections of a log: one log line when it goes, one when it is back.
 *
 *   up ──a role fails for 2 s──▶ down (one warning; /readyz says no) ──every role succeeds again──▶ up (one line)
 */
import type { Clock, Logger, LogHealth } from "../../ports.ts";
import { explain, isRetriable, isUnknownTopic, refusal } from "./errors.ts";
import { LogError } from "../../errors.ts";

/** Shorter hiccups (a leader election, one lost connection) are no outage. */
const OUTAGE_AFTER_MS = 2_000;
const FIRST_DELAY_MS = 50;
const LONGEST_DELAY_MS = 1_000;
/**
 * A topic that is not known may be about to be made, or be made already: each broker hears of it in its own time, a leader
 * may be named before it hosts its partition, and a broker that has just started knows no topics at all for a while.
 */
const UNKNOWN_TOPIC_PATIENCE_MS = 30_000;

interface Failing {
  readonly sinceMs: number;
  reason: string;
}

export interface PersistOptions {
  /** What is tried, for messages: `publish to velib-projet`. */
  readonly what: string;
  readonly signal?: AbortSignal | undefined;
  /** Gives up after this long; never when absent. */
  readonly patienceMs?: number;
  /** Called after each failure, e.g. to forget a leader. */
  readonly onFailure?: (error: unknown) => void;
  /** Errors that the caller wants at once although Kafka calls them retriable. */
  readonly giveUp?: (error: unknown) => boolean;
  /** Errors that Kafka calls final, and that `onFailure` mends. */
  readonly mend?: (error: unknown) => boolean;
}

export class Connectivity {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #brokers: string;
  readonly #failing = new Map<string, Failing>();
  #downSinceMs: number | null = null;

  constructor(options: { clock: Clock; logger: Logger; brokers: readonly string[] }) {
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#brokers = options.brokers.join(",");
  }

  health(): LogHealth {
    if (this.#downSinceMs === null || this.#failing.size === 0) return { ok: true, reason: null };
    // Strangers read it: the log line names the brokers and the reason.
    return { ok: false, reason: "Kafka does not answer. The log says which broker, and why." };
  }

  failed(role: string, error: unknown): void {
    const now = this.#clock.now();
    const reason = explain(error);
    const failing = this.#failing.get(role);
    if (failing === undefined) {
      this.#failing.set(role, { sinceMs: now, reason });
      return;
    }
    failing.reason = reason;
    if (this.#downSinceMs === null && now - failing.sinceMs >= OUTAGE_AFTER_MS) {
      this.#downSinceMs = failing.sinceMs;
      this.#logger.warn("kafka.unavailable", "Kafka does not answer; nothing is lost, trying again.", {
        brokers: this.#brokers,
        reason,
      });
    }
  }

  succeeded(role: string): void {
    if (!this.#failing.delete(role) || this.#failing.size > 0 || this.#downSinceMs === null) return;
    const durationMs = this.#clock.now() - this.#downSinceMs;
    this.#downSinceMs = null;
    this.#logger.info("kafka.available", "Kafka answers again.", { brokers: this.#brokers, durationMs });
  }

  /** A role that ended, whatever its state, no longer counts; whether Kafka answers is not said by that. */
  forget(role: string): void {
    this.#failing.delete(role);
    if (this.#failing.size === 0) this.#downSinceMs = null;
  }

  /** Tries until it succeeds, cannot succeed any more, or `signal` aborts. */
  async persist<T>(role: string, options: PersistOptions, attempt: () => Promise<T>): Promise<T> {
    const startedAtMs = this.#clock.now();
    for (let failures = 0; ; failures += 1) {
      if (options.signal?.aborted === true) throw new StoppedWaiting(options.what);
      try {
        const result = await attempt();
        this.succeeded(role);
        return result;
      } catch (error) {
        const final = refusal(error, options.what);
        if (final !== null) throw final;
        if (options.giveUp?.(error) === true) throw error;
        if (!isRetriable(error) && options.mend?.(error) !== true) throw error;
        const waitedMs = this.#clock.now() - startedAtMs;
        const unknownTopic = isUnknownTopic(error);
        if (unknownTopic && waitedMs > UNKNOWN_TOPIC_PATIENCE_MS)
          throw new LogError(
            "VELOSTREAM_LOG_REFUSED",
            `Could not ${options.what}: the topic does not exist. Make it with \`velostream topics create\`.`,
            { cause: error },
          );
        if (options.patienceMs !== undefined && waitedMs > options.patienceMs) throw error;
        // A broker that says "no such topic" does answer.
        if (!unknownTopic) this.failed(role, error);
        options.onFailure?.(error);
        await this.pause(failures, options.signal);
      }
    }
  }

  /** Waits longer after each failure, up to a second, never two clients in step. */
  async pause(failures: number, signal?: AbortSignal): Promise<void> {
    const delayMs = Math.min(FIRST_DELAY_MS * 2 ** Math.min(failures, 10), LONGEST_DELAY_MS);
    await this.#clock.sleep(delayMs * (0.75 + Math.random() / 2), signal);
  }
}

/** A wait for Kafka that ended because its signal aborted. */
export class StoppedWaiting extends LogError {
  constructor(what: string) {
    super(
      "VELOSTREAM_LOG_UNAVAILABLE",
      `Stopped before Kafka answered: could not ${what}. Start again when Kafka is reachable.`,
    );
  }
}

/** Waits for `promise`, but rejects with StoppedWaiting as soon as `signal` aborts. */
export async function orStopped<T>(promise: Promise<T>, what: string, signal: AbortSignal): Promise<T> {
  let onAbort: () => void = () => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(new StoppedWaiting(what));
    signal.addEventListener("abort", onAbort);
    if (signal.aborted) onAbort();
  });
  // Whichever loses the race must not count as unhandled.
  promise.catch(() => {});
  aborted.catch(() => {});
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener("abort", onAbort));
}
