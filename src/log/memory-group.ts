/**
 * A consumer group of the memory log: shares a topic's partitions between its members, exactly once.
 *
 *   join/leave ──▶ targets recomputed ──▶ the loser releases ──▶ the winner restores ──▶ processes, commits
 *
 * Outputs and the committed offset change in one synchronous step, at once or when the commit interval is over, so there is
 * no state in between to crash in.
 */
import type {
  Clock,
  LogRecord,
  PartitionProgress,
  ProcessHandle,
  ProcessOptions,
  Processor,
  ProduceRecord,
} from "../ports.ts";
import { addPending, CommitPace, type Pending, TICK_EVERY_MS } from "./commit-pace.ts";
import type { MemoryPartition } from "./memory-partition.ts";

const RESTORE_BATCH_RECORDS = 5_000;

/** Something that reads a topic: holds the log back from compacting, and producers from running away. */
export interface Follower {
  /** Next offset it will read of a partition; null when it does not follow that partition. */
  position(topic: string, partition: number): number | null;
}

/** What is committed later is waited for by `sleep`. */
export type MemoryClock = Pick<Clock, "now" | "sleep">;

/** Input records that wait at most: a producer must not wait for them. */
const MAX_PENDING_RECORDS = 40_000;

/** What a group needs of the log that it belongs to. */
interface GroupLog {
  readonly closed: boolean;
  partitions(topic: string): readonly MemoryPartition[];
  append(records: readonly ProduceRecord[]): void;
  /** Somebody read or wrote something: whoever waits looks again. */
  progressed(): void;
  changed(...signals: readonly (AbortSignal | undefined)[]): Promise<void>;
}

interface Owned {
  /** Next offset to process: beyond the committed one while the processor holds, or what it put out waits. */
  position: number;
  /** The processor has taken records, and has not put out yet what follows from them. */
  holding: boolean;
  pending: Pending | null;
  readonly pace: CommitPace;
  tickedAtMs: number;
}

interface Member {
  readonly processor: Processor;
  readonly commitIntervalMs: number;
  /** Partitions held. */
  readonly owned: Map<number, Owned>;
  stopping: boolean;
}

export class MemoryGroup implements Follower {
  readonly #log: GroupLog;
  readonly #topic: string;
  readonly #clock: MemoryClock;
  readonly #committed = new Map<number, number>();
  readonly #owners = new Map<number, Member>();
  readonly #members: Member[] = [];

  constructor(log: GroupLog, topic: string, clock: MemoryClock) {
    this.#log = log;
    this.#topic = topic;
    this.#clock = clock;
  }

