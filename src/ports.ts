/**
 * The interfaces between the stages and the world: stages (pipeline/) speak only to these; adapters
 * (feed/, log/, history/, telemetry/) implement them; cli/ wires the two together.
 *
 *   FeedSource ──poll──▶ collect ──publish──▶ Log ──process──▶ aggregate ──▶ Log ──read──▶ serve, watch, archive
 */
import type { SystemAlert } from "./domain/gbfs/system-files.ts";
import type { Reject, StationArea, StationInformation, StationStatusFile } from "./domain/station.ts";
import type { FeedTraffic, HealthState } from "./serve-ports.ts";
import type { TopicReport, TopicSpec } from "./topic-ports.ts";
import type { CounterName, GaugeName, HistogramName, LabelsOf } from "./telemetry/metric-table.ts";

/** What the server asks for, in a file of its own. */
export type * from "./serve-ports.ts";
/** What topics are and are to be, in another. */
export type * from "./topic-ports.ts";

/** Time, injected everywhere so that tests never sleep. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  /** Resolves after `durationMs`, or at once when `signal` aborts (it never rejects). */
  sleep(durationMs: number, signal?: AbortSignal): Promise<void>;
}

/** Structured events; one stable event id and one sentence each. Implemented by telemetry/. */
export interface Logger {
  debug(event: string, message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(event: string, message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** Nothing is lost, but someone may want to look. */
  warn(event: string, message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** Data is lost or an operator is needed. */
  error(event: string, message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** Counters, gauges and histograms by the names of telemetry/metric-table.ts; seconds and bytes. */
export interface Metrics {
  /** @param value @default 1 */
  count<N extends CounterName>(name: N, labels: LabelsOf<N>, value?: number): void;
  set<N extends GaugeName>(name: N, labels: LabelsOf<N>, value: number): void;
  observe<N extends HistogramName>(name: N, labels: LabelsOf<N>, value: number): void;
  /** Drops one labelled gauge: a partition taken away, a system removed. */
  forget<N extends GaugeName>(name: N, labels: LabelsOf<N>): void;
}

// ───────────────────────────── Log ─────────────────────────────

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
  /** Where many values share a block: `value` is there from `start` to `end` (exclusive). */
  readonly block?: Buffer | null;
  readonly start?: number;
  readonly end?: number;
}

/** One record to write. Exactly one of `partition` and `partitionKey` decides where it goes. */
export interface ProduceRecord {
  readonly topic: string;
  readonly key: string | null;
  /** `null` writes a tombstone. */
  readonly value: string | Buffer | null;
  readonly headers?: Readonly<Record<string, string>>;
  /** Hashed with Kafka's murmur2 modulo the topic's partition count (domain/partitioning.ts). */
  readonly partitionKey?: string;
  readonly partition?: number;
  /** Event time, epoch ms; the log's own clock when absent. */
  readonly timestampMs?: number;
}

export interface LogProducer {
  /**
   * Resolves when every record is acknowledged (all in-sync replicas), in order per partition.
   * Retries for ever while the log is away; rejects with a LogError only when it can never succeed
   * or `signal` aborts. Memory log: waits (back-pressure) while its readers are too far behind.
   */
  publish(records: readonly ProduceRecord[], signal?: AbortSignal): Promise<void>;
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
}

export interface ReadBatch {
  /** In offset order within each partition; may be empty. */
  readonly records: readonly LogRecord[];
  /** True once the end offsets seen when the read began have been reached; a batch (maybe empty) says so once reached. */
  readonly caughtUp: boolean;
}

/** Where a restored partition stands. */
export interface RestoreRange {
  /** Next offset this group has not consumed. */
  readonly committedOffset: number;
  /** End of the partition when the restore began. */
  readonly endOffset: number;
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
   * later call covers these too. Records are good until it returns: the memory of their values is used again.
   * No records: it holds, and nothing is left before `range.endOffset` (what stands there may be a transaction's marker).
   */
  process(partition: number, records: readonly LogRecord[]): ProduceRecord[] | null;
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
  /** The newest committed record of each partition that has one. */
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

// ───────────────────────────── Archive ─────────────────────────────

/** Keeps every record of the raw and totals topics. Written by one process at a time (history/). */
export interface Archive {
  /** Next offset to read by `topic:partition`; empty in a new log. */
  positions(): ReadonlyMap<string, number>;
  /**
   * Takes records in the order of the log. Resolves when they will survive a crash, or, while the disk is full, when
   * they wait in memory: it never rejects for the sake of the disk.
   * @param behind the log is not read to its end yet: one partition may come long before another. @default false
   */
  append(records: readonly LogRecord[], behind?: boolean): Promise<void>;
  /** Does what is due: call about every second. */
  tend(): Promise<void>;
  health(): HealthState;
  close(): Promise<void>;
}

// ───────────────────────────── Feed ─────────────────────────────

/** Who a system is, as far as its feed says. */
export interface SystemDescription {
  /** `velib` for Vélib' Métropole, else the feed's or catalogue's `system_id`. */
  readonly systemId: string;
  readonly name: string;
  readonly timezone: string | null;
  readonly attribution: string | null;
  readonly licenseUrl: string | null;
  /** The feed labels itself simulated (`velostream simulate`). */
  readonly simulated: boolean;
}

/** The outcome of one poll. A failure is a value: it never stops the collector. */
export type Poll =
  | {
      readonly kind: "changed";
      /** When the fetch completed, epoch ms: the `observed_at` of every record of this poll. */
      readonly observedAtMs: number;
      readonly status: StationStatusFile;
      /** Compressed bytes as transferred. */
      readonly transferredBytes: number;
      readonly durationMs: number;
    }
  | {
      /** 304, or a body identical to the last one. `status` is that last file: every station was observed again. */
      readonly kind: "unchanged";
      readonly observedAtMs: number;
      readonly status: StationStatusFile;
      readonly transferredBytes: number;
      readonly durationMs: number;
    }
  | {
      readonly kind: "failed";
      readonly observedAtMs: number;
      /** Stable word for metrics, e.g. `dns`, `refused`, `timeout`, `http_503`, `not_json`, `too_large`. */
      readonly outcome: string;
      /** One sentence naming host and remedy. */
      readonly message: string;
      /** The server's `Retry-After`, ms from now. */
      readonly retryAfterMs: number | null;
      readonly durationMs: number;
    }
  | { readonly kind: "ended" };

/** A source of polls: a live feed over HTTP, or a recording. */
export interface FeedSource {
  /** Discovers the system. Rejects with a FeedError when the feed cannot be understood at all. */
  describe(signal?: AbortSignal): Promise<SystemDescription>;
  /** Station information by station id: refreshed on its own slower schedule, by the source. */
  information(): ReadonlyMap<string, StationInformation>;
  readonly traffic?: FeedTraffic;
  /** The publisher's notices to riders, as last read. */
  alerts?(): readonly SystemAlert[];
  /** The stations carry Vélib' codes, whatever the system is called: known once described. */
  readonly usesVelibCodes?: boolean;
  /** Region id → name, as far as known; without it regions go by their ids. */
  regionNames?(): ReadonlyMap<string, string>;
  /** Tells the source which area a vehicle that stands by itself is counted in, once the system is known. */
  placeVehicles?(resolvePosition: (lat: number | null, lon: number | null) => StationArea): void;
  /** Rejects found in the information file since the last call. */
  takeInformationRejects(): readonly Reject[];
  /** One poll, now. Never rejects. */
  poll(signal?: AbortSignal): Promise<Poll>;
  close(): Promise<void>;
}
