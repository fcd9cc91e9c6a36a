/** The rows of the table of options about the aggregate on Spark. */
import type { OptionRow } from "../../config/option-types.ts";

export const SPARK_OPTIONS = {
  engine: {
    kind: "string",
    metavar: "ENGINE",
    choices: ["node", "spark"],
    default: "node",
    group: "spark",
    help: "What computes the totals: workers of this program, or a Spark cluster.",
  },
  spark: {
    kind: "string",
    metavar: "sc://HOST:PORT",
    default: null,
    group: "spark",
    help: "Spark Connect server; with /;use_ssl=true for TLS (default: sc://localhost:15002 with --engine spark).",
  },
  "spark-token": {
    kind: "secret",
    default: null,
    group: "spark",
    help: "Token for the Spark Connect server.",
  },
  "spark-ca-file": {
    kind: "path",
    metavar: "FILE",
    default: null,
    group: "spark",
    help: "PEM certificates to trust for Spark instead of the system's.",
  },
  "spark-brokers": {
    kind: "list",
    metavar: "HOST:PORT,…",
    default: null,
    group: "spark",
    help: "Kafka brokers as Spark reaches them, where that differs from --brokers.",
  },
  "spark-checkpoints": {
    kind: "string",
    metavar: "URI",
    default: null,
    group: "spark",
    help: "Folder for checkpoints as the cluster sees it: hdfs://, s3a://, file:// (default for a local Spark: in --data-dir).",
  },
  "spark-interval": {
    kind: "duration",
    metavar: "DURATION",
    default: 0,
    group: "spark",
    help: "Time between micro-batches; 0 starts the next one at once.",
  },
  "spark-real-time": {
    kind: "duration",
    metavar: "DURATION",
    default: null,
    group: "spark",
    help: "Real-time mode, for Spark 4.3 and newer: totals within milliseconds, progress this often.",
  },
  "spark-tasks": {
    kind: "integer",
    metavar: "N",
    default: 4,
    least: 1,
    group: "spark",
    help: "Tasks that share the areas (spark.sql.shuffle.partitions); fixed by the checkpoint.",
  },
  "spark-patience": {
    kind: "duration",
    metavar: "DURATION",
    default: 600_000,
    group: "spark",
    help: "Give up (exit 69) when Spark has been away or failing for that long.",
  },
} as const satisfies Record<string, OptionRow>;
