/** The collectors' rows of the table of metrics. */
import { LATENCY_SECONDS, type MetricRow } from "../../telemetry/metric-row.ts";

export const COLLECT_METRICS = {
  velostream_polls_total: {
    kind: "counter",
    help: "Polls of station_status, by outcome (changed, unchanged, or why it failed).",
    labels: ["system", "outcome"],
  },
  velostream_poll_duration_seconds: {
    kind: "histogram",
    help: "Time from sending a poll's request to the last byte of its answer.",
    labels: ["system"],
    buckets: LATENCY_SECONDS,
  },
  velostream_poll_bytes_total: {
    kind: "counter",
    help: "Bytes transferred by polls, as compressed on the wire.",
    labels: ["system"],
  },
  velostream_feed_requests_total: {
    kind: "counter",
    help: "Requests for any file of the system.",
    labels: ["system"],
  },
  velostream_feed_not_modified_total: {
    kind: "counter",
    help: "Requests answered with 304: conditional requests that saved the publisher a body.",
    labels: ["system"],
  },
  velostream_feed_saved_bytes_total: {
    kind: "counter",
    help: "Bytes that conditional requests and compression did not transfer.",
    labels: ["system"],
  },
  velostream_feed_content_age_seconds: {
    kind: "gauge",
    help: "Age of the feed's content: by its header, its newest change, its reports.",
    labels: ["system"],
  },
  velostream_feed_change_period_seconds: {
    kind: "gauge",
    help: "How often the feed's content really changes, as learnt.",
    labels: ["system"],
  },
  velostream_feed_last_success_timestamp_seconds: {
    kind: "gauge",
    help: "When a poll last succeeded.",
    labels: ["system"],
  },
  velostream_stations_misplaced: { kind: "gauge", help: "Stations far from their area.", labels: ["system"] },
  velostream_stations: {
    kind: "gauge",
    help: "Stations published and not retired.",
    labels: ["system"],
  },
  velostream_records_published_total: {
    kind: "counter",
    help: "Raw records the log has acknowledged (observations, retirements and tombstones).",
    labels: ["system"],
  },
  velostream_publish_duration_seconds: {
    kind: "histogram",
    help: "Time from handing a poll's records to the log to its acknowledgement.",
    labels: ["topic"],
    buckets: LATENCY_SECONDS,
  },
  velostream_rejects_total: {
    kind: "counter",
    help: "Records that could not be used, by stage and reason; each is kept in the rejects topic.",
    labels: ["stage", "reason"],
  },
  velostream_oddities_total: {
    kind: "counter",
    help: "Oddities of a feed that cost nothing but are worth knowing (docs/quirks.md).",
    labels: ["system", "oddity"],
  },
  velostream_feed_flag: {
    kind: "gauge",
    help: "1 while a feed is distrusted for this reason (docs/quirks.md).",
    labels: ["system", "flag"],
  },
} as const satisfies Record<string, MetricRow>;
