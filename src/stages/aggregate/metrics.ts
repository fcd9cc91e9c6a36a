/** The aggregate's rows of the table of metrics. */
import { LATENCY_SECONDS, type MetricRow } from "../../telemetry/metric-row.ts";

export const AGGREGATE_METRICS = {
  velostream_aggregate_records_total: { kind: "counter", help: "Raw records aggregated.", labels: [] },
  velostream_aggregate_totals_total: {
    kind: "counter",
    help: "Totals records put out, tombstones included.",
    labels: [],
  },
  velostream_aggregate_stale_total: {
    kind: "counter",
    help: "Raw records dropped because a newer observation of the station was held already.",
    labels: [],
  },
  velostream_aggregate_lag_records: {
    kind: "gauge",
    help: "Records between the committed offset and the end of a partition of the raw topic.",
    labels: ["partition"],
  },
  velostream_restore_duration_seconds: {
    kind: "histogram",
    help: "Time to rebuild a partition's state from the log.",
    labels: [],
    buckets: LATENCY_SECONDS,
  },
} as const satisfies Record<string, MetricRow>;
