/**
 * The collect stage: the systems of a list, collected until it is told to stop, and what people should know of each feed
 * on the topic of feeds.
 */
import { hostname } from "node:os";
import { stationSelection } from "../../domain/station-selection.ts";
import type { HealthState, LogProducer, SystemStatus, SystemStatusSource } from "../../ports.ts";
import { collectorId } from "../../record/writer.ts";
import type { Runner, StageContext } from "../stage.ts";
import { Collector, type CollectorOptions } from "./collector.ts";
import type { CollectorStatus } from "./collector-status.ts";
import { FeedReporter } from "./feed-reporter.ts";
import { COLLECT_METRICS } from "./metrics.ts";
import { COLLECT_OPTIONS } from "./options.ts";
import { RestoreSnapshot } from "./restore-collection.ts";
import { Systems, type SystemSupply } from "./systems.ts";
import { WriterWatch } from "./writer-watch.ts";

export interface CollectStageOptions {
  /** Closed by whoever made it. */
  readonly supply: SystemSupply;
  readonly publish: CollectorOptions["mode"];
  /** Codes or ids, or `all`. */
  readonly stations: readonly string[];
  /** Every poll is published before the next one: for recordings. */
  readonly lossless: boolean;
}

interface Opened {
  readonly producer: LogProducer;
  readonly systems: Systems;
  /** Null where there is no topic of feeds. */
  readonly reporter: FeedReporter | null;
}

export class CollectStage implements Runner, SystemStatusSource {
  readonly kind = "runner";
  readonly name = "collect";
  readonly options = COLLECT_OPTIONS;
  readonly metrics = COLLECT_METRICS;
  readonly checkName = "feed";
  /** Of every system that is collected, or has stopped for a reason; changes in place. */
  readonly collected: CollectorStatus[] = [];
  readonly #options: CollectStageOptions;
  #opened: Opened | null = null;
  #reporting: Promise<void> = Promise.resolve();

  constructor(options: CollectStageOptions) {
    this.#options = options;
  }

  async open({ log, topics, clock, logger, metrics, stop }: StageContext): Promise<void> {
    const { supply, publish: mode, stations, lossless } = this.#options;
    const producer = await log.producer();
    const restores = new RestoreSnapshot(log, topics.raw, stop, clock, log.kind === "memory");
    const collector = collectorId(hostname(), process.pid, clock.now());
    // Only a log that other processes reach has other writers.
    const among =
      log.kind === "memory" || lossless
        ? {}
        : {
            collector,
            watch: new WriterWatch({ log, topics, clock, logger, signal: stop }),
          };
    const statuses = this.collected;
    const systems = new Systems({
      supply,
      statuses,
      clock,
      logger,
      collectorOf: (opened, claim) =>
        new Collector({
          ...opened,
          ...among,
          claim,
          restore: (...given) => restores.restore(...given),
          log,
          producer,
          topics,
          mode,
          selection: stationSelection(stations),
          lossless,
          clock,
          random: Math.random,
          logger,
          metrics,
        }),
    });
    const reporter =
      topics.feeds === undefined
        ? null
        : new FeedReporter({ topic: topics.feeds, producer, statuses, collector, clock, logger });
    this.#opened = { producer, systems, reporter };
  }

  async run(stop: AbortSignal): Promise<void> {
    if (this.#opened === null) throw new Error("the collectors were never opened");
    const { systems, reporter } = this.#opened;
    const collecting = systems.run(stop);
    // Whoever waits for it learns of its failure; until then it is nobody's.
    this.#reporting = reporter?.run(stop, collecting) ?? Promise.resolve();
    this.#reporting.catch(() => {});
    await collecting;
  }

  statuses(): readonly SystemStatus[] {
    return this.collected.flatMap((status) => status.systemStatus() ?? []);
  }

  /** A feed that has answered once and fails now is in the metrics and the alerts; the process can still do its work. */
  health(): HealthState {
    if (this.collected.some(({ lastSuccessAtMs }) => lastSuccessAtMs !== null))
      return { ok: true, reason: null };
    const failure = this.collected.find((status) => status.failure !== null)?.failure;
    return { ok: false, reason: failure?.message ?? "No station has been observed yet." };
  }

  /** The last words about the feeds. */
  async drain(): Promise<void> {
    await this.#reporting;
  }

  async close(): Promise<void> {
    await this.#opened?.producer.close();
  }
}
