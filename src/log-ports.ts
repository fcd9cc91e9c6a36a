/**
 * The log between the stages: an ordered, partitioned, keyed, compacted sequence of records, in memory or on Kafka
 * (log/). Stages speak to it through these types only (ports.ts).
 */
import type { TopicReport, TopicSpec } from "./topic-ports.ts";

/** One record as read. Offsets are JS numbers: exact up to 2^53. */
export interface LogRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
  /** UTF-8 bytes; `null` is a tombstone. */
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly timestampMs: number;
  /** Why there is neither key nor value: a stranger's record, or a whole batch from its offset on, that is not read. */
  readonly unreadable?: Unreadable;
  /** Where many values share a block: `value` is there from `start` to `end` (exclusive). */
  readonly block?: Buffer | null;
  readonly start?: number;
  readonly end?: number;
}

/** What is not read of a log: the process would have to hold all of it, or it is not what it says it is. */
export type Unreadable =
  | "batch_too_large"
  | "damaged_batch"
  | "old_format"
  | "key_too_large"
  | "headers_too_large";

/** One record to write. Exactly one of `partition` and `partitionKey` decides where it goes. */
export interface ProduceRecord {
  readonly topic: string;
  readonly key: string | null;
  /** `null` writes a tombstone. */
  readonly value: string | Buffer | null;
  readonly headers?: Readonly<Record<string, string>>;
  /** Hashed with Kafka's murmur2 modulo the topic's partition count (record/partitioning.ts). */
  readonly partitionKey?: string;
  readonly partition?: number;
  /** Event time, epoch ms; the log's own clock when absent. */
  readonly timestampMs?: number;
  /** It may be left out, with a warning, where the log does not take it: a reject must not stop what it is about. */
  readonly expendable?: true;
}

export interface LogProducer {
  /**
   * Resolves when every record is acknowledged (all in-sync replicas), in order per partition.
   * Retries for ever while the log is away; rejects with a LogError only when it can never succeed
   * or `signal` aborts. Memory log: waits (back-pressure) while its readers are too far behind.
   * @param onRefused told of each record that the log will never take, with the reason; the others are written. Without
   * it such a record is an error, unless it is expendable
   */
  publish(
    records: readonly ProduceRecord[],
    signal?: AbortSignal,
    onRefused?: (record: ProduceRecord, why: string) => void,
  ): Promise<void>;
  close(): Promise<void>;
}

/** Where a reader starts. A Map is keyed `topic:partition` and holds the next offset to read. */
export type ReadFrom = "earliest" | "latest" | ReadonlyMap<string, number>;

export interface ReadOptions {
  readonly topics: readonly string[];
  readonly from: ReadFrom;
  /** `end`: stop at the end offsets seen when the read began. Default: never stop. */
  readonly until?: "end";
  /** When it aborts, the read goes on to the end offsets as they are then, and stops there: a drain. */
  readonly finish?: AbortSignal;
  /** When it aborts, the read stops at once. */
  readonly signal?: AbortSignal;
  /**
   * Of the memory log: this reader holds nobody up. Beyond so many records of a topic it is left behind, and finds the
   * rest compacted, as on Kafka. @default the log's producers wait for it
   */
  readonly waitsForRecords?: number;
  /** Which topics the positions of `from` count in: those in a topic that is another by now are none. */
  readonly topicIds?: ReadonlyMap<string, string>;
}

export interface ReadBatch {
  /** In offset order within each partition; may be empty. */
  readonly records: readonly LogRecord[];
  /** True once the end offsets seen when the read began have been reached; a batch (maybe empty) says so once reached. */
  readonly caughtUp: boolean;
  /** Records that the log no longer has, before some of these; none is missing when absent. */
  readonly missing?: readonly MissingRecords[];
  /**
   * Topics that are others than before, made again under their names: what was read of them counts no more, and from these
   * records on they are read from their start. `caughtUp` is about the ends that they have now. Comes without records. @default none
   */
  readonly replaced?: readonly string[];
  /** Which topics the records are of, by name, where the log has ids. */
  readonly topicIds?: ReadonlyMap<string, string>;
}

/** A hole in what is read of a partition: the log had records there once. */
export interface MissingRecords {
  readonly topic: string;
  readonly partition: number;
  /** The first record after the hole. */
  readonly beforeOffset: number;
  /** Superseded ones were removed, or all that were old. */
  readonly reason: "compacted" | "retention";
}

/** Where a restored partition stands. */
export interface RestoreRange {
  /** Next offset this group has not consumed. */
  readonly committedOffset: number;
  /** End of the partition when the restore began. */
  readonly endOffset: number;
  /** Which topic the offsets count in, where that is known: one made again under its name is another. */
  readonly topicId?: string;
  /** Partitions of the topic now. */
  readonly partitionCount?: number;
  /**
   * What was put out before does not follow from `history`: the topic is another, or has more partitions, or what it was
   * put into is another, or nobody knows. What there is is to be looked up. @default false
   */
  readonly renewed?: boolean;
}

