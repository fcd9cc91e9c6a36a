/**
 * Publishes the polls of one system, one at a time; while the log is away polls go on and only the newest is kept.
 *
 *   offer ─▶ waiting (at most one) ─▶ plan ─▶ publish, waits for the log ─▶ acknowledge
 *
 * So memory is bounded, and the log gets the latest of every station when it is back.
 */
import type { Plan } from "../../domain/collection-plan.ts";
import type { Collection } from "../../domain/collection.ts";
import type { Observed } from "../../domain/collection-plan.ts";
import { isRenumbering } from "../../domain/renumbering.ts";
import { RAW_SCHEMA } from "../../record/raw-record.ts";
import { WRITER_HEADER } from "../../record/writer.ts";
import { encodeReject, RejectMemory } from "../../record/reject-record.ts";
import type { Reject } from "../../record/station.ts";
import { stationKey, SYSTEM_HEADER, systemKey } from "../../record/keys.ts";
import { isSelected, type StationSelection } from "../../domain/station-selection.ts";
import { carriedOver } from "../../domain/unseen-parts.ts";
import type {
  Clock,
  FeedSource,
  Log,
  Logger,
  LogProducer,
  Metrics,
  Poll,
  ProduceRecord,
  SystemDescription,
  TopicNames,
} from "../../ports.ts";
import type { CollectorStatus } from "./collector-status.ts";
import type { OtherWriters } from "./other-writers.ts";

/** A poll that brought an observation of every station. */
export type Succeeded = Extract<Poll, { kind: "changed" | "unchanged" }>;

export interface PollPublisherOptions {
  readonly collection: Collection;
  readonly system: SystemDescription;
  readonly status: CollectorStatus;
  readonly source: FeedSource;
  readonly selection: StationSelection;
  readonly log: Log;
  readonly producer: LogProducer;
  readonly topics: TopicNames;
  readonly clock: Pick<Clock, "now">;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Told when many stations have come with other ids. */
  readonly onRenumbered?: (atMs: number) => void;
  /** Gives up waiting for the log: some time after the collector was told to stop (drain.ts). */
  readonly signal: AbortSignal;
  /** What it knows of other collectors; null where none can be. */
  readonly others: OtherWriters | null;
}

export class PollPublisher {
  /** What stopped publishing for good. */
  failure: { readonly error: unknown } | null = null;
  readonly #options: PollPublisherOptions;
  /** One object for all records. */
  readonly #headers: Readonly<Record<string, string>>;
  /** Of tombstones: no value says whose they are. */
  readonly #goneHeaders: Readonly<Record<string, string>>;
  readonly #rejects = new RejectMemory();
  readonly #refusals = new RejectMemory();
  readonly #informationRejects = new RejectMemory();
  #waiting: Succeeded | null = null;
  #publishing: Promise<void> | null = null;

  constructor(options: PollPublisherOptions) {
    this.#options = options;
    const { others } = options;
    this.#headers = { schema: RAW_SCHEMA, ...(others === null ? {} : { [WRITER_HEADER]: others.header }) };
    this.#goneHeaders = { ...this.#headers, [SYSTEM_HEADER]: options.system.systemId };
  }

  /** Takes a poll in place of one that still waits. Resolves when nothing is left to publish; never rejects. */
  offer(poll: Succeeded): Promise<void> {
    const { status } = this.#waiting ?? poll;
    this.#waiting = { ...poll, status: carriedOver(status, poll.status) };
    this.#publishing ??= this.#publishWaiting();
    return this.#publishing;
  }

  /** Resolves when nothing is left to publish. */
  async idle(): Promise<void> {
    await this.#publishing;
  }

  /** Takes every station of the system out of the log: the system is no longer collected. Never rejects. */
  retire(nowMs: number): Promise<void> {
    return this.#takeOut(nowMs, false);
  }

  /** Takes out what this run has published, and nothing that others did. Never rejects. */
  async takeOutOwn(nowMs: number): Promise<void> {
    await this.idle();
    await this.#takeOut(nowMs, true);
  }

  async #takeOut(nowMs: number, ownOnly: boolean): Promise<void> {
    const { collection, producer, topics, metrics, system, signal, others, logger } = this.#options;
    others?.hold();
    const plan = collection.planRetirement(nowMs, ownOnly);
    try {
      await producer.publish(this.#records(plan, nowMs), signal);
      collection.acknowledge(plan);
      others?.release();
      metrics.forget("velostream_stations", { system: system.systemId });
      if (plan.retired > 0)
        logger.info(
          "collect.retired",
          `Took ${plan.retired} ${plan.retired === 1 ? "station" : "stations"} out of the totals.`,
          {
            system: system.systemId,
            stations: plan.retired,
            topic: topics.raw,
          },
        );
    } catch (error) {
      if (!signal.aborted) this.failure = { error };
    }
  }

