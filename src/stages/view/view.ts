/**
 * The view stage: keeps a live view in step with the log, from its start, and tells its listeners what each batch
 * changed.
 *
 *   take ─▶ apply every record ─▶ commit ─▶ listeners
 *   a topic made again ─▶ forget what was of it ─▶ take the new one to its end ─▶ commit: what differs
 */
import type { Delta } from "../../domain/change-journal.ts";
import type { LiveView } from "../../domain/live-view.ts";
import type { Applied } from "../../domain/live-view.ts";
import type { LogRecord } from "../../ports.ts";
import type { Sink, SinkBatch, StageContext } from "../stage.ts";
import { VIEW_METRICS } from "./metrics.ts";

export class ViewStage implements Sink {
  readonly kind = "sink";
  readonly name = "view";
  readonly options = {};
  readonly metrics = VIEW_METRICS;
  readonly reads = ["raw", "totals"] as const;
  readonly view: LiveView;
  /** True once everything that was in the log at the start has been read. */
  caughtUp = false;
  #context: StageContext | null = null;
  readonly #listeners = new Set<(delta: Delta) => void>();
  readonly #positions = new Map<string, number>();
  /** A topic was made again and is not read to its end yet. */
  #renewing = false;
  readonly #reachedEnd = Promise.withResolvers<void>();

  constructor(view: LiveView) {
    this.view = view;
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

  open(context: StageContext): Promise<void> {
    this.#context = context;
    return Promise.resolve();
  }

  positions(): ReadonlyMap<string, number> {
    return this.#positions;
  }

  take({ records, caughtUp }: SinkBatch): number {
    const { view } = this;
    const { topics, metrics, clock } = this.#opened();
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
    this.#renewing &&= !caughtUp;
    const delta = this.#renewing ? null : view.commit();
    if (delta !== null) for (const listener of this.#listeners) listener(delta);
    return records.length;
  }

  replaced(replaced: readonly string[]): void {
    const { topics } = this.#opened();
    for (const topic of replaced) {
      for (const at of this.#positions.keys()) if (at.startsWith(`${topic}:`)) this.#positions.delete(at);
      this.view.forget(topic === topics.raw ? "raw" : "totals");
    }
    this.#renewing = true;
  }

  tend(): Promise<void> {
    return Promise.resolve();
  }

  /** Whether the log is read up to its present is told by who serves the view. */
  health(): null {
    return null;
  }

  drain(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#listeners.clear();
    return Promise.resolve();
  }

  #opened(): StageContext {
    if (this.#context === null) throw new Error("the view was never opened");
    return this.#context;
  }

  /** One record that cannot be applied costs nobody the others. */
  #apply(topic: "raw" | "totals", record: LogRecord, nowMs: number): Applied {
    const { view } = this;
    const { logger } = this.#opened();
    try {
      return topic === "raw" ? view.applyRaw(record, nowMs) : view.applyTotals(record);
    } catch (error) {
      const place = `${record.topic}:${record.partition}:${record.offset}`;
      logger.error("view.record_failed", "A record could not be shown; going on.", { record: place, error });
      return "rejected";
    }
  }
}
