/** The interface between the archive stage (stages/archive) and what keeps its records (history/). */
import type { HealthState, LogRecord, MissingRecords } from "./ports.ts";

/** How records came that the archive is given. */
export interface ArchiveRead {
  /** The log is not read to its end yet: one partition may come long before another. @default false */
  readonly behind?: boolean;
  /** Records that the log no longer has, before one of these. @default none */
  readonly missing?: readonly MissingRecords[] | undefined;
  /** Which topics the records are of, by name. @default as before */
  readonly topicIds?: ReadonlyMap<string, string> | undefined;
}

/** Keeps every record of the raw and totals topics. Written by one process at a time (history/). */
export interface Archive {
  /** Next offset to read by `topic:partition`; empty in a new log. */
  positions(): ReadonlyMap<string, number>;
  /** Which topics the positions count in, by name, where the log has ids. */
  topicIds(): ReadonlyMap<string, string>;
  /** A topic was made again: what is given from here on is another log's life, from its start. */
  beginAnew(): Promise<void>;
  /**
   * Takes records in the order of the log. Never rejects for the sake of the disk.
   * @returns how many of them, from the first on, will survive a crash; the rest is to be given again, later
   */
  append(records: readonly LogRecord[], read?: ArchiveRead): Promise<number>;
  /** Does what is due: call about every second. */
  tend(): Promise<void>;
  health(): HealthState;
  close(): Promise<void>;
}
