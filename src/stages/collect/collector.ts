/**
 * Stage one: polls one system's feed and publishes what changed. A failure is a value: the collector goes on.
 *
 *   describe ─▶ restore ─▶ ┌ poll ─▶ newest observation ─▶ (wait as the schedule says) ┐
 *                          └────────────┼───────────────────────────────────────────────┘
 *                                       ▼
 *                                 PollPublisher
 */
import { Collection, type CollectionOptions, type PublishMode } from "../../domain/collection.ts";
import { FEED_FLAGS, FeedTruth } from "../../domain/feed-truth.ts";
import type { RawRecord } from "../../record/raw-record.ts";
import { isSelectedRecord, type StationSelection } from "../../domain/station-selection.ts";
import { startedMsOf, stationsText } from "../../record/writer.ts";
import type {
  Clock,
  FeedSource,
  FeedTraffic,
  Log,
  Logger,
  LogProducer,
  Metrics,
  Poll,
  SystemDescription,
  TopicNames,
} from "../../ports.ts";
import { drainSignal } from "../drain.ts";
import { CollectorStatus } from "./collector-status.ts";
import { FeedProblems } from "./feed-problems.ts";
import { PollPublisher, type Succeeded } from "./poll-publisher.ts";
import { describeSystem, type Pacer } from "./describe-system.ts";
import { giveWay, mixedError } from "./give-way.ts";
import { OtherWriters } from "./other-writers.ts";
import { RestoreSnapshot, type RestoreRules } from "./restore-collection.ts";
import type { WriterWatch } from "./writer-watch.ts";
import { requireKnownStations } from "./known-stations.ts";
import { WholeView } from "./whole-view.ts";

