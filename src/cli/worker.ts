/** Starts an aggregate worker on a log, and keeps its lag in the metrics. */
import { referenceReader } from "../velib/reference-record.ts";
import { areaOfVelibCode } from "../velib/velib-communes.ts";
import { aggregateProcessor } from "../stages/aggregate/totals-processor.ts";
import { readPublishedAreas } from "../stages/aggregate/published-areas.ts";
import { claimTotals, TotalsWatch } from "../stages/aggregate/totals-ownership.ts";
import type { Clock, Log, Logger, Metrics, ProcessHandle, TopicNames } from "../ports.ts";
import type { Settings } from "../config/options.ts";
import type { WorkerHealth } from "../stages/aggregate/worker-health.ts";

const LAG_EVERY_MS = 1_000;

export interface WorkerInput {
  readonly log: Log;
  readonly topics: TopicNames;
  readonly settings: Settings;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** A worker that tells how much it has done. */
export interface AggregateWorker extends ProcessHandle {
  /** Raw records taken since it started. */
  recordsTaken(): number;
}

/**
 * Starts it, unless the totals are somebody else's; it stops when somebody takes them over.
 * @throws LogError when they are and `--take-over` was not given
 */
export async function startWorker(input: WorkerInput): Promise<AggregateWorker> {
  const { log, topics, settings, clock, logger, metrics } = input;
  const { group } = settings;
  const ownership = { log, totalsTopic: topics.totals, engine: "node", group, clock, logger } as const;
  const claimed = await claimTotals(ownership, settings["take-over"]);
  const watch = new TotalsWatch(ownership, claimed);
  const processor = aggregateProcessor({
    topics,
    readReference: referenceReader(areaOfVelibCode),
    partitionCount: (await log.partitionCount(topics.raw)) ?? settings.partitions,
    writer: claimed.writer,
    takeOver: claimed.takenOver,
    publishedAreas: (place) => readPublishedAreas(log, topics, place),
    clock,
    logger,
    metrics,
  });
  let taken = 0;
  const worker = await log.process(
    {
      topic: topics.raw,
      group,
      writesTo: topics.totals,
      onFenced: async () => watch.look(),
      ...(settings["member-id"] === null ? {} : { memberId: settings["member-id"] }),
    },
    {
      ...processor,
      process: (partition, records) => {
        taken += records.length;
        return processor.process(partition, records);
      },
    },
  );
  const recordsTaken = (): number => taken;
  const handle = {
    progress: () => worker.progress(),
    waitingFor: () => worker.waitingFor(),
    stop: async () => worker.stop(),
    recordsTaken,
  };
  // In memory nobody else can write.
  return { ...handle, done: log.kind === "memory" ? worker.done : ownedUntilDone(worker, watch) };
}

/** Settles as the worker does; it is stopped, and the reason thrown, once its totals are somebody else's. */
async function ownedUntilDone(worker: ProcessHandle, watch: TotalsWatch): Promise<void> {
  const ended = new AbortController();
  let lost: unknown = null;
  void watch.run(ended.signal).catch((error: unknown) => {
    lost = error;
    void worker.stop().catch(() => {});
  });
  try {
    await worker.done;
  } finally {
    ended.abort();
  }
  if (lost !== null) throw lost;
}

/** Tells `health` of the partitions held, sets their lag gauges, and drops those taken away, until `signal` aborts. */
export async function reportLag(
  worker: ProcessHandle,
  health: WorkerHealth,
  input: WorkerInput,
  signal: AbortSignal,
): Promise<void> {
  let reported = new Set<number>();
  while (!signal.aborted) {
    const now = new Set<number>();
    const progress = worker.progress();
    health.observe(progress, input.clock.now());
    for (const { partition, lagRecords } of progress) {
      now.add(partition);
      input.metrics.set("velostream_aggregate_lag_records", { partition }, lagRecords);
    }
    for (const partition of reported)
      if (!now.has(partition)) input.metrics.forget("velostream_aggregate_lag_records", { partition });
    reported = now;
    await input.clock.sleep(LAG_EVERY_MS, signal);
  }
}

/** Resolves when the worker has processed everything in the log, or has stopped. */
export async function caughtUp(worker: ProcessHandle, log: Log, clock: Clock): Promise<void> {
  const settled = worker.done.then(
    () => true,
    () => true,
  );
  while (log.health().ok && worker.progress().some(({ lagRecords }) => lagRecords > 0)) {
    if (await Promise.race([settled, clock.sleep(10).then(() => false)])) return;
  }
}
