/** `aggregate --engine spark`: supervises the totals query on a Spark cluster. */
import { EXIT } from "../errors.ts";
import { type BatchReport, describeBatch } from "../spark/batch-report.ts";
import { superviseTotals } from "../spark/supervisor.ts";
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
  const supervision = {
    connect,
    topics: topicNames(settings),
    kafka: sparkKafkaOptions(settings),
    trigger: sparkTrigger(settings),
    compression: settings.compression,
    shufflePartitions: settings["spark-tasks"],
    checkpoints: checkpointsFolder(settings),
    recordFile: queryRecordFile(settings),
    patienceMs: settings["spark-patience"],
  };
  const metrics = createMetrics({ process: true });
  const session = sessionStages();
  const served = await startOperations(context, metrics, session);
  const log = await openLog({ settings, clock, logger, metrics });
  session.log = log;
  const stages = new Stages(signal);
  stages.stop.addEventListener("abort", () => (session.stopping = true));
  if (settings.for !== null) void clock.sleep(settings.for, stages.stop).then(() => stages.end());

  let last: BatchReport | null = null;
  let state = `Reaching Spark at ${address.label}`;
  let interrupted: string | null = `${state}.`;
  session.others = [{ name: "spark", check: () => ({ ok: interrupted === null, reason: interrupted }) }];
  terminal.err(`${state}; checkpoints in ${supervision.checkpoints}.\n`);
  const line = (): string => (last === null ? state : `${state} · ${describeBatch(last)}`);
  const lively = terminal.interactive && !settings.json;
  const shown = new AbortController();
  const display = lively
    ? liveDisplay(terminal, clock, () => [line()], shown.signal)
    : summaries(context, () => (last === null ? null : line()), shown.signal);
  const supervising = superviseTotals(
    {
      ...supervision,
      log,
      clock,
      logger,
      metrics,
      onInterrupted: (reason) => (interrupted = reason),
      onRunning: ({ slots, runId }) => {
        interrupted = null;
        state = `Spark at ${address.label}: running (up to ${slots} stations an area)`;
        if (settings.json) void terminal.json(`${JSON.stringify({ event: "running", slots, runId })}\n`);
      },
      onBatch: (report) => {
        last = report;
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
