/** `aggregate --engine spark`: supervises the totals query on a Spark cluster. */
import { EXIT } from "../errors.ts";
import { runStages } from "../session/run-stages.ts";
import { AggregateSparkStage } from "../stages/aggregate-spark/aggregate-spark.ts";
import { ShowSparkStage } from "../stages/aggregate-spark/show-spark.ts";
import { createMetrics } from "../telemetry/metrics.ts";
import type { CommandContext } from "./command.ts";
import {
  checkpointsFolder,
  queryRecordFile,
  sendsTokenInClear,
  sessionFactory,
  sparkAddress,
  sparkKafkaOptions,
  sparkTrigger,
} from "./spark-settings.ts";

export async function runSparkAggregate(context: CommandContext): Promise<number> {
  const { settings, clock, logger, terminal } = context;
  const address = sparkAddress(settings);
  const connect = sessionFactory(settings, clock);
  if (sendsTokenInClear(settings))
    logger.warn(
      "spark.token-in-clear",
      `The token goes to ${address.label} unencrypted. Use TLS: ${address.label}/;use_ssl=true.`,
    );
  const checkpoints = checkpointsFolder(settings);
  const spark = new AggregateSparkStage({
    label: address.label,
    group: settings.group,
    takeOver: settings["take-over"],
    supervision: {
      connect,
      kafka: sparkKafkaOptions(settings),
      trigger: sparkTrigger(settings),
      compression: settings.compression,
      shufflePartitions: settings["spark-tasks"],
      checkpoints,
      recordFile: queryRecordFile(settings),
      patienceMs: settings["spark-patience"],
    },
    onEvent: (event) => {
      if (settings.json) void terminal.json(`${JSON.stringify(event)}\n`);
    },
  });
  const { status } = spark;
  const show = new ShowSparkStage({
    status,
    screen: terminal.interactive && !settings.json ? terminal : null,
    say: (line) => {
      if (!settings.json) terminal.err(`${line}\n`);
    },
  });
  await runStages({
    ...context,
    metrics: createMetrics({ process: true }),
    stages: [spark, show],
    onMetrics: (url) => terminal.err(`Metrics: ${url}\n`),
    onOpen: () => terminal.err(`${status.line(clock.now())}; checkpoints in ${checkpoints}.\n`),
  });
  return EXIT.done;
}
