/**
 * The pipeline in one process: collectors, aggregate worker, live view, output; how they start, drain and stop.
 *
 *   start ─▶ running ──signal, --for, sources ended, a stage failed──▶ draining ─▶ stopped
 *                                                                        │
 *   collectors publish what they have ─▶ worker reads it to the end ─▶ view and output read that to the end
 */
import { LiveView } from "../domain/live-view.ts";
import { areaOfVelibCode } from "../feed/velib-communes.ts";
import { referenceReader } from "../domain/reference-record.ts";
import { stationSelection } from "../domain/station-selection.ts";
import { EXIT } from "../errors.ts";
import { aggregateProcessor } from "../pipeline/aggregate.ts";
import { Collector } from "../pipeline/collect.ts";
import { DRAIN_MS } from "../pipeline/drain.ts";
import { readPublishedAreas } from "../pipeline/published-areas.ts";
import { ViewFollower } from "../pipeline/view-follower.ts";
import type { Clock, FeedSource, Log, ProcessHandle } from "../ports.ts";
import { createMetrics } from "../telemetry/metrics.ts";
import type { CommandContext } from "./command.ts";
import { openLog, topicNames } from "./open-log.ts";
import { areaRules, pacerRules } from "./session-rules.ts";
import { sessionOutput } from "./session-output.ts";

export interface SessionInput {
  readonly context: CommandContext;
  readonly sources: readonly FeedSource[];
  /** Every poll is published before the next one: for recordings. */
  readonly lossless: boolean;
}

/** @returns the exit code; rethrows what stopped a stage, after the drain */
export async function runSession({ context, sources, lossless }: SessionInput): Promise<number> {
  const { settings, clock, logger, signal } = context;
  const metrics = createMetrics({ process: true });
  const topics = topicNames(settings);
  const log = await openLog({ settings, clock, logger, metrics });
  const readReference = referenceReader(areaOfVelibCode);
  const view = new LiveView({ readReference });
  const follower = new ViewFollower({ view, log, topics, clock, logger, metrics });
  const stages = new Stages(signal);
  if (settings.for !== null) void clock.sleep(settings.for, stages.stop).then(() => stages.end());

  const worker = await log.process(
    { topic: topics.raw, group: settings.group },
    aggregateProcessor({
      topics,
      readReference,
      partitionCount: (await log.partitionCount(topics.raw)) ?? settings.partitions,
      publishedAreas: (partition) => readPublishedAreas(log, topics, partition),
      clock,
      logger,
      metrics,
    }),
  );
  void stages.watch(worker.done);
  const producer = await log.producer();
  const areasFor = areaRules(settings);
  const pacerFor = pacerRules(settings, lossless);
  const collectors = sources.map(
    (source) =>
      new Collector({
        source,
        areasFor,
        pacerFor,
        log,
        producer,
        topics,
        mode: settings.publish as "changes",
        selection: stationSelection(settings.stations),
        lossless,
        clock,
        random: Math.random,
        logger,
        metrics,
      }),
  );
  const statuses = collectors.map(({ status }) => status);
  const finish = new AbortController();
  const giveUp = new AbortController();
  const reading = [
    stages.watch(follower.run(giveUp.signal, finish.signal)),
    stages.watch(
      sessionOutput({ context, log, topics, view, statuses, signal: giveUp.signal, finish: finish.signal }),
    ),
  ];

  await Promise.all(collectors.map((collector) => stages.watch(collector.run(stages.stop))));
  // Every source has ended (a recording), or all were told to stop.
  stages.end();
  const deadline = clock.sleep(DRAIN_MS, giveUp.signal);
  await Promise.race([caughtUp(worker, log, clock), deadline]);
  await Promise.race([worker.stop(), deadline]).catch(() => {});
  finish.abort();
  await Promise.race([Promise.all(reading), deadline]);
  giveUp.abort();
  await Promise.allSettled([producer.close(), ...sources.map((source) => source.close())]);
  await log.close();
  stages.rethrow();
  const everSucceeded = statuses.some(({ lastSuccessAtMs }) => lastSuccessAtMs !== null);
  return settings.for !== null && !everSucceeded ? EXIT.unavailable : EXIT.done;
}

/** Resolves when the worker has processed everything in the log, or has nothing to do with it. */
async function caughtUp(worker: ProcessHandle, log: Log, clock: Clock): Promise<void> {
  const settled = worker.done.then(
    () => true,
    () => true,
  );
  while (log.health().ok && worker.progress().some(({ lagRecords }) => lagRecords > 0)) {
    if (await Promise.race([settled, clock.sleep(10).then(() => false)])) return;
  }
}

/** The stages that run side by side: the first failure, or the outer signal, stops them all. */
class Stages {
  readonly #stop = new AbortController();
  readonly #failures: unknown[] = [];

  constructor(signal: AbortSignal) {
    if (signal.aborted) this.#stop.abort();
    else signal.addEventListener("abort", () => this.#stop.abort(), { once: true });
  }

  get stop(): AbortSignal {
    return this.#stop.signal;
  }

  end(): void {
    this.#stop.abort();
  }

  /** Resolves when `stage` settles; its failure stops the others and is kept. */
  async watch(stage: Promise<unknown>): Promise<void> {
    try {
      await stage;
    } catch (error) {
      this.#failures.push(error);
      this.#stop.abort();
    }
  }

  rethrow(): void {
    if (this.#failures.length > 0) throw this.#failures[0];
  }
}
