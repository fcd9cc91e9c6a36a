/**
 * When what a processor has put out is to be committed: as soon as it is there after a quiet while, then as often as the
 * interval on average, and never later than an interval after the commit before.
 *
 *   put out ─▶ pending ──due──▶ committed ─▶ …      three in a row may come early: one poll that arrives in pieces,
 *                                                   or a feed that is polled as often as the interval, does not wait
 */
import type { ProduceRecord } from "../ports.ts";

const EARLY_COMMITS = 3;

/** How often a processor is told the time, where it wants to be. */
export const TICK_EVERY_MS = 1_000;

export class CommitPace {
  readonly #intervalMs: number;
  /** When the next commit would be, if none were early. */
  #regularMs = -Infinity;

  /** @param intervalMs 0 commits everything at once */
  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  dueAtMs(): number {
    return this.#regularMs - (EARLY_COMMITS - 1) * this.#intervalMs;
  }

  isDue(nowMs: number): boolean {
    return this.#intervalMs === 0 || nowMs >= this.dueAtMs();
  }

  /** @param nowMs when the commit began */
  committed(nowMs: number): void {
    this.#regularMs = Math.max(this.#regularMs, nowMs) + this.#intervalMs;
  }
}

/** What several calls of a processor put out, and how far it is committed with them. */
export interface Pending {
  readonly outputs: ProduceRecord[];
  /** Next offset to process after them. */
  next: number;
  /** Input records that they follow from. */
  records: number;
}

/** Adds what one more call put out. */
export function addPending(before: Pending | null, more: Pending): Pending {
  if (before === null) return { ...more, outputs: [...more.outputs] };
  for (const output of more.outputs) before.outputs.push(output);
  before.next = more.next;
  before.records += more.records;
  return before;
}
