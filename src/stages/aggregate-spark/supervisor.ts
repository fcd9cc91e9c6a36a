/**
 * Keeps the totals query running on Spark: finds it again, starts it, watches it, starts it again.
 *
 *   inspecting ─▶ finding ──there──▶ watching ──signal──▶ stopped
 *       ▲            └──not there──▶ starting ─▶ watching
 *       │                                          │
 *       │   Spark away, query failed: back off ────┤ same checkpoint
 *       └── slot or partition beyond the plan, records taken by compaction, three failed starts: new checkpoint
 *
 * Nothing here is needed for exactness but one rule: a checkpoint goes on only if no record between it and now was
 * taken by compaction. Everything else can be killed anywhere.
 */
import { randomUUID } from "node:crypto";
import { SparkError } from "../../errors.ts";
import type { LogProducer, ProduceRecord, TopicNames } from "../../ports.ts";
import { batchReport, countBatch } from "./batch-report.ts";
import { tombstonesOfEmptied } from "./emptied-areas.ts";
import { areaTooLarge, newGeneration } from "./generation.ts";
import type { Progress } from "../../spark/progress.ts";
import { canGoOn, coveredOf, loadQueryRecord, type QueryRecord, saveQueryRecord } from "./query-record.ts";
import { inspectRaw } from "./raw-inspection.ts";
import { releaseKept } from "./release-kept.ts";
import { publishRejects } from "./reject-report.ts";
import { queryFailure } from "../../spark/spark-failure.ts";
import { isForgotten, sparkErrorOf } from "./spark-errors.ts";
import type { SparkSession } from "../../spark/session.ts";
import type { StreamingQuery } from "../../spark/streaming-query.ts";
import { BeginAnew, type SupervisorOptions } from "./supervisor-options.ts";
import { configureSession, queryName, startTotalsQuery, TOTALS_SCHEMA } from "./totals-query.ts";

const POLL_MS = 500;
/** How often it is looked whose the totals are. */
const CONFIRM_EVERY_MS = 5_000;
const FIRST_BACK_OFF_MS = 1_000;
const LONGEST_BACK_OFF_MS = 30_000;
const FAILED_STARTS_BEFORE_ANEW = 3;

/**
 * Runs until `signal`: then the query is stopped and the session released.
 * @throws SparkError after `patienceMs` without success; ConfigError when it can never succeed
 */
export async function superviseTotals(options: SupervisorOptions, signal: AbortSignal): Promise<void> {
  const producer = await options.log.producer();
  try {
    await new Supervisor(options, producer, signal).run();
  } finally {
    await producer.close();
  }
}

