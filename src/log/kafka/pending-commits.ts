/**
 * What the partitions of a worker have put out and not committed yet: each is one transaction, as often as the pace allows.
 *
 *   processed, told the time ─▶ put ──due──▶ commit ─▶ committed, or lost: the partition is restored
 */
import type { Clock, Metrics, Processor, ProduceRecord } from "../../ports.ts";
import { addPending, TICK_EVERY_MS } from "../commit-pace.ts";
import type { Generation } from "./membership.ts";
import { encodeNote } from "./position-note.ts";
import type { TakenPartition } from "./takeover.ts";
import { isTransactionLost, type Replace } from "./transaction.ts";

/** Records per transaction, about: bounds what one commit holds up. */
export const MAX_RECORDS = 40_000;

export interface PendingCommitsOptions {
  readonly topic: string;
  readonly processor: Processor;
  readonly clock: Pick<Clock, "now">;
  readonly metrics: Metrics;
  readonly replace: Replace;
  readonly generation: () => Generation;
  /** The outcome of its transaction is unknown, or another worker fenced it. */
  readonly onLost: (partition: number, error: unknown) => Promise<void>;
}

export class PendingCommits {
  readonly #options: PendingCommitsOptions;

  constructor(options: PendingCommitsOptions) {
    this.#options = options;
  }

  /** Adds what was put out for `records` records, whose position is now that of the partition. */
  put(taken: TakenPartition, outputs: ProduceRecord[], records: number): void {
    const pending = addPending(taken.pending, { outputs, next: taken.position, records });
    taken.pending = { ...pending, note: taken.note };
  }

  /** Commits it when it is due. @returns false when the partition had to be given up */
  async commitDue(taken: TakenPartition): Promise<boolean> {
    const { pending, pace } = taken;
    if (pending === null) return true;
    const due = pending.records >= MAX_RECORDS || pace.isDue(this.#options.clock.now());
    return due ? this.commit(taken) : true;
  }

  /** Tells the processor the time when it is due, and commits what is. */
  async tend(taken: TakenPartition): Promise<void> {
    const { processor, clock } = this.#options;
    const nowMs = clock.now();
    if (processor.tick !== undefined && nowMs - taken.tickedAtMs >= TICK_EVERY_MS) {
      taken.tickedAtMs = nowMs;
      const outputs = taken.holding ? [] : processor.tick(taken.partition, nowMs);
      if (outputs.length > 0) this.put(taken, outputs, 0);
    }
    await this.commitDue(taken);
  }

  /** When `tend` has something to do for one of them, if nothing is read meanwhile; null: never. */
  nextDueMs(partitions: Iterable<TakenPartition>): number | null {
    const ticks = this.#options.processor.tick !== undefined;
    let dueMs = Infinity;
    for (const { pending, pace, tickedAtMs } of partitions) {
      if (pending !== null) dueMs = Math.min(dueMs, pace.dueAtMs());
      if (ticks) dueMs = Math.min(dueMs, tickedAtMs + TICK_EVERY_MS);
    }
    return dueMs === Infinity ? null : dueMs;
  }

  /** Commits what they have, due or not. */
  async commitAll(partitions: Iterable<TakenPartition>): Promise<void> {
    await Promise.all([...partitions].map(async (taken) => this.commit(taken)));
  }

  /** Commits what it has, if anything. @returns false when the partition had to be given up */
  async commit(taken: TakenPartition): Promise<boolean> {
    const { topic, processor, clock, metrics, replace, generation, onLost } = this.#options;
    const { partition, pending } = taken;
    if (pending === null) return true;
    const startedAtMs = clock.now();
    taken.pace.committed(startedAtMs);
    const consumed = { topic, partition, nextOffset: pending.next, note: encodeNote(pending.note) };
    try {
      await taken.transactions.commit(pending.outputs, consumed, generation(), replace);
    } catch (error) {
      if (!isTransactionLost(error)) throw error;
      metrics.count("velostream_kafka_transactions_total", { outcome: "lost" });
      await onLost(partition, error);
      return false;
    }
    taken.pending = null;
    taken.committed = pending.next;
    processor.committed?.(partition);
    metrics.count("velostream_kafka_transactions_total", { outcome: "committed" });
    metrics.observe("velostream_kafka_transaction_duration_seconds", {}, (clock.now() - startedAtMs) / 1000);
    return true;
  }
}
