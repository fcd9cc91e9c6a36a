/**
 * A consumer group of the memory log: shares a topic's partitions between its members, exactly once.
 *
 *   join/leave ──▶ targets recomputed ──▶ the loser releases ──▶ the winner restores ──▶ processes, commits
 *
 * Outputs and the committed offset change in one synchronous step, so there is no state in between to crash in.
 */
import type { PartitionProgress, Processor, ProcessHandle, ProduceRecord, LogRecord } from "../ports.ts";
import type { MemoryPartition } from "./memory-partition.ts";

const RESTORE_BATCH_RECORDS = 5_000;

/** Something that reads a topic: holds the log back from compacting, and producers from running away. */
export interface Follower {
  /** Next offset it will read of a partition; null when it does not follow that partition. */
  position(topic: string, partition: number): number | null;
}

/** What a group needs of the log that it belongs to. */
interface GroupLog {
  readonly closed: boolean;
  partitions(topic: string): readonly MemoryPartition[];
  append(records: readonly ProduceRecord[]): void;
  /** Somebody read or wrote something: whoever waits looks again. */
  progressed(): void;
  changed(signal?: AbortSignal): Promise<void>;
}

interface Member {
  readonly processor: Processor;
  /** Partitions held, with the next offset to process: beyond the committed one while the processor holds. */
  readonly owned: Map<number, number>;
  stopping: boolean;
}

export class MemoryGroup implements Follower {
  readonly #log: GroupLog;
  readonly #topic: string;
  readonly #committed = new Map<number, number>();
  readonly #owners = new Map<number, Member>();
  readonly #members: Member[] = [];

  constructor(log: GroupLog, topic: string) {
    this.#log = log;
    this.#topic = topic;
  }

  position(topic: string, partition: number): number | null {
    // Without members nobody is waiting: as in Kafka, a stopped group holds nothing back.
    if (topic !== this.#topic || this.#members.length === 0) return null;
    return this.#committed.get(partition) ?? 0;
  }

  join(processor: Processor, signal?: AbortSignal): ProcessHandle {
    const member: Member = { processor, owned: new Map(), stopping: false };
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
        for (const [partition, position] of member.owned)
          processed = this.#processOne(member, partition, position) || processed;
        if (processed) {
          this.#log.progressed();
          // Lets readers and timers run between batches of a long backlog.
          await new Promise<void>((resolve) => setImmediate(resolve));
        } else if (!rebalanced && !member.stopping && !this.#log.closed) {
          // Both may have come while the partitions were settled: nobody would wake it for them any more.
          await this.#log.changed(signal);
        }
      }
    } finally {
      this.#members.splice(this.#members.indexOf(member), 1);
      for (const partition of member.owned.keys()) this.#release(member, partition);
      this.#log.progressed();
    }
  }

  /** One publish of one partition: process, append the outputs, commit. False when there was none. */
  #processOne(member: Member, partition: number, position: number): boolean {
    const log = this.#log.partitions(this.#topic)[partition];
    const records = log?.readPublish(position) ?? [];
    const last = records.at(-1);
    if (last === undefined) return false;
    const outputs = member.processor.process(partition, records);
    member.owned.set(partition, last.offset + 1);
    if (outputs === null) return true;
    this.#log.append(outputs);
    this.#committed.set(partition, last.offset + 1);
    return true;
  }

  async #rebalance(member: Member): Promise<boolean> {
    let changed = false;
    const count = this.#log.partitions(this.#topic).length;
    for (let partition = 0; partition < count; partition += 1) {
      const target = this.#target(partition);
      const owner = this.#owners.get(partition);
      if (owner === member && target !== member) {
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
        member.owned.set(partition, committedOffset);
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