class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #producer: LogProducer;
  readonly #signal: AbortSignal;
  readonly #topics: TopicNames;
  #record: QueryRecord | null = null;
  #slotsSeen = -1;
  #lastSuccessMs: number;
  #failures = 0;
  #starts = 0;
  #handledMs = 0;

  constructor(options: SupervisorOptions, producer: LogProducer, signal: AbortSignal) {
    this.#options = options;
    this.#producer = producer;
    this.#signal = signal;
    this.#topics = options.topics;
    this.#lastSuccessMs = options.clock.now();
  }

  async run(): Promise<void> {
    const { metrics, recordFile, topics, onInterrupted } = this.#options;
    const kept = await loadQueryRecord(recordFile);
    if (kept !== null && this.#options.takeOver !== true && canGoOn(kept, topics)) this.#record = kept;
    while (!this.#signal.aborted) {
      try {
        await this.#attempt();
      } catch (error) {
        metrics.set("velostream_spark_query_active", {}, 0);
        // Of a query that does not run: nothing is known of either.
        metrics.forget("velostream_spark_lag_records", {});
        metrics.forget("velostream_spark_processed_rows_per_second", {});
        onInterrupted?.(error instanceof Error ? error.message : String(error));
        await this.#recover(error);
      }
    }
  }

  /** One session, from connecting to the end of its query. */
  async #attempt(): Promise<void> {
    let record = this.#record ?? (await this.#begin());
    const session = this.#options.connect(record.sessionId);
    try {
      await configureSession(session, this.#options);
      let query = await session.activeQuery(queryName(record));
      record = await this.#inspect(record, query === null);
      if (query === null) {
        record = await this.#remember({ ...record, started: true });
        query = await startTotalsQuery(session, this.#options, record);
        this.#handledMs = 0;
        this.#starts += 1;
        if (this.#starts > 1) this.#options.metrics.count("velostream_spark_restarts_total", {});
      }
      const { id: queryId, runId } = query.identity;
      record = await this.#remember({ ...record, queryId, runId });
      this.#options.logger.info("spark.running", `Spark at ${session.address.label} computes the totals.`, {
        slots: record.slots,
        ...query.identity,
      });
      this.#options.onRunning?.(record);
      this.#options.metrics.set("velostream_spark_query_active", {}, 1);
      await this.#watch(session, query);
      await query.stop();
      await this.#remember({ ...record, ...this.#record, queryId: null, runId: null });
      await session.release();
    } catch (error) {
      // What ends this process for good must not leave a query behind that writes on.
      const goesOn = error instanceof SparkError || error instanceof BeginAnew;
      if (!goesOn) await session.release().catch(() => {});
      throw error;
    } finally {
      session.close();
    }
  }

  async #begin(): Promise<QueryRecord> {
    const { log, clock, checkpoints, recordFile } = this.#options;
    const before = await loadQueryRecord(recordFile);
    // Whatever begins next, an earlier query must not go on beside it.
    await releaseKept(this.#options);
    const sameTopic = before?.rawTopic === this.#topics.raw;
    const { record, rejects } = await newGeneration({
      log,
      clock,
      checkpoints,
      topics: this.#topics,
      reportFrom: sameTopic ? coveredOf(before) : new Map(),
      slotsSeen: this.#slotsSeen,
    });
    await this.#report(rejects);
    this.#options.logger.info("spark.generation", `Made a query for ${record.slots} stations an area.`, {
      generation: record.generation,
      checkpoint: record.checkpoint,
    });
    return this.#remember(record);
  }

  /**
   * What came since the last batch that was looked at: is it made for it, and, before a checkpoint goes on, is
   * everything still there that it has not read?
   */
  async #inspect(record: QueryRecord, starting: boolean): Promise<QueryRecord> {
    const covered = coveredOf(record);
    const seen = await inspectRaw(this.#options.log, this.#topics, covered, covered);
    if (starting && seen.gaps && record.started)
      throw new BeginAnew("Compaction has taken records not yet read.");
    this.#checkShape(record, seen.maxSlot, seen.partitions - 1);
    await this.#checkAreas(seen.tooLarge);
    await this.#report(seen.rejects);
    return { ...record, covered: Object.fromEntries(seen.next) };
  }

  async #watch(session: SparkSession, query: StreamingQuery): Promise<void> {
    const { clock, confirmOurs } = this.#options;
    let lastBatch = -1;
    let confirmedMs = clock.now();
    while (!this.#signal.aborted) {
      const progress = await query.lastProgress();
      if (progress !== null && progress.timestampMs > this.#handledMs) {
        // Batches that ended between two looks are among the recent ones.
        const all = progress.batchId > lastBatch + 1 ? await query.recentProgress() : [progress];
        for (const each of all) if (each.timestampMs > this.#handledMs) await this.#handle(each);
        lastBatch = progress.batchId;
      }
      const status = await query.status();
      if (!status.active) {
        const exception = await query.exception();
        throw sparkErrorOf(
          queryFailure(
            session.address,
            exception?.message ?? "The query was stopped by someone else",
            exception?.errorClass ?? null,
          ),
        );
      }
      if (clock.now() - confirmedMs >= CONFIRM_EVERY_MS) {
        await confirmOurs?.();
        confirmedMs = clock.now();
      }
      await clock.sleep(POLL_MS, this.#signal);
    }
  }

  async #handle(progress: Progress): Promise<void> {
    const record = this.#record;
    if (record === null) return;
    this.#handledMs = progress.timestampMs;
    this.#failures = 0;
    this.#lastSuccessMs = this.#options.clock.now();
    const report = batchReport(progress);
    if (report.records === 0 && report.totals === 0) return;
    this.#checkShape(record, report.maxSlot, report.maxPartition);
    const covered = coveredOf(record);
    if (report.rejected > 0) {
      const seen = await inspectRaw(this.#options.log, this.#topics, covered, covered);
      await this.#checkAreas(seen.tooLarge);
      await this.#report(seen.rejects);
      for (const [partition, next] of seen.next) covered.set(partition, next);
    }
    for (const [partition, next] of progress.endOffsets)
      covered.set(partition, Math.max(next, covered.get(partition) ?? 0));
    if (!record.handedOver) {
      const { log, topics } = this.#options;
      const headers = { schema: TOTALS_SCHEMA, writer: this.#options.writer };
      const tombstones = await tombstonesOfEmptied(log, topics, record.floors, headers);
      await this.#producer.publish(tombstones, this.#signal);
    }
    await this.#remember({ ...record, handedOver: true, covered: Object.fromEntries(covered) });
    countBatch(this.#options.metrics, report);
    this.#options.onBatch?.(report);
  }

  #checkShape(record: QueryRecord, maxSlot: number, maxPartition: number): void {
    if (maxSlot >= record.slots)
      throw new BeginAnew(`An area has more than ${record.slots} stations.`, maxSlot);
    if (maxPartition >= record.partitions) throw new BeginAnew("The raw topic has more partitions.");
  }

  /** A record beyond the last slot: has its area really outgrown every query? The whole topic can tell. */
  async #checkAreas(suspected: string | null): Promise<void> {
    if (suspected === null) return;
    const { log } = this.#options;
    const { tooLarge } = await inspectRaw(log, this.#topics, "earliest", "nothing");
    if (tooLarge !== null) throw areaTooLarge(this.#topics.raw, tooLarge);
  }

  async #recover(error: unknown): Promise<void> {
    const { logger, clock, patienceMs } = this.#options;
    if (this.#signal.aborted) return;
    if (error instanceof BeginAnew) {
      this.#slotsSeen = Math.max(this.#slotsSeen, error.slotsSeen);
      this.#record = null;
      logger.warn("spark.anew", `${error.message} The query begins anew from the start of the topic.`);
      return;
    }
    if (!(error instanceof SparkError)) throw error;
    if (isForgotten(error) && this.#record !== null) {
      // The server was restarted, or the session expired: the checkpoint has all that matters.
      this.#record = { ...this.#record, sessionId: randomUUID(), queryId: null, runId: null };
      logger.info("spark.session", "Spark has forgotten the session. Opening a new one.");
      return;
    }
    this.#failures += 1;
    const sinceMs = clock.now() - this.#lastSuccessMs;
    if (sinceMs >= patienceMs) throw error;
    if (error.code === "VELOSTREAM_SPARK_FAILED" && this.#failures >= FAILED_STARTS_BEFORE_ANEW) {
      this.#failures = 0;
      this.#record = null;
      logger.warn(
        "spark.anew",
        "The query failed again and again: a new checkpoint, from the topic's start.",
      );
    }
    const waitMs = Math.min(LONGEST_BACK_OFF_MS, FIRST_BACK_OFF_MS * 2 ** Math.min(5, this.#failures - 1));
    logger.warn("spark.retry", `${error.message} Trying again in ${Math.ceil(waitMs / 1000)} s.`, {
      code: error.code,
      ...error.details,
    });
    await clock.sleep(Math.max(FIRST_BACK_OFF_MS, waitMs), this.#signal);
  }

  async #report(rejects: readonly ProduceRecord[]): Promise<void> {
    await publishRejects(rejects, { ...this.#options, producer: this.#producer }, this.#signal);
  }

  async #remember(record: QueryRecord): Promise<QueryRecord> {
    this.#record = record;
    await saveQueryRecord(this.#options.recordFile, record);
    return record;
  }
}