  position(topic: string, partition: number): number | null {
    // Without members nobody is waiting: as in Kafka, a stopped group holds nothing back.
    if (topic !== this.#topic || this.#members.length === 0) return null;
    return this.#committed.get(partition) ?? 0;
  }

  join(
    processor: Processor,
    { signal, commitIntervalMs = 0 }: Pick<ProcessOptions, "signal" | "commitIntervalMs"> = {},
  ): ProcessHandle {
    const member: Member = { processor, commitIntervalMs, owned: new Map(), stopping: false };
    this.#members.push(member);
    this.#log.progressed();
    const done = this.#run(member, signal);
    // The caller may look at `done` late; an early failure must not count as unhandled.
    done.catch(() => {});
    return {
      progress: () => [...member.owned.keys()].map((partition) => this.#progress(partition)),
      waitingFor: () => this.#waitingFor(member),
      done,
      stop: async () => {
        member.stopping = true;
        this.#log.progressed();
        await done;
      },
    };
  }

  async #run(member: Member, signal: AbortSignal | undefined): Promise<void> {
    try {
      while (!member.stopping && !this.#log.closed && signal?.aborted !== true) {
        const rebalanced = await this.#rebalance(member);
        let processed = false;
        for (const [partition, owned] of member.owned)
          processed = this.#processOne(member, partition, owned) || processed;
        if (processed) {
          this.#log.progressed();
          // Lets readers and timers run between batches of a long backlog.
          await new Promise<void>((resolve) => setImmediate(resolve));
        } else if (!rebalanced && !member.stopping && !this.#log.closed) {
          // Both may have come while the partitions were settled: nobody would wake it for them any more.
          await this.#changedOrDue(member, signal);
        }
      }
      if (!this.#log.closed)
        for (const [partition, owned] of member.owned) this.#commit(member, partition, owned);
    } finally {
      this.#members.splice(this.#members.indexOf(member), 1);
      for (const partition of member.owned.keys()) this.#release(member, partition);
      this.#log.progressed();
    }
  }

  /** One publish of one partition: process, then append the outputs and commit, when that is due. False when there was none. */
  #processOne(member: Member, partition: number, owned: Owned): boolean {
    const { processor } = member;
    const log = this.#log.partitions(this.#topic)[partition];
    const records = log?.readPublish(owned.position) ?? [];
    const last = records.at(-1);
    if (last !== undefined) {
      const outputs = processor.process(partition, records);
      owned.position = last.offset + 1;
      owned.holding = outputs === null;
      if (outputs !== null) put(owned, outputs, records.length);
    }
    const nowMs = this.#clock.now();
    if (processor.tick !== undefined && nowMs - owned.tickedAtMs >= TICK_EVERY_MS) {
      owned.tickedAtMs = nowMs;
      const outputs = owned.holding ? [] : processor.tick(partition, nowMs);
      if (outputs.length > 0) put(owned, outputs, 0);
    }
    const { pending, pace } = owned;
    const due = pending !== null && (pending.records >= MAX_PENDING_RECORDS || pace.isDue(nowMs));
    if (due) this.#commit(member, partition, owned);
    return last !== undefined || due;
  }

  #commit({ processor }: Member, partition: number, owned: Owned): void {
    const { pending } = owned;
    if (pending === null) return;
    this.#log.append(pending.outputs);
    this.#committed.set(partition, pending.next);
    owned.pending = null;
    owned.pace.committed(this.#clock.now());
    processor.committed?.(partition);
  }

  /** Waits until something was written, or something is due by time. */
  async #changedOrDue({ processor, owned }: Member, signal: AbortSignal | undefined): Promise<void> {
    let dueMs = Infinity;
    for (const { pending, pace, tickedAtMs } of owned.values()) {
      if (pending !== null) dueMs = Math.min(dueMs, pace.dueAtMs());
      if (processor.tick !== undefined) dueMs = Math.min(dueMs, tickedAtMs + TICK_EVERY_MS);
    }
    if (dueMs === Infinity) return this.#log.changed(signal);
    const [due, changed] = [new AbortController(), new AbortController()];
    const waitMs = Math.max(0, dueMs - this.#clock.now());
    void this.#clock.sleep(waitMs, changed.signal).then(() => due.abort());
    await this.#log.changed(signal, due.signal);
    changed.abort();
  }

  async #rebalance(member: Member): Promise<boolean> {
    let changed = false;
    const count = this.#log.partitions(this.#topic).length;
    for (let partition = 0; partition < count; partition += 1) {
      const target = this.#target(partition);
      const owner = this.#owners.get(partition);
      if (owner === member && target !== member) {
        const owned = member.owned.get(partition);
        if (owned !== undefined) this.#commit(member, partition, owned);
        this.#release(member, partition);
        changed = true;
      } else if (target === member && owner === undefined) {
        this.#owners.set(partition, member);
        const committedOffset = this.#committed.get(partition) ?? 0;
        const endOffset = this.#log.partitions(this.#topic)[partition]?.endOffset ?? 0;
        await member.processor.restore(partition, this.#history(partition, committedOffset), {
          committedOffset,
          endOffset,
        });
        const owned: Owned = {
          position: committedOffset,
          holding: false,
          pending: null,
          pace: new CommitPace(member.commitIntervalMs),
          tickedAtMs: this.#clock.now(),
        };
        member.owned.set(partition, owned);
        const outputs = committedOffset >= endOffset ? (member.processor.caughtUp?.(partition) ?? []) : [];
        if (outputs.length > 0) put(owned, outputs, 0);
        changed = true;
      }
    }
    if (changed) this.#log.progressed();
    return changed;
  }

  async *#history(partition: number, committedOffset: number): AsyncGenerator<readonly LogRecord[]> {
    const log = this.#log.partitions(this.#topic)[partition];
    let position = 0;
    while (log !== undefined && position < committedOffset) {
      const records = log
        .read(position, RESTORE_BATCH_RECORDS)
        .filter((record) => record.offset < committedOffset);
      const last = records.at(-1);
      if (last === undefined) return;
      position = last.offset + 1;
      yield records;
    }
  }

  #release(member: Member, partition: number): void {
    if (this.#owners.get(partition) === member) this.#owners.delete(partition);
    member.owned.delete(partition);
    member.processor.release(partition);
  }

  #waitingFor(member: Member): string | null {
    const missing = this.#log
      .partitions(this.#topic)
      .map((_, partition) => partition)
      .filter((partition) => this.#target(partition) === member && !member.owned.has(partition));
    return missing.length === 0 ? null : `restoring partitions ${missing.join(", ")}`;
  }

  #target(partition: number): Member | undefined {
    return this.#members[partition % this.#members.length];
  }

  #progress(partition: number): PartitionProgress {
    const committedOffset = this.#committed.get(partition) ?? 0;
    const endOffset = this.#log.partitions(this.#topic)[partition]?.endOffset ?? 0;
    return { partition, committedOffset, lagRecords: endOffset - committedOffset };
  }
}

function put(owned: Owned, outputs: ProduceRecord[], records: number): void {
  owned.pending = addPending(owned.pending, { outputs, next: owned.position, records });
}
