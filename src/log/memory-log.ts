/**
 * The log inside one process: partitions, keys, offsets, compaction, tombstones and consumer positions, as Kafka
 * has them, with back-pressure in place of growth. Passes the same contract suite as the Kafka log.
 *
 *   publish ──append──▶ partitions ──wake──▶ readers (own positions)
 *      ▲                    │               └▶ group members (committed offsets) ──outputs──▶ partitions
 *      └── waits while a reader is more than `maxUnreadRecords` behind
 */
import { partitionOf } from "../record/partitioning.ts";
import { LogError } from "../errors.ts";
import type {
  Log,
  LogHealth,
  LogProducer,
  LogRecord,
  MissingRecords,
  Processor,
  ProcessHandle,
  ProcessOptions,
  ProduceRecord,
  ReadBatch,
  ReadOptions,
  TopicReport,
  TopicSpec,
} from "../ports.ts";
import { lastRecords } from "./last-records.ts";
import { MemoryGroup, type Follower, type MemoryClock } from "./memory-group.ts";
import { MemoryPartition } from "./memory-partition.ts";

/** Records a reader may be behind before producers wait. */
const MAX_UNREAD_RECORDS = 500_000;
const READ_BATCH_RECORDS = 2_000;

export interface MemoryLogOptions {
  readonly clock: MemoryClock;
  /** @default 500000 */
  readonly maxUnreadRecords?: number;
}

export class MemoryLog implements Log {
  readonly kind = "memory";
  readonly #clock: MemoryClock;
  readonly #maxUnreadRecords: number;
  readonly #topics = new Map<string, MemoryPartition[]>();
  readonly #specs = new Map<string, TopicSpec>();
  readonly #groups = new Map<string, MemoryGroup>();
  readonly #followers = new Set<Follower>();
  readonly #sleepers = new Set<() => void>();
  #closed = false;

  constructor(options: MemoryLogOptions) {
    this.#clock = options.clock;
    this.#maxUnreadRecords = options.maxUnreadRecords ?? MAX_UNREAD_RECORDS;
  }

