/**
 * The contract of stages: what a session (session/) opens, feeds, drains and closes, and all it knows of them.
 *
 *   open ─▶ sink:      take, tend ──────────────▶ drain ─▶ close
 *           processor: restore, process, tick ──▶ drain ─▶ close
 *           runner:    run ─────────────────────▶ drain ─▶ close
 *
 * A sink reads topics and keeps its own positions; a processor owns partitions of a group, and what it puts out commits
 * with its positions; a runner does neither: it collects, serves or supervises (docs/decisions/0090-stages.md).
 */
import type { OptionRow } from "../config/option-types.ts";
import type { AppError } from "../errors.ts";
import type {
  Clock,
  HealthCheck,
  HealthState,
  Log,
  Logger,
  Metrics,
  MissingRecords,
  LogRecord,
  ProcessHandle,
  Processor,
  ProcessOptions,
  TopicNames,
} from "../ports.ts";
import type { MetricRow } from "../telemetry/metric-row.ts";

/** What a stage works with, from its opening to its close. */
export interface StageContext {
  readonly log: Log;
  readonly topics: TopicNames;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Aborts when the session begins to drain. */
  readonly stop: AbortSignal;
  /** The stage cannot go on: the session drains, and ends with this error. */
  fail(error: unknown): void;
  /** How the log, the session and its stages are doing: what `/readyz` asks, at every probe. */
  readonly checks: () => readonly HealthCheck[];
}

interface AnyStage {
  /** One word, as in the command line: `archive`. */
  readonly name: string;
  /** Its rows of the table of options (config/options.ts). */
  readonly options: Readonly<Record<string, OptionRow>>;
  /** Its rows of the table of metrics (telemetry/metric-table.ts). */
  readonly metrics: Readonly<Record<string, MetricRow>>;
  /** What its health is called in /readyz. @default its name */
  readonly checkName?: string;
  /**
   * Connects, locks, listens. When it rejects, it has let go of what it had: it is not closed then.
   * @throws AppError when it cannot start
   */
  open(context: StageContext): Promise<void>;
  /** For /readyz: cheap and synchronous, asked from before the opening on. Null where there is nothing to tell. */
  health(): HealthState | null;
  /** Nothing more comes: finishes what is in hand. When `signal` aborts, it is waited for no longer, and ends at once. */
  drain(signal: AbortSignal): Promise<void>;
  /** Gives everything back: connections, locks, timers. Called once, drained or not. */
  close(): Promise<void>;
}

/** Records as a sink is given them. They are the sink's to keep: their memory is not used again. */
export interface SinkBatch {
  /** In offset order within each partition; may be empty. */
  readonly records: readonly LogRecord[];
  /** Everything that was in the log when the read began has been handed over: false while one partition may be far ahead of another. */
  readonly caughtUp: boolean;
  /** Records that the log no longer has, before some of these; none when absent. */
  readonly missing?: readonly MissingRecords[];
  /** Topics that were made again, of a sink without `replaced`: these records and what follows are of the new ones. */
  readonly replaced?: readonly string[];
  /** Which topics the records are of, by name, where the log has ids. */
  readonly topicIds?: ReadonlyMap<string, string>;
}

/** Takes batches of topics, and knows how far it is. */
export interface Sink extends AnyStage {
  readonly kind: "sink";
  /** Which topics. */
  readonly reads: readonly (keyof TopicNames)[];
  /** Where it begins while it has no positions. @default "earliest" */
  readonly begins?: "earliest" | "latest";
  /**
   * Of a log in memory: records of a topic that wait for this sink at most; the rest it finds compacted.
   * @default the log's producers wait for it
   */
  readonly waitsForRecords?: number;
  /** Next offset to read by `topic:partition`; asked when a read begins, at the start and after each outage. */
  positions(): ReadonlyMap<string, number>;
  /** Which topics the positions count in, where it keeps that over restarts. @default those of the read before */
  topicIds?(): ReadonlyMap<string, string>;
  /**
   * Topics were made again under their names: it has no positions in them any more, and is asked for all of them again.
   * @default it is given what the new ones hold, from their start
   */
  replaced?(topics: readonly string[]): void | Promise<void>;
  /**
   * Takes records in the order of the log.
   * @returns how many of them, from the first on, are taken; the rest is given again, about a second later
   */
  take(batch: SinkBatch): number | Promise<number>;
  /** What is due by time; called about every second, also while a `take` is under way. Must not reject. */
  tend(nowMs: number): Promise<void>;
  /**
   * Its topics cannot be read, whatever one waits: the session goes on without it.
   * @default the session ends with the error
   */
  unreadable?(error: AppError): void;
}

/** Owns partitions of a group. What it puts out commits together with its positions, within `--commit-interval`. */
export interface ProcessorStage
  extends AnyStage, Required<Pick<Processor, "restore" | "process" | "release">> {
  readonly kind: "processor";
  readonly reads: keyof TopicNames;
  /** How it joins its group; asked once it is open. */
  membership(): Omit<ProcessOptions, "topic" | "signal">;
  /** It has joined: how far it is can be asked. */
  joined?(member: ProcessHandle): void;
  caughtUp?: Processor["caughtUp"];
  tick?: Processor["tick"];
  committed?: Processor["committed"];
  refused?: Processor["refused"];
}

/** What only runs: it is given no records by the session. */
export interface Runner extends AnyStage {
  readonly kind: "runner";
  /**
   * Works until it is done, or until `stop` aborts, and everything in hand is out by then. A session whose runners are all
   * done drains. Absent for a stage that works from `open` to `close`: a server.
   */
  run?(stop: AbortSignal): Promise<void>;
}

export type Stage = Sink | ProcessorStage | Runner;
