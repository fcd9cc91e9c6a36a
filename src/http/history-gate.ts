/**
 * Lets two questions to the archive run at a time, and one client never starve the others: a client that has none
 * running may wait for its turn with one, everybody else is told to come again.
 *
 *   question ─▶ a place is free ─▶ runs ─▶ place goes to who has waited longest
 *           ├─▶ its client has one here ─▶ 503
 *           └─▶ waits ──2 s──▶ 503
 */
import { HttpError } from "../errors.ts";
import type { Clock } from "../ports.ts";

/** How much the archive is asked at once, and for how long. */
export const HISTORY_LIMITS = {
  /** Questions that run at a time. */
  running: 2,
  /** Questions that wait, each of another client. */
  waiting: 16,
  waitMs: 2_000,
  /** A question that takes longer is stopped. */
  questionMs: 10_000,
  retryAfterSeconds: 1,
} as const;

interface Waiting {
  readonly client: string;
  readonly start: () => void;
}

export class HistoryGate {
  readonly #clock: Pick<Clock, "sleep">;
  /** Of each question that runs: its client. */
  readonly #running: string[] = [];
  readonly #waiting: Waiting[] = [];

  constructor(clock: Pick<Clock, "sleep">) {
    this.#clock = clock;
  }

  /**
   * Runs `question` when it is its turn; its place is free again when it has really ended.
   * @param gone aborts when nobody waits for the answer any more
   * @throws HttpError 503 when there is no place, or it takes too long
   */
  async ask<T>(client: string, question: (signal: AbortSignal) => Promise<T>, gone: AbortSignal): Promise<T> {
    await this.#enter(client, gone);
    const over = new AbortController();
    const late = new AbortController();
    void this.#tooLate(over.signal, late);
    try {
      const signal = AbortSignal.any([gone, late.signal]);
      signal.throwIfAborted();
      return await question(signal);
    } catch (error) {
      if (gone.aborted) throw busy("Nobody waits for the answer any more.");
      if (late.signal.aborted)
        throw busy("The question took too long. Ask for a shorter range, or a longer step.");
      throw error;
    } finally {
      over.abort();
      this.#leave(client);
    }
  }

  async #tooLate(over: AbortSignal, late: AbortController): Promise<void> {
    await this.#clock.sleep(HISTORY_LIMITS.questionMs, over);
    if (!over.aborted) late.abort();
  }

  async #enter(client: string, gone: AbortSignal): Promise<void> {
    if (this.#running.length < HISTORY_LIMITS.running) {
      this.#running.push(client);
      return;
    }
    const has = this.#running.includes(client) || this.#waiting.some((one) => one.client === client);
    if (has || this.#waiting.length >= HISTORY_LIMITS.waiting)
      throw busy(
        `${HISTORY_LIMITS.running} questions to the history are being answered. Ask again in a moment.`,
      );
    const turn = Promise.withResolvers<"turn">();
    const waiting: Waiting = { client, start: () => turn.resolve("turn") };
    this.#waiting.push(waiting);
    const enough = new AbortController();
    const first = await Promise.race([
      turn.promise,
      this.#clock.sleep(HISTORY_LIMITS.waitMs, AbortSignal.any([gone, enough.signal])),
    ]);
    enough.abort();
    if (first === "turn") return;
    const at = this.#waiting.indexOf(waiting);
    // The turn came at the same moment: it is taken.
    if (at < 0) return;
    this.#waiting.splice(at, 1);
    throw busy("The history is busy. Ask again in a moment.");
  }

  #leave(client: string): void {
    this.#running.splice(this.#running.indexOf(client), 1);
    const next = this.#waiting.shift();
    if (next === undefined) return;
    this.#running.push(next.client);
    next.start();
  }
}

function busy(message: string): HttpError {
  return new HttpError("VELOSTREAM_HTTP_UNAVAILABLE", message, {
    details: { retryAfterSeconds: HISTORY_LIMITS.retryAfterSeconds },
  });
}