/** The records a processor puts out for one batch, and nothing else: pure with regard to the log. */
export interface Processor {
  /**
   * A partition was given to us: rebuild its state from `history`, the partition's records from its start up to
   * (not including) `range.committedOffset`. Called before any `process` for that partition.
   */
  restore(
    partition: number,
    history: AsyncIterable<readonly LogRecord[]>,
    range: RestoreRange,
  ): Promise<void>;
  /**
   * New records of one partition, in order. Returns what to write; the log commits both at once, or neither.
   * `null` holds: nothing is written or committed yet, the log goes on with the next records, and the commit of a
   * later call covers these too. Records are good until it returns: the memory of their values is used again, and
   * nothing that it puts out may stand in it, for that may be written and committed later (`commitIntervalMs`).
   * No records: it holds, and nothing is left before `range.endOffset` (what stands there may be a transaction's marker).
   */
  process(partition: number, records: readonly LogRecord[]): ProduceRecord[] | null;
  /**
   * After a restore, once: nothing is left before `range.endOffset`, and no record has come. What follows from the restore
   * alone is put out, and commits with the position as it is. None, and nothing is committed for it. The log in memory
   * tells it; Kafka's does not, where all of it goes out with the partition's next record (docs/kafka.md).
   */
  caughtUp?(partition: number): ProduceRecord[];
  /**
   * Tells the time, about every second for each partition held, between two calls of `process`, and not while it holds:
   * what it puts out commits with the position as it is then. None, and nothing is committed for it.
   */
  tick?(partition: number, nowMs: number): ProduceRecord[];
  /** All that it put out for the partition so far is committed. */
  committed?(partition: number): void;
  /** What is to be written, in the same commit, in place of an output that the log will never take; null: nothing. */
  refused?(record: ProduceRecord, why: string): ProduceRecord | null;
  /** The partition was taken away, or its transaction failed (a `restore` then follows): forget its state. */
  release(partition: number): void;
}

export interface ProcessOptions {
  readonly topic: string;
  readonly group: string;
  /**
   * Members of several groups that write to one topic fence each other, partition by partition: the name of that topic.
   * @default the group's members fence only each other
   */
  readonly writesTo?: string;
  /**
   * How long what was put out may wait for its commit: the first after a quiet while commits at once, then one commit an
   * interval and partition, on average. Beyond 40,000 records nothing waits. @default 0, each call of `process` is a commit
   */
  readonly commitIntervalMs?: number;
  /** Asked when another producer has fenced ours though the group counts on us: rejects when we are to stop. */
  readonly onFenced?: () => Promise<void>;
  /** Stable member name for static membership; random when absent. */
  readonly memberId?: string;
  readonly signal?: AbortSignal;
}

export interface PartitionProgress {
  readonly partition: number;
  readonly committedOffset: number;
  /** Records between the committed offset and the end of the partition. */
  readonly lagRecords: number;
}

/** A running member of a consumer group. */
export interface ProcessHandle {
  /** Partitions now held, with their progress. */
  progress(): readonly PartitionProgress[];
  /** What it does before it can work, for people: joining, restoring. Null when at work. */
  waitingFor(): string | null;
  /** Settles when the member has stopped; rejects with the error that stopped it. */
  readonly done: Promise<void>;
  /** Finishes the batch in hand, commits, leaves the group. */
  stop(): Promise<void>;
}

/** How the log is doing, for /readyz, /metrics and the status line. */
export interface LogHealth {
  readonly ok: boolean;
  /** One sentence when not ok. */
  readonly reason: string | null;
}

/**
 * An ordered, partitioned, keyed, compacted log of records. Two implementations, one contract suite
 * (test/contract/log-contract.ts): memory (one process) and Kafka.
 */
export interface Log {
  readonly kind: "memory" | "kafka";
  /** Makes missing topics; never changes existing ones, but reports what differs. Idempotent. */
  createTopics(specs: readonly TopicSpec[]): Promise<readonly TopicReport[]>;
  /** The newest committed records of each partition, in order: some dozens, at least one where there is any. */
  lastRecords(topic: string): Promise<readonly LogRecord[]>;
  /** Partition count, or null when the topic does not exist. */
  partitionCount(topic: string): Promise<number | null>;
  producer(): Promise<LogProducer>;
  /** Reads without a group; only committed records are seen. */
  read(options: ReadOptions): AsyncIterable<ReadBatch>;
  /** Joins a consumer group and runs `processor`: exactly once, outputs and consumed offsets together. */
  process(options: ProcessOptions, processor: Processor): Promise<ProcessHandle>;
  health(): LogHealth;
  close(): Promise<void>;
}
