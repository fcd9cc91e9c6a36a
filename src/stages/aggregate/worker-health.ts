/**
 * Whether an aggregate worker does its work: it has its share, and none of its partitions stands still before records.
 *
 *   joining, restoring ──▶ at work ──records before it, no commit for 30 s──▶ stands still ──commit──▶ at work
 */
import type { HealthState, PartitionProgress, ProcessHandle } from "../../ports.ts";
import { counted } from "../../telemetry/counted.ts";

/** A commit takes milliseconds; a long backlog, which is put out at its end, is not ready before that either. */
const STILL_AFTER_MS = 30_000;

export class WorkerHealth {
  readonly #worker: ProcessHandle;
  /** Since when each partition has stood where it stands, with records before it. */
  readonly #since = new Map<number, { readonly committedOffset: number; readonly atMs: number }>();

  constructor(worker: ProcessHandle) {
    this.#worker = worker;
  }

  /** Call every second or so. */
  observe(progress: readonly PartitionProgress[], nowMs: number): void {
    for (const partition of this.#since.keys())
      if (!progress.some((each) => each.partition === partition && each.lagRecords > 0))
        this.#since.delete(partition);
    for (const { partition, committedOffset, lagRecords } of progress)
      if (lagRecords > 0 && this.#since.get(partition)?.committedOffset !== committedOffset)
        this.#since.set(partition, { committedOffset, atMs: nowMs });
  }

  state(nowMs: number): HealthState {
    const waiting = this.#worker.waitingFor();
    if (waiting !== null) return { ok: false, reason: `The worker is ${waiting}.` };
    const still = [...this.#since].filter(([, { atMs }]) => nowMs - atMs >= STILL_AFTER_MS);
    if (still.length === 0) return { ok: true, reason: null };
    const places = still.map(
      ([partition, { committedOffset }]) => `${partition} at offset ${committedOffset}`,
    );
    const longestMs = Math.max(...still.map(([, { atMs }]) => nowMs - atMs));
    return {
      ok: false,
      reason: `The worker has not come on for ${counted(Math.floor(longestMs / 1000), "second")} in partition ${places.join(", ")}, though records follow.`,
    };
  }
}
