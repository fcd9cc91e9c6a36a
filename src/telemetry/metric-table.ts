/**
 * Every metric velostream exposes, in one table: drives registration, docs/metrics.md, and the tests that check the
 * dashboard and alert rules. Names follow Prometheus: `velostream_<what>_<unit>[_total]`, seconds and bytes.
 * Labels are bounded (system, topic, partition, outcome, reason): never a station or an area.
 */

import { ARCHIVE_METRICS } from "../stages/archive/metrics.ts";
import { MQTT_METRICS } from "../stages/sinks/mqtt/metrics.ts";
import { VIEW_METRICS } from "../stages/view/metrics.ts";
import { LATENCY_SECONDS, type MetricRow } from "./metric-row.ts";

export const METRICS = {
  // ── collect
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
  // ── aggregate
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
  // ── kafka
  velostream_kafka_rebalances_total: {
    kind: "counter",
    help: "Times the group of aggregate workers shared its partitions anew, as seen by this worker.",
    labels: [],
  },
  velostream_kafka_transactions_total: {
    kind: "counter",
    help: "Transactions of this worker, by outcome (committed, or lost: taken over by another or not known).",
    labels: ["outcome"],
  },
  velostream_kafka_refused_total: {
    kind: "counter",
    help: "Records that Kafka will never take (their time, their size), by topic; all but rejects are kept as rejects.",
    labels: ["topic"],
  },
  velostream_kafka_transaction_duration_seconds: {
    kind: "histogram",
    help: "Time to commit one batch's totals and its consumed offset in one transaction.",
    labels: [],
    buckets: LATENCY_SECONDS,
  },
  // ── serve
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
  // ── view
  ...VIEW_METRICS,
  // ── archive
  ...ARCHIVE_METRICS,
  ...MQTT_METRICS,
  // ── spark
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

export type MetricName = keyof typeof METRICS;
type OfKind<K extends MetricRow["kind"]> = {
  [N in MetricName]: (typeof METRICS)[N]["kind"] extends K ? N : never;
}[MetricName];
export type CounterName = OfKind<"counter">;
export type GaugeName = OfKind<"gauge">;
export type HistogramName = OfKind<"histogram">;
type LabelOf<N extends MetricName> = (typeof METRICS)[N]["labels"][number];
export type LabelsOf<N extends MetricName> = Readonly<Record<LabelOf<N>, string | number>>;
