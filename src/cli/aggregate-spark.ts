/** `aggregate --engine spark`: supervises the totals query on a Spark cluster. */
import { EXIT } from "../errors.ts";
import { encodeWriter } from "../record/totals-writer.ts";
import { claimTotals, TotalsWatch } from "../stages/aggregate/totals-ownership.ts";
import { releaseKept } from "../stages/aggregate-spark/release-kept.ts";
import { superviseTotals } from "../stages/aggregate-spark/supervisor.ts";
import { createMetrics } from "../telemetry/metrics.ts";
import type { CommandContext } from "./command.ts";
import { liveDisplay } from "./live-display.ts";
import { openLog, topicNames } from "./open-log.ts";
import { sessionStages, startOperations } from "./session-operations.ts";
import {
  checkpointsFolder,
  queryRecordFile,
  sendsTokenInClear,
  sessionFactory,
  sparkAddress,
  sparkKafkaOptions,
  sparkTrigger,
} from "./spark-settings.ts";
import { SparkStatus } from "./spark-status.ts";
import { Stages } from "./stages.ts";

/** Without a terminal, one line of summary this often. */
const SUMMARY_EVERY_MS = 60_000;

export async function runSparkAggregate(context: CommandContext): Promise<number> {
  const { settings, clock, logger, terminal, signal } = context;
  const address = sparkAddress(settings);
  const connect = sessionFactory(settings, clock);
  if (sendsTokenInClear(settings))
    logger.warn(
      "spark.token-in-clear",
      `The token goes to ${address.label} unencrypted. Use TLS: ${address.label}/;use_ssl=true.`,
    );
  const topics = topicNames(settings);
  const supervision = {
    connect,
    topics,
    kafka: sparkKafkaOptions(settings),
    trigger: sparkTrigger(settings),
    compression: settings.compression,
    shufflePartitions: settings["spark-tasks"],
    checkpoints: checkpointsFolder(settings),
    recordFile: queryRecordFile(settings),
    patienceMs: settings["spark-patience"],
  };
  const metrics = createMetrics({ process: true });
  const session = sessionStages(clock);
  const served = await startOperations(context, metrics, session);
  const log = await openLog({ settings, origins: context.origins, clock, logger, metrics });
  session.log = log;
  const ownership = {
    log,
    totalsTopic: topics.totals,
    engine: "spark",
    group: settings.group,
    clock,
    logger,
  } as const;
  const claimed = await claimTotals(ownership, settings["take-over"]).catch(async (error: unknown) => {
    await Promise.all([releaseKept(supervision), log.close(), served?.close()]);
    throw error;
  });
  const watch = new TotalsWatch(ownership, claimed);
  const stages = new Stages(signal);
  stages.stop.addEventListener("abort", () => (session.stopping = true));
  if (settings.for !== null) void clock.sleep(settings.for, stages.stop).then(() => stages.end());

  const status = new SparkStatus(address.label);
  session.others = [{ name: "spark", check: () => status.health() }];
  terminal.err(`${status.line(clock.now())}; checkpoints in ${supervision.checkpoints}.\n`);
  const line = (): string => status.line(clock.now());
  const lively = terminal.interactive && !settings.json;
  const shown = new AbortController();
  const display = lively
    ? liveDisplay(terminal, clock, () => [line()], shown.signal)
    : summaries(context, () => (status.hasNews ? line() : null), shown.signal);
  const supervising = superviseTotals(
    {
      ...supervision,
      writer: encodeWriter(claimed.writer),
      takeOver: claimed.takenOver,
      log,
      clock,
      logger,
      metrics,
      confirmOurs: async () => watch.look(),
      onInterrupted: (reason) => {
        status.interrupted(reason);
        if (settings.json) void terminal.out(`${JSON.stringify({ event: "interrupted", reason })}\n`);
      },
      onRunning: ({ slots, runId }) => {
        status.running(slots);
        if (settings.json) void terminal.json(`${JSON.stringify({ event: "running", slots, runId })}\n`);
      },
      onBatch: (report) => {
        status.batch(report);
        if (settings.json) void terminal.json(`${JSON.stringify({ event: "batch", ...report })}\n`);
      },
    },
    stages.stop,
  );
  await stages.watch(supervising);
  shown.abort();
  await display;
  await Promise.all([log.close(), served?.close()]);
  stages.rethrow();
  return EXIT.done;
}

async function summaries(
  { terminal, clock, settings }: CommandContext,
  line: () => string | null,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(SUMMARY_EVERY_MS, signal);
    const text = line();
    if (text !== null && !settings.json) terminal.err(`${text}\n`);
  }
}
