/**
 * Keeps a live view in step with the log: reads the raw and totals topics from their start, for ever, and tells its
 * listeners what each batch changed.
 *
 *   read ─▶ apply every record ─▶ commit ─▶ listeners       log away ─▶ wait ─▶ read on from the next offset
 */
import type { Delta } from "../domain/change-journal.ts";
import type { LiveView } from "../domain/live-view.ts";
import type { Applied, ViewRecord } from "../domain/view-record.ts";
import { unusableReason } from "../record/received-record.ts";
import { AppError } from "../errors.ts";
import type { Clock, Log, Logger, LogRecord, Metrics, ReadBatch, TopicNames } from "../ports.ts";

/** Pause before reading on after the log went away, ms. */
const RETRY_MS = 1_000;

export interface ViewFollowerOptions {
  readonly view: LiveView;
  readonly log: Log;
  readonly topics: TopicNames;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export class ViewFollower {
  /** True once everything that was in the log at the start has been read. */
  caughtUp = false;
  readonly #options: ViewFollowerOptions;
  readonly #listeners = new Set<(delta: Delta) => void>();
  readonly #positions = new Map<string, number>();
  readonly #reachedEnd = Promise.withResolvers<void>();

  constructor(options: ViewFollowerOptions) {
    this.#options = options;
  }

  /** Resolves when `caughtUp` becomes true. */
  get whenCaughtUp(): Promise<void> {
    return this.#reachedEnd.promise;
  }

  /** Calls `listener` after each batch that changed something. @returns stops it */
  subscribe(listener: (delta: Delta) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Reads until `signal` aborts or the log is closed; when `finish` aborts, to the end as it is then.
   * @throws AppError that waiting cannot mend (a topic that is not allowed)
   */
  async run(signal: AbortSignal, finish?: AbortSignal): Promise<void> {
    const { log, topics, clock, logger } = this.#options;
    let away = false;
    while (!signal.aborted) {
      try {
        const from = this.#positions.size === 0 ? "earliest" : this.#positions;
        for await (const batch of log.read({
          topics: [topics.raw, topics.totals],
          from,
          signal,
          ...(finish === undefined ? {} : { finish }),
        })) {
          if (away) logger.info("view.reading_again", "Reading the topics again.");
          away = false;
          this.#take(batch);
        }
        return;
      } catch (error) {
        if (!(error instanceof AppError) || !error.retryable) throw error;
        if (!away) logger.warn("view.log_unavailable", error.message);
        away = true;
        await clock.sleep(RETRY_MS, signal);
      }
    }
  }

  #take({ records, caughtUp }: ReadBatch): void {
    const { view, topics, metrics, clock } = this.#options;
    const applications = new Map<string, { topic: string; outcome: string; count: number }>();
    const nowMs = clock.now();
    for (const record of records) {
      this.#positions.set(`${record.topic}:${record.partition}`, record.offset + 1);
      const topic = record.topic === topics.raw ? "raw" : "totals";
      const applied = this.#apply(topic, record, nowMs);
      const application = applications.get(topic + applied);
      if (application === undefined) applications.set(topic + applied, { topic, outcome: applied, count: 1 });
      else application.count += 1;
      if (topic === "totals") {
        // What was in the log before we came says nothing about how fast it got there.
        if (this.caughtUp && applied === "changed" && record.value !== null)
          metrics.observe(
            "velostream_end_to_end_latency_seconds",
            {},
            Math.max(0, clock.now() - record.timestampMs) / 1000,
          );
      }
    }
    for (const { topic, outcome, count } of applications.values())
      metrics.count("velostream_view_records_total", { topic, outcome }, count);
    if (caughtUp && !this.caughtUp) {
      this.caughtUp = true;
      view.caughtUp();
      this.#reachedEnd.resolve();
    }
    const delta = view.commit();
    if (delta !== null) for (const listener of this.#listeners) listener(delta);
  }

  /** One record that cannot be applied costs nobody the others. */
  #apply(topic: "raw" | "totals", record: LogRecord, nowMs: number): Applied {
    const { view, logger } = this.#options;
    try {
      return topic === "raw"
        ? view.applyRaw(viewRecord(record), nowMs)
        : view.applyTotals(viewRecord(record));
    } catch (error) {
      const place = `${record.topic}:${record.partition}:${record.offset}`;
      logger.error("view.record_failed", "A record could not be shown; going on.", { record: place, error });
      return "rejected";
    }
  }
}

function viewRecord(record: LogRecord): ViewRecord {
  const unusable = unusableReason(record);
  return {
    partition: record.partition,
    key: record.key,
    text: unusable === null ? (record.value?.toString("utf8") ?? null) : null,
    timestampMs: record.timestampMs,
    headers: record.headers,
    ...(unusable === null ? {} : { unusable }),
  };
}
