/**
 * The feeds stage: reads the topic of feeds, so that a process that collects nothing knows how every feed is doing.
 *
 *   take ─▶ FeedStates ─▶ SystemStatus, as one process tells it      nobody has told for minutes ─▶ state unknown, a flag
 */
import { FeedStates, SILENT_AFTER_MS, type ToldFeed } from "../../domain/feed-states.ts";
import type { AppError } from "../../errors.ts";
import type { SystemStatus, SystemStatusSource } from "../../ports.ts";
import type { Sink, SinkBatch, StageContext } from "../stage.ts";

export class FeedsStage implements Sink, SystemStatusSource {
  readonly kind = "sink";
  readonly name = "feeds";
  readonly options = {};
  readonly metrics = {};
  readonly reads = ["feeds"] as const;
  #context: StageContext | null = null;
  readonly #states = new FeedStates();
  readonly #positions = new Map<string, number>();

  open(context: StageContext): Promise<void> {
    this.#context = context;
    return Promise.resolve();
  }

  statuses(): readonly SystemStatus[] {
    const nowMs = this.#context?.clock.now() ?? 0;
    return [...this.#states.values()].map((told) => toldStatus(told, nowMs));
  }

  positions(): ReadonlyMap<string, number> {
    return this.#positions;
  }

  take({ records }: SinkBatch): number {
    if (this.#context === null) throw new Error("the feeds were never opened");
    const { clock, metrics } = this.#context;
    for (const record of records) {
      this.#positions.set(`${record.topic}:${record.partition}`, record.offset + 1);
      const outcome = this.#states.apply(record, clock.now());
      metrics.count("velostream_view_records_total", { topic: "feeds", outcome });
    }
    return records.length;
  }

  tend(): Promise<void> {
    return Promise.resolve();
  }

  /** Nothing depends on it. */
  unreadable({ message }: AppError): void {
    this.#context?.logger.warn("feeds.unreadable", `${message} How the feeds are doing is not known here.`);
  }

  /** How the feeds are is told feed by feed. */
  health(): null {
    return null;
  }

  drain(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** What was told, as of now: a state that nobody upholds any more is not known. */
export function toldStatus({ feed, toldAtMs }: ToldFeed, nowMs: number): SystemStatus {
  const silent = feed.state !== "stopped" && nowMs - toldAtMs > SILENT_AFTER_MS;
  const { contentAtMs, contentStaleAfterMs, checkedAtMs } = feed;
  const { systemId, name, timezone, attribution, licenseUrl, simulated } = feed;
  return {
    description: { systemId, name, timezone, attribution, licenseUrl, simulated },
    state: silent ? "unknown" : feed.state,
    observedAtMs: feed.observedAtMs,
    lastPoll:
      checkedAtMs === null
        ? null
        : { atMs: checkedAtMs, outcome: feed.outcome ?? "unknown", message: feed.reason },
    nextPollAtMs: null,
    pollIntervalMs: feed.pollIntervalMs,
    content:
      contentAtMs === null || contentStaleAfterMs === null
        ? null
        : { atMs: contentAtMs, staleAfterMs: contentStaleAfterMs },
    changePeriodMs: feed.changePeriodMs,
    traffic: null,
    flags: silent ? [...feed.flags, silence(toldAtMs)] : feed.flags,
    alerts: feed.alerts,
    rejects: feed.rejects,
  };
}

function silence(toldAtMs: number): SystemStatus["flags"][number] {
  return {
    flag: "collector_silent",
    sinceMs: toldAtMs,
    message: "No collector tells of this feed any more: its process is gone, or cannot reach the log.",
  };
}
