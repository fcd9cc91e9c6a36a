/** `aggregate`: a worker that turns station records into totals; several share the partitions. */
import { OPTIONS } from "../config/options.ts";
import type { Command } from "./command.ts";
import {
  GROUP_OPTIONS,
  KAFKA_OPTIONS,
  METRICS_OPTIONS,
  TOPIC_OPTIONS,
  WRITE_OPTIONS,
} from "./option-lists.ts";
import { FOR_A_WHILE, NEEDED_BROKERS } from "./option-texts.ts";
import { runSession } from "./session.ts";
import { runSparkAggregate } from "./aggregate-spark.ts";
import { SPARK_OPTIONS } from "./spark-settings.ts";
import { requireBrokers } from "./require-brokers.ts";

export const aggregate: Command = {
  usage: "[options]",
  description:
    "Reads the station records, keeps the latest of each station, and publishes the totals of every area that changes, exactly once. Start as many as there are partitions: they share them. With --engine spark a Spark cluster does the work (docs/spark.md).",
  examples: [
    { command: "velostream aggregate --brokers localhost:9092", does: "One worker." },
    {
      command: "velostream aggregate --brokers localhost:9092 --json",
      does: "The same, with the totals as NDJSON on stdout.",
    },
    {
      command: "velostream aggregate --brokers localhost:9092 --engine spark --spark sc://localhost:15002",
      does: "On a Spark cluster; this process only supervises.",
    },
  ],
  options: [
    ...KAFKA_OPTIONS,
    ...TOPIC_OPTIONS,
    ...WRITE_OPTIONS,
    ...GROUP_OPTIONS,
    ...SPARK_OPTIONS,
    ...METRICS_OPTIONS,
    "data-dir",
    "json",
    "for",
  ],
  optionTexts: {
    brokers: NEEDED_BROKERS,
    for: FOR_A_WHILE,
    "data-dir": {
      metavar: "DIR",
      help: "With --engine spark: folder of what must be remembered of the query, and of a local Spark's checkpoints.",
      default: OPTIONS["data-dir"].default,
    },
  },
  run: async (context) => {
    requireBrokers(context, "aggregate");
    if (context.settings.engine === "spark") return runSparkAggregate(context);
    return runSession({ context, supply: null, lossless: false, aggregate: true });
  },
};