  #records(plan: Plan, timestampMs: number): ProduceRecord[] {
    const topic = this.#options.topics.raw;
    return plan.records.map(({ key, value, partition }) => ({
      topic,
      key,
      value,
      partition,
      headers: value === null ? this.#goneHeaders : this.#headers,
      timestampMs,
    }));
  }

  async #publishWaiting(): Promise<void> {
    try {
      while (this.#waiting !== null) {
        const poll = this.#waiting;
        this.#waiting = null;
        await this.#publish(poll);
      }
    } catch (error) {
      if (!this.#options.signal.aborted) this.failure = { error };
    } finally {
      this.#publishing = null;
    }
  }

  async #publish(poll: Succeeded): Promise<void> {
    const { collection, system, status, log, producer, topics, metrics, clock, signal, others } =
      this.#options;
    const partitionCount = (await log.partitionCount(topics.raw)) ?? 1;
    others?.hold();
    const plan = collection.plan(this.#observed(poll, partitionCount));
    const rejects = this.#takeRejects(poll);
    const records = this.#records(plan, poll.observedAtMs);
    for (const reject of rejects)
      records.push({
        topic: topics.rejects,
        key: systemKey(system.systemId),
        value: encodeReject(system.systemId, reject, poll.observedAtMs),
        partitionKey: system.systemId,
        timestampMs: poll.observedAtMs,
        expendable: true,
      });
    const refused = new Map<string, string>();
    if (records.length > 0) {
      const startedMs = clock.now();
      await producer.publish(records, signal, ({ key }, why) => refused.set(key ?? "", why));
      metrics.observe(
        "velostream_publish_duration_seconds",
        { topic: topics.raw },
        (clock.now() - startedMs) / 1000,
      );
      metrics.count("velostream_records_published_total", { system: system.systemId }, plan.records.length);
    }
    const stations = collection.stationCount;
    // What the log does not take is not remembered as published: it is tried again with the next poll.
    const taken = refused.size === 0 ? plan : withoutRefused(plan, system.systemId, refused);
    collection.acknowledge(taken);
    if (refused.size > 0) await this.#keepRefused(refused, poll.observedAtMs);
    if (isRenumbering(plan.renumbered, stations)) this.#options.onRenumbered?.(poll.observedAtMs);
    others?.release();
    others?.told(taken);
    metrics.set("velostream_stations", { system: system.systemId }, collection.stationCount);
    status.published(collection.stationCount, plan.records.length, collection.mainAreaRule);
  }

  /** @param refused by key, why */
  async #keepRefused(refused: ReadonlyMap<string, string>, observedAtMs: number): Promise<void> {
    const { system, producer, topics, metrics, logger, signal } = this.#options;
    const reason = "refused_by_log";
    metrics.count("velostream_rejects_total", { stage: "collect", reason }, refused.size);
    const all = [...refused].map(([key, why]): Reject => {
      return { reason, path: topics.raw, stationId: key, record: { key, refused: why } };
    });
    const news = this.#refusals.news(all, observedAtMs);
    const first = news[0];
    if (first === undefined) return;
    logger.warn(
      "collect.refused",
      `The log does not take ${news.length} ${news.length === 1 ? "record" : "records"} (first: ${first.stationId ?? ""}, ${refused.get(first.stationId ?? "") ?? ""}). Check this machine's clock and the topic's settings.`,
      { system: system.systemId, topic: topics.raw, records: news.length },
    );
    await producer.publish(
      news.map((reject) => ({
        topic: topics.rejects,
        key: system.systemId,
        value: encodeReject(system.systemId, reject, observedAtMs),
        partitionKey: system.systemId,
        expendable: true,
      })),
      signal,
    );
  }

  #observed(poll: Succeeded, partitionCount: number): Observed {
    const { selection, source } = this.#options;
    const information = source.information();
    const unwanted = new Set<string>();
    const stations =
      selection === null
        ? poll.status.stations
        : poll.status.stations.filter((station) => {
            const wanted = isSelected(selection, station, information.get(station.stationId));
            if (!wanted) unwanted.add(station.stationId);
            return wanted;
          });
    const unreadable = new Set<string>();
    for (const { stationId } of poll.status.rejects) if (stationId !== null) unreadable.add(stationId);
    const { observedAtMs, status } = poll;
    const { unobserved = [] } = status;
    return { observedAtMs, stations, unreadable, unobserved, unwanted, information, partitionCount };
  }

  /** Counts every reject of a poll; returns those that are news. */
  #takeRejects(poll: Succeeded): readonly Reject[] {
    const { source, system, status, metrics, logger, topics } = this.#options;
    const ofInformation = source.takeInformationRejects();
    const all = [...poll.status.rejects, ...ofInformation];
    for (const { reason } of all) metrics.count("velostream_rejects_total", { stage: "collect", reason });
    status.rejected(poll.status.rejects);
    const news = this.#rejects.news(poll.status.rejects, poll.observedAtMs);
    const first = news[0];
    if (first !== undefined)
      logger.warn(
        "feed.rejects",
        `${news.length} ${news.length === 1 ? "record" : "records"} of the feed cannot be used (first: ${first.reason} at ${first.path}); kept in ${topics.rejects}.`,
        { system: system.systemId, rejects: news.length },
      );
    return [...news, ...this.#informationRejects.news(ofInformation, poll.observedAtMs)];
  }
}

/** The plan as far as the log took it. */
function withoutRefused(plan: Plan, systemId: string, refused: ReadonlyMap<string, string>): Plan {
  const remember = plan.remember.filter(({ stationId }) => !refused.has(stationKey(systemId, stationId)));
  return { ...plan, remember };
}