export interface CollectorOptions {
  readonly source: FeedSource;
  readonly log: Log;
  readonly producer: LogProducer;
  readonly topics: TopicNames;
  readonly mode: PublishMode;
  readonly selection: StationSelection;
  /** Area rules for a system, once it is known which one it is. */
  readonly areasFor: (system: SystemDescription, source: FeedSource) => CollectionOptions["resolveArea"];
  readonly pacerFor: (system: SystemDescription) => Pacer;
  /** Where the feed is, as a digest: two feeds that call themselves one system are told apart by it. */
  readonly feedId?: string;
  /** Told who the system is before anything is published for it; rejects when another feed is that system already. */
  readonly claim?: (system: SystemDescription) => Promise<void>;
  /** Gives back what an earlier run published; reads the topic by default. */
  readonly restore?: (collection: Collection, systemId: string, rules: RestoreRules) => Promise<number>;
  /** Who this collector is (record/writer.ts): written into every record, so that others know. */
  readonly collector?: string;
  /** Tells what others write to the topic; absent where nobody else can. */
  readonly watch?: Pick<WriterWatch, "add">;
  /** Publish every poll before the next one: a recording is replayed whole, a live feed is kept fresh. */
  readonly lossless: boolean;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export class Collector {
  readonly status = new CollectorStatus();
  readonly #options: CollectorOptions;
  #truth = new FeedTruth();
  readonly #view = new WholeView();
  readonly #problems = new FeedProblems();
  #traffic: FeedTraffic = { requests: 0, notModified: 0, transferredBytes: 0, savedBytes: 0 };
  #stationsChecked = false;
  #retiring = false;

  constructor(options: CollectorOptions) {
    this.#options = options;
  }

  /** The system is no longer wanted: when the collector is stopped, its stations leave the totals. */
  retire(): void {
    this.#retiring = true;
  }

  /**
   * Collects until the source ends or `signal` aborts; what was polled by then is published.
   * @throws AppError that no retry can mend (an unknown station, a refused URL, a topic that is not allowed)
   */
  async run(signal: AbortSignal): Promise<void> {
    const { options, status } = { options: this.#options, status: this.status };
    const system = await describeSystem({ ...options, status }, signal);
    if (system === null) return status.stopped();
    await options.claim?.(system);
    if (signal.aborted) return status.stopped();
    status.described(system);
    const collection = new Collection({
      systemId: system.systemId,
      mode: options.mode,
      simulated: system.simulated,
      resolveArea: options.areasFor(system, options.source),
      ...(options.collector === undefined ? {} : { startedMs: startedMsOf(options.collector) }),
    });
    const isWanted = (record: RawRecord): boolean => isSelectedRecord(options.selection, record);
    const others = this.#othersOf(system, collection, isWanted);
    const unwatch = others && (await options.watch?.add(system.systemId, others));
    try {
      await this.#collect(system, collection, others, signal);
    } finally {
      unwatch?.();
    }
  }

  #othersOf(
    system: SystemDescription,
    collection: Collection,
    isWanted: (record: RawRecord) => boolean,
  ): OtherWriters | null {
    const { collector, feedId = "-", selection, topics } = this.#options;
    if (collector === undefined) return null;
    const own = { collector, feed: feedId, stations: stationsText(selection) };
    return new OtherWriters({ ...this.#options, own, system, collection, isWanted, rawTopic: topics.raw });
  }

  async #collect(
    system: SystemDescription,
    collection: Collection,
    others: OtherWriters | null,
    signal: AbortSignal,
  ): Promise<void> {
    const { options, status } = { options: this.#options, status: this.status };
    const restore =
      options.restore ??
      ((...given) =>
        new RestoreSnapshot(options.log, options.topics.raw, signal, options.clock).restore(...given));
    const restored = await restore(collection, system.systemId, {
      isWanted: (record) => isSelectedRecord(options.selection, record),
      onRecord: (writer, observedAtMs) => others?.restored(writer, observedAtMs),
    });
    others?.release();
    if (system.simulated && collection.mixedCount > 0) throw mixedError(system, options.topics.raw);
    if (others !== null) status.othersFlags = () => others.flags();
    others?.tellUnwanted();
    if (restored > 0)
      options.logger.info("collect.restored", `Found ${restored} stations already in the topic.`, {
        system: system.systemId,
        stations: restored,
      });
    this.#truth = new FeedTruth(system.timezone);
    const pacer = options.pacerFor(system);
    const finished = new AbortController();
    const drained = drainSignal(signal, options.clock, finished.signal);
    const onRenumbered = (atMs: number): void => {
      this.#truth.renumbered(atMs);
      this.#tellFlags(system);
    };
    const publisher = new PollPublisher({
      ...options,
      collection,
      system,
      status,
      others,
      onRenumbered,
      signal: drained,
    });
    while (!signal.aborted && publisher.failure === null) {
      if (others !== null) await giveWay({ ...options, others, system, status, publisher }, signal);
      if (signal.aborted) break;
      const nextMs = await this.#poll(system, publisher, pacer, signal);
      if (nextMs === null) break;
      await options.clock.sleep(nextMs - options.clock.now(), signal);
    }
    await publisher.idle();
    if (this.#retiring && publisher.failure === null) await publisher.retire(options.clock.now());
    finished.abort();
    status.stopped();
    if (publisher.failure !== null) throw publisher.failure.error;
  }

  /**
   * Polls once and hands the poll over. A method of its own, so that nothing holds the poll while the next is waited
   * for: of a large system it is tens of megabytes.
   * @returns when to poll next; null at the end
   */
  async #poll(
    system: SystemDescription,
    publisher: PollPublisher,
    pacer: Pacer,
    signal: AbortSignal,
  ): Promise<number | null> {
    const { source, lossless, random, metrics } = this.#options;
    const answer = await source.poll(signal);
    if (answer.kind === "ended" || (signal.aborted && answer.kind === "failed")) return null;
    const believed = answer.kind === "failed" || this.#believe(system, answer);
    // An older copy tells nothing new: what was known before stands.
    const poll = believed ? answer : ({ ...answer, kind: "unchanged" } as Succeeded);
    this.#observe(system, poll);
    if (poll.kind !== "failed" && believed) {
      this.#checkStations(poll);
      const published = publisher.offer(poll);
      if (lossless) await published;
    }
    const nextMs = pacer.next(paced(poll), random());
    this.status.scheduled(nextMs, pacer.changePeriodMs);
    const { changePeriodMs } = pacer;
    if (changePeriodMs !== null)
      metrics.set(
        "velostream_feed_change_period_seconds",
        { system: system.systemId },
        changePeriodMs / 1000,
      );
    return nextMs;
  }

  #observe(system: SystemDescription, poll: Exclude<Poll, { kind: "ended" }>): void {
    const { metrics, logger } = this.#options;
    const labels = { system: system.systemId };
    const outcome = poll.kind === "failed" ? poll.outcome : poll.kind;
    metrics.count("velostream_polls_total", { ...labels, outcome });
    metrics.observe("velostream_poll_duration_seconds", labels, poll.durationMs / 1000);
    this.#countTraffic(system);
    this.status.alerts = this.#options.source.alerts?.() ?? [];
    this.status.problems = this.#problems.tell(this.#options, system);
    if (poll.kind === "failed") {
      // Once per outage and kind: a feed that is down all night is one line, its count is in the metrics.
      if (this.status.failed(poll.outcome, poll.message, poll.observedAtMs))
        logger.warn("feed.poll_failed", poll.message, { ...labels, outcome });
      return;
    }
    metrics.count("velostream_poll_bytes_total", labels, poll.transferredBytes);
    metrics.set("velostream_feed_last_success_timestamp_seconds", labels, poll.observedAtMs / 1000);
    if (this.status.succeeded(poll))
      logger.info("feed.recovered", `The feed of ${system.name} answers again.`, labels);
    logger.debug("feed.polled", "Polled the feed.", {
      ...labels,
      outcome,
      stations: poll.status.stations.length,
      durationMs: poll.durationMs,
    });
    metrics.set(
      "velostream_feed_content_age_seconds",
      labels,
      (poll.observedAtMs - (this.#truth.content.atMs ?? poll.observedAtMs)) / 1000,
    );
    for (const [oddity, count] of Object.entries(poll.status.oddities))
      metrics.count("velostream_oddities_total", { ...labels, oddity }, count);
  }

  #countTraffic({ systemId: system }: SystemDescription): void {
    const { source, metrics } = this.#options;
    if (source.traffic === undefined) return;
    const before = this.#traffic;
    this.status.traffic = this.#traffic = { ...source.traffic };
    const { requests, notModified, savedBytes } = this.#traffic;
    metrics.count("velostream_feed_requests_total", { system }, requests - before.requests);
    metrics.count("velostream_feed_not_modified_total", { system }, notModified - before.notModified);
    metrics.count("velostream_feed_saved_bytes_total", { system }, savedBytes - before.savedBytes);
  }

  /** Compares what the feed claims with what it does; false for an older copy, which must not reach the totals. */
  #believe(system: SystemDescription, poll: Succeeded): boolean {
    const { metrics } = this.#options;
    const { lastUpdatedMs } = poll.status;
    const stations = this.#view.of(poll.status);
    if (stations === null) return true;
    const { believed } = this.#truth.observe({ atMs: poll.observedAtMs, lastUpdatedMs, stations });
    this.status.content = this.#truth.content;
    this.#tellFlags(system);
    if (!believed)
      metrics.count("velostream_oddities_total", { system: system.systemId, oddity: "older_copy" });
    return believed;
  }

  #tellFlags(system: SystemDescription): void {
    const { metrics, logger } = this.#options;
    const flags = this.#truth
      .flags()
      .map(({ flag, sinceMs }) => ({ flag, sinceMs, message: FEED_FLAGS[flag] }));
    const { raised, lowered } = this.status.flagged(flags);
    for (const { flag, message } of raised) {
      metrics.set("velostream_feed_flag", { system: system.systemId, flag }, 1);
      logger.warn("feed.flagged", message, { system: system.systemId, flag });
    }
    for (const { flag } of lowered) metrics.forget("velostream_feed_flag", { system: system.systemId, flag });
  }

  #checkStations(poll: Succeeded): void {
    if (this.#stationsChecked || poll.status.unobserved?.includes("stations") === true) return;
    this.#stationsChecked = true;
    requireKnownStations(this.#options.selection, poll.status, this.#options.source.information());
  }
}

function paced(poll: Exclude<Poll, { kind: "ended" }>): Parameters<Pacer["next"]>[0] {
  const failed = poll.kind === "failed";
  const { ttlSeconds, lastUpdatedMs } = failed ? { ttlSeconds: null, lastUpdatedMs: null } : poll.status;
  const retryAfterMs = failed ? poll.retryAfterMs : null;
  return { kind: poll.kind, atMs: poll.observedAtMs, retryAfterMs, ttlSeconds, lastUpdatedMs };
}
