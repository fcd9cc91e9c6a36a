/**
 * Every metric velostream exposes, in one table: drives registration, docs/metrics.md, and the tests that check the
 * dashboard and alert rules. Names follow Prometheus: `velostream_<what>_<unit>[_total]`, seconds and bytes.
 * Labels are bounded (system, topic, partition, outcome, reason): never a station or an area.
 */

import { AGGREGATE_METRICS } from "../stages/aggregate/metrics.ts";
import { SPARK_METRICS } from "../stages/aggregate-spark/metrics.ts";
import { ARCHIVE_METRICS } from "../stages/archive/metrics.ts";
import { COLLECT_METRICS } from "../stages/collect/metrics.ts";
import { SERVE_METRICS } from "../stages/serve/metrics.ts";
import { MQTT_METRICS } from "../stages/sinks/mqtt/metrics.ts";
import { VIEW_METRICS } from "../stages/view/metrics.ts";
import { LATENCY_SECONDS, type MetricRow } from "./metric-row.ts";

export const METRICS = {
  // ── collect
  ...COLLECT_METRICS,
  // ── aggregate
  ...AGGREGATE_METRICS,
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
  ...SERVE_METRICS,
  // ── view
  ...VIEW_METRICS,
  // ── archive
  ...ARCHIVE_METRICS,
  ...MQTT_METRICS,
  // ── spark
  ...SPARK_METRICS,
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
