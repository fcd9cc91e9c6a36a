/**
 * The archive stage: hands every record of the raw and totals topics to what keeps them, from where that is.
 *
 *   take ─▶ append ─▶ acknowledged ─▶ …            tend ─▶ files, compaction, retention
 *             └─▶ disk full: not taken, the records wait in the log
 */
import type { Archive } from "../../archive-ports.ts";
import { StorageError } from "../../errors.ts";
import type { HealthState } from "../../ports.ts";
import type { Sink, SinkBatch, StageContext } from "../stage.ts";
import { ARCHIVE_METRICS } from "./metrics.ts";
import { ARCHIVE_OPTIONS } from "./options.ts";

/**
 * Records of a topic that wait in a log in memory while the disk is full: some 20 minutes of Vélib', 50 MB. A log on Kafka
 * keeps what its topics keep.
 */
const WAITING_RECORDS = 100_000;

export interface ArchiveStageOptions {
  /** Locks the folder. */
  readonly openArchive: (context: StageContext) => Promise<Archive>;
  /** Where it cannot be written, the session does not start; else it runs without a history. */
  readonly required: boolean;
  /** Of a log in memory: records of a topic that wait while the disk is full. @default 100000 */
  readonly waitsForRecords?: number;
}

export class ArchiveStage implements Sink {
  readonly kind = "sink";
  readonly name = "archive";
  readonly options = ARCHIVE_OPTIONS;
  readonly metrics = ARCHIVE_METRICS;
  readonly waitsForRecords: number;
  readonly #options: ArchiveStageOptions;
  #context: StageContext | null = null;
  #archive: Archive | null = null;
  /** Of the first record that is not taken: when it was written. */
  #waitingSinceMs: number | null = null;

  constructor(options: ArchiveStageOptions) {
    this.#options = options;
    this.waitsForRecords = options.waitsForRecords ?? WAITING_RECORDS;
  }

  /** Nothing, where there is no archive to write. */
  get reads(): readonly ("raw" | "totals")[] {
    return this.#archive === null ? [] : ["raw", "totals"];
  }

  /** @throws StorageError when it is required and cannot be written */
  async open(context: StageContext): Promise<void> {
    this.#context = context;
    try {
      this.#archive = await this.#options.openArchive(context);
    } catch (error) {
      if (this.#options.required || !(error instanceof StorageError)) throw error;
      // Nobody asked for this folder: the pipeline is worth more than its history.
      context.logger.warn("archive.none", `${error.message} This process keeps no history.`);
    }
  }

  positions(): ReadonlyMap<string, number> {
    return this.#archive?.positions() ?? new Map<string, never>();
  }

  topicIds(): ReadonlyMap<string, string> {
    return this.#archive?.topicIds() ?? new Map<string, never>();
  }

  /** Offsets and rows of one topic's life mean nothing beside another's: both topics are read anew, in another epoch. */
  async replaced(): Promise<void> {
    await this.#archive?.beginAnew();
  }

  async take({ records, caughtUp, missing, topicIds }: SinkBatch): Promise<number> {
    const read = { behind: !caughtUp, missing, topicIds };
    const taken = (await this.#archive?.append(records, read)) ?? records.length;
    this.#waitingSinceMs = records[taken]?.timestampMs ?? null;
    return taken;
  }

  async tend(): Promise<void> {
    await this.#archive?.tend();
  }

  /** What anybody may know who asks /readyz: not which folder it is. The log tells the operator. */
  health(): HealthState | null {
    if (this.#archive === null) return null;
    const { ok } = this.#archive.health();
    const reason = "The data folder cannot be written (full, locked, gone). The server's log says more.";
    return { ok, reason: ok ? null : reason };
  }

  drain(): Promise<void> {
    if (this.#waitingSinceMs !== null) this.#tellLeft(this.#waitingSinceMs);
    return Promise.resolve();
  }

  async close(): Promise<void> {
    await this.#archive?.close();
  }

  #tellLeft(sinceMs: number): void {
    const since = new Date(sinceMs).toISOString();
    this.#context?.logger.error(
      "archive.stopped_behind",
      this.#context.log.kind === "kafka"
        ? `The archive stops while it cannot be written: records from ${since} on wait in Kafka, and are read at its next start.`
        : `The archive stops while it cannot be written: records from ${since} on are lost (${this.#archive?.health().reason ?? "not written"}).`,
    );
  }
}