  createTopics(specs: readonly TopicSpec[]): Promise<readonly TopicReport[]> {
    const reports = specs.map((spec) => {
      const partitions = this.#topics.get(spec.topic);
      if (partitions !== undefined) {
        const differences =
          partitions.length === spec.partitions
            ? []
            : [`has ${partitions.length} partitions, ${spec.partitions} were asked for`];
        return { topic: spec.topic, created: false, partitions: partitions.length, differences };
      }
      this.#specs.set(spec.topic, spec);
      this.#topics.set(
        spec.topic,
        Array.from(
          { length: spec.partitions },
          (_, partition) => new MemoryPartition(spec.topic, partition, spec.cleanupPolicy === "compact"),
        ),
      );
      return { topic: spec.topic, created: true, partitions: spec.partitions, differences: [] };
    });
    return Promise.resolve(reports);
  }

  partitionCount(topic: string): Promise<number | null> {
    return Promise.resolve(this.#topics.get(topic)?.length ?? null);
  }

  async lastRecords(topic: string): Promise<readonly LogRecord[]> {
    const ends = this.partitions(topic).map(
      ({ partition, endOffset: end }) => [partition, { start: 0, end }] as const,
    );
    return lastRecords(topic, new Map(ends), (options) => this.read(options));
  }

  producer(): Promise<LogProducer> {
    return Promise.resolve({
      publish: async (records: readonly ProduceRecord[], signal?: AbortSignal): Promise<void> => {
        this.append(records);
        while (!this.#closed && signal?.aborted !== true && this.#mostUnread() > this.#maxUnreadRecords) {
          await this.changed(signal);
        }
      },
      close: () => Promise.resolve(),
    });
  }

  /** The start is fixed now, not at the first iteration: what is published in between is read. */
  read(options: ReadOptions): AsyncIterable<ReadBatch> {
    const positions = new Map<MemoryPartition, number>();
    const ends = new Map<MemoryPartition, number>();
    for (const topic of options.topics) {
      for (const partition of this.partitions(topic)) {
        const from =
          options.from === "earliest"
            ? 0
            : options.from === "latest"
              ? partition.endOffset
              : (options.from.get(`${topic}:${partition.partition}`) ?? 0);
        positions.set(partition, from);
        ends.set(partition, partition.endOffset);
      }
    }
    return this.#follow(options, positions, ends);
  }

  async *#follow(
    options: ReadOptions,
    positions: Map<MemoryPartition, number>,
    ends: ReadonlyMap<MemoryPartition, number>,
  ): AsyncGenerator<ReadBatch> {
    const follower: Follower = {
      position: (topic, partition) => {
        const partitions = this.partitions(topic);
        const one = partitions[partition] as MemoryPartition;
        const position = positions.get(one) ?? null;
        if (position === null || options.waitsForRecords === undefined) return position;
        return Math.max(position, one.endOffset - Math.floor(options.waitsForRecords / partitions.length));
      },
    };
    this.#followers.add(follower);
    try {
      let saidCaughtUp = false;
      let last = options.until === "end" ? ends : null;
      while (!this.#closed && options.signal?.aborted !== true) {
        if (last === null && options.finish?.aborted === true) last = this.#endsOf(positions.keys());
        const records: LogRecord[] = [];
        for (const [partition, position] of positions) {
          const limit = last?.get(partition) ?? Infinity;
          for (const record of partition.read(position, READ_BATCH_RECORDS)) {
            if (record.offset < limit) records.push(record);
          }
        }
        const missing: MissingRecords[] = [];
        for (const { topic, partition, offset } of records) {
          const one = this.partitions(topic)[partition] as MemoryPartition;
          if (offset > (positions.get(one) ?? 0))
            missing.push({ topic, partition, beforeOffset: offset, reason: one.dropsBy });
          positions.set(one, offset + 1);
        }
        const caughtUp = reached(ends, positions);
        if (records.length > 0 || (caughtUp && !saidCaughtUp)) {
          saidCaughtUp ||= caughtUp;
          yield { records, caughtUp, ...(missing.length > 0 ? { missing } : {}) };
          for (const partition of positions.keys()) partition.letGo(this.#passed(partition));
          this.#wake();
        } else if (last === null) {
          await this.changed(options.signal, options.finish);
        }
        if (last !== null && reached(last, positions)) return;
      }
    } finally {
      this.#followers.delete(follower);
      this.#wake();
    }
  }

  process(options: ProcessOptions, processor: Processor): Promise<ProcessHandle> {
    const id = `${options.group}\n${options.topic}`;
    let group = this.#groups.get(id);
    if (group === undefined) {
      group = new MemoryGroup(this, options.topic, this.#clock);
      this.#groups.set(id, group);
      this.#followers.add(group);
    }
    return Promise.resolve(group.join(processor, options));
  }

  health(): LogHealth {
    return { ok: !this.#closed, reason: this.#closed ? "The log is closed." : null };
  }

  close(): Promise<void> {
    this.#closed = true;
    this.#wake();
    return Promise.resolve();
  }

  /** True after close: members stop. */
  get closed(): boolean {
    return this.#closed;
  }

  /** The partitions of a topic. Throws LogError when it does not exist. */
  partitions(topic: string): readonly MemoryPartition[] {
    const partitions = this.#topics.get(topic);
    if (partitions === undefined) {
      throw new LogError(
        "VELOSTREAM_LOG_REFUSED",
        `Topic ${topic} does not exist. Create it with "velostream topics create".`,
      );
    }
    return partitions;
  }

  /** Appends at once, all or nothing: also how a group member commits its outputs. */
  append(records: readonly ProduceRecord[]): void {
    const byPartition = new Map<MemoryPartition, ProduceRecord[]>();
    for (const record of records) {
      const partitions = this.partitions(record.topic);
      const index =
        record.partition ?? partitionOf(record.partitionKey ?? record.key ?? "", partitions.length);
      const partition = partitions[index];
      if (partition === undefined) {
        throw new LogError("VELOSTREAM_LOG_REFUSED", `Topic ${record.topic} has no partition ${index}.`);
      }
      let batch = byPartition.get(partition);
      if (batch === undefined) byPartition.set(partition, (batch = []));
      batch.push(record);
    }
    for (const [partition, batch] of byPartition) {
      partition.append(batch, this.#clock.now());
      partition.compact(this.#passed(partition));
    }
    this.#wake();
  }

  #endsOf(partitions: Iterable<MemoryPartition>): Map<MemoryPartition, number> {
    return new Map([...partitions].map((partition) => [partition, partition.endOffset] as const));
  }

  /** Resolves at the next append, progress or close, or when one of `signals` aborts. */
  changed(...signals: readonly (AbortSignal | undefined)[]): Promise<void> {
    return new Promise((resolve) => {
      if (this.#closed || signals.some((signal) => signal?.aborted === true)) return resolve();
      const wake = (): void => {
        this.#sleepers.delete(wake);
        for (const signal of signals) signal?.removeEventListener("abort", wake);
        resolve();
      };
      this.#sleepers.add(wake);
      for (const signal of signals) signal?.addEventListener("abort", wake);
    });
  }

  /** A follower has moved on: producers may go on. */
  progressed(): void {
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#sleepers) wake();
  }

  /** The lowest position of all followers of a partition. */
  #passed(partition: MemoryPartition): number {
    let passed = partition.endOffset;
    for (const follower of this.#followers) {
      const position = follower.position(partition.topic, partition.partition);
      if (position !== null && position < passed) passed = position;
    }
    return passed;
  }

  #mostUnread(): number {
    let most = 0;
    for (const partition of [...this.#topics.values()].flat())
      most = Math.max(most, partition.endOffset - this.#passed(partition));
    return most;
  }
}

/** Compaction may have removed the very last records: a partition with nothing left to read is at its end too. */
function reached(
  ends: ReadonlyMap<MemoryPartition, number>,
  positions: ReadonlyMap<MemoryPartition, number>,
): boolean {
  for (const [partition, end] of ends) {
    const position = positions.get(partition) ?? 0;
    if (position < end && (partition.firstFrom(position) ?? Infinity) < end) return false;
  }
  return true;
}
