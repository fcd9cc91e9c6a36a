/**
 * Tells the topic of feeds how each feed of this process is doing: at once when that changes, and every minute.
 *
 *   statuses ──every second──▶ news, or a minute old? ──▶ record      off the list ──▶ tombstone      stop ──▶ last word
 *
 * The pipeline never waits for it: while the log is away, the newest state waits; where the topic may not be written, the
 * feeds are collected all the same.
 */
import { encodeFeedState, isFeedNews, type FeedState } from "../../domain/feed-record.ts";
import { WRITER_HEADER } from "../../record/writer.ts";
import { AppError } from "../../errors.ts";
import type { Clock, Logger, LogProducer, ProduceRecord, SystemStatus } from "../../ports.ts";
import { SYSTEM_HEADER, systemKey } from "../../record/keys.ts";
import type { CollectorStatus } from "./collector-status.ts";
import { drainSignal } from "../drain.ts";

/** Told again after this long, changed or not: silence means that nobody collects. */
export const TELL_EVERY_MS = 60_000;
const LOOK_EVERY_MS = 1_000;

export interface FeedReporterOptions {
  readonly topic: string;
  readonly producer: LogProducer;
  /** Of the collectors in this process; changes under the reader. */
  readonly statuses: readonly CollectorStatus[];
  /** Who tells: header `writer`. */
  readonly collector: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class FeedReporter {
  readonly #options: FeedReporterOptions;
  /** Acknowledged, by key. */
  readonly #told = new Map<string, { readonly feed: FeedState; readonly atMs: number }>();
  #refused = false;

  constructor(options: FeedReporterOptions) {
    this.#options = options;
  }

  /** Tells until `stop` aborts and `ended` has settled (every collector has come to its end); then once more. */
  async run(stop: AbortSignal, ended: Promise<unknown>): Promise<void> {
    const { clock } = this.#options;
    const finished = new AbortController();
    const drained = drainSignal(stop, clock, finished.signal);
    const over = new AbortController();
    const all = ended.then(
      () => over.abort(),
      () => over.abort(),
    );
    const either = AbortSignal.any([over.signal, drained]);
    while (!either.aborted) {
      await this.#tell(drained);
      await clock.sleep(LOOK_EVERY_MS, either);
    }
    if (over.signal.aborted) await all;
    await this.#tell(drained);
    finished.abort();
  }

  async #tell(signal: AbortSignal): Promise<void> {
    if (this.#refused || signal.aborted) return;
    const nowMs = this.#options.clock.now();
    const feeds = this.#feeds();
    const due = [...feeds].filter(([key, feed]) => {
      const told = this.#told.get(key);
      return told === undefined || nowMs - told.atMs >= TELL_EVERY_MS || isFeedNews(told.feed, feed);
    });
    const gone = [...this.#told].filter(([key]) => !feeds.has(key));
    if (due.length + gone.length === 0) return;
    const records = [
      ...due.map(([key, feed]) => this.#record(key, feed.systemId, encodeFeedState(feed), nowMs)),
      ...gone.map(([key, { feed }]) => this.#record(key, feed.systemId, null, nowMs)),
    ];
    try {
      await this.#options.producer.publish(records, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof AppError)) throw error;
      this.#refused = true;
      this.#options.logger.warn(
        "feeds.refused",
        `${error.message} The feeds are collected all the same; other processes cannot tell how they are doing.`,
        { topic: this.#options.topic },
      );
      return;
    }
    for (const [key, feed] of due) this.#told.set(key, { feed, atMs: nowMs });
    for (const [key] of gone) this.#told.delete(key);
  }

  /** By key. Of two feeds that say they are one system, the one that is collected. */
  #feeds(): ReadonlyMap<string, FeedState> {
    const feeds = new Map<string, FeedState>();
    for (const collected of this.#options.statuses) {
      const status = collected.systemStatus();
      if (status === null) continue;
      const key = systemKey(status.description.systemId);
      if (feeds.has(key) && status.state === "stopped") continue;
      feeds.set(key, feedState(status, collected));
    }
    return feeds;
  }

  #record(key: string, systemId: string, value: string | null, timestampMs: number): ProduceRecord {
    const { topic, collector } = this.#options;
    return {
      topic,
      key,
      value,
      headers: {
        schema: "velostream.feed.v1",
        [WRITER_HEADER]: collector,
        ...(value === null ? { [SYSTEM_HEADER]: systemId } : {}),
      },
      partitionKey: systemId,
      timestampMs,
    };
  }
}

/** What the topic says of one status. */
function feedState(
  status: SystemStatus,
  { state, areaRule }: Pick<CollectorStatus, "state" | "areaRule">,
): FeedState {
  const { description, content, lastPoll } = status;
  return {
    systemId: description.systemId,
    state,
    reason: lastPoll?.message ?? null,
    flags: status.flags,
    checkedAtMs: lastPoll?.atMs ?? null,
    contentAtMs: content?.atMs ?? null,
    areaRule,
    outcome: lastPoll?.outcome ?? null,
    observedAtMs: status.observedAtMs,
    contentStaleAfterMs:
      content?.atMs === undefined || content.atMs === null ? null : Math.ceil(content.staleAfterMs),
    pollIntervalMs: status.pollIntervalMs,
    changePeriodMs: status.changePeriodMs,
    name: description.name,
    timezone: description.timezone,
    attribution: description.attribution,
    licenseUrl: description.licenseUrl,
    simulated: description.simulated,
    rejects: status.rejects,
    alerts: status.alerts ?? [],
  };
}
