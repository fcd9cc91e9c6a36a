/** The Metrics port over prom-client: one registry per process, built from the one table of metrics. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Metrics } from "../ports.ts";
import type { MetricRow } from "./metric-row.ts";
import { METRICS } from "./metric-table.ts";

export interface PrometheusMetrics extends Metrics {
  /** The text exposition, Prometheus format 0.0.4. */
  readonly registry: Registry;
}

/**
 * Registers every metric of the table.
 * @param options.process also export Node's own (event-loop delay, memory, GC); off in tests
 */
export function createMetrics(options: { readonly process: boolean }): PrometheusMetrics {
  const registry = new Registry();
  const counters = new Map<string, Counter>();
  const gauges = new Map<string, Gauge>();
  const histograms = new Map<string, Histogram>();
  for (const [name, row] of Object.entries<MetricRow>(METRICS)) {
    const common = { name, help: row.help, labelNames: [...row.labels], registers: [registry] };
    if (row.kind === "counter") counters.set(name, new Counter(common));
    else if (row.kind === "gauge") gauges.set(name, new Gauge(common));
    else histograms.set(name, new Histogram({ ...common, buckets: [...(row.buckets ?? [])] }));
  }
  if (options.process) collectDefaultMetrics({ register: registry });
  return {
    registry,
    count: (name, labels, value = 1) => counters.get(name)?.inc(labels, value),
    set: (name, labels, value) => gauges.get(name)?.set(labels, value),
    observe: (name, labels, value) => histograms.get(name)?.observe(labels, value),
    forget: (name, labels) => gauges.get(name)?.remove(labels),
  };
}
