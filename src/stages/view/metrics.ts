/** The live view's rows of the table of metrics. */
import { LATENCY_SECONDS, type MetricRow } from "../../telemetry/metric-row.ts";

export const VIEW_METRICS = {
  velostream_end_to_end_latency_seconds: {
    kind: "histogram",
    help: "Time from the end of a fetch to its totals being readable in the log.",
    labels: [],
    buckets: LATENCY_SECONDS,
  },
  velostream_view_records_total: {
    kind: "counter",
    help: "Records the server has read, by topic (raw, totals, feeds) and what they did to the live view.",
    labels: ["topic", "outcome"],
  },
  velostream_view_stations: {
    kind: "gauge",
    help: "Stations in the server's live view.",
    labels: [],
  },
  velostream_view_areas: {
    kind: "gauge",
    help: "Areas in the server's live view.",
    labels: [],
  },
} as const satisfies Record<string, MetricRow>;
