/** The rows of the table of metrics about the aggregate on Spark. */
import { LATENCY_SECONDS, type MetricRow } from "../../telemetry/metric-row.ts";

export const SPARK_METRICS = {
  velostream_spark_query_active: {
    kind: "gauge",
    help: "1 while the streaming query runs on Spark, else 0.",
    labels: [],
  },
  velostream_spark_restarts_total: {
    kind: "counter",
    help: "Starts of the streaming query after the first one.",
    labels: [],
  },
  velostream_spark_batches_total: {
    kind: "counter",
    help: "Micro-batches that Spark finished.",
    labels: [],
  },
  velostream_spark_batch_duration_seconds: {
    kind: "histogram",
    help: "Time that Spark took for a micro-batch, planning and commit included.",
    labels: [],
    buckets: LATENCY_SECONDS,
  },
  velostream_spark_processed_rows_per_second: {
    kind: "gauge",
    help: "Raw records a second that the last micro-batch processed.",
    labels: [],
  },
  velostream_spark_state_rows: {
    kind: "gauge",
    help: "Areas that Spark keeps.",
    labels: [],
  },
  velostream_spark_state_bytes: {
    kind: "gauge",
    help: "Memory that Spark keeps them in.",
    labels: [],
  },
  velostream_spark_lag_records: {
    kind: "gauge",
    help: "Raw records that Spark knows of and has not read.",
    labels: [],
  },
} as const satisfies Record<string, MetricRow>;
