/** The server's rows of the table of metrics. */
import { LATENCY_SECONDS, type MetricRow } from "../../telemetry/metric-row.ts";

export const SERVE_METRICS = {
  velostream_http_requests_total: {
    kind: "counter",
    help: "Requests answered, by route pattern and status code.",
    labels: ["route", "status"],
  },
  velostream_http_connections_closed_total: {
    kind: "counter",
    help: "Connections closed to make room: of one client (client) or of all (total).",
    labels: ["why"],
  },
  velostream_http_request_duration_seconds: {
    kind: "histogram",
    help: "Time from a request's first byte to the last byte of its answer; event streams are left out.",
    labels: ["route"],
    buckets: LATENCY_SECONDS,
  },
  velostream_stream_clients: {
    kind: "gauge",
    help: "Clients connected to the event stream.",
    labels: [],
  },
  velostream_stream_events_total: {
    kind: "counter",
    help: "Events handed to clients of the event stream, one per client.",
    labels: ["event"],
  },
  velostream_stream_joins_total: {
    kind: "counter",
    help: "Clients that joined the event stream: resumed by Last-Event-ID, or with a snapshot.",
    labels: ["how"],
  },
  velostream_stream_resyncs_total: {
    kind: "counter",
    help: "Clients of the event stream that were told to connect anew (slow, draining).",
    labels: ["reason"],
  },
  velostream_stream_latency_seconds: {
    kind: "histogram",
    help: "Time from the end of a fetch to its change being written to the event stream's clients.",
    labels: [],
    buckets: LATENCY_SECONDS,
  },
} as const satisfies Record<string, MetricRow>;
