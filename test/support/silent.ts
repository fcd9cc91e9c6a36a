/** Metrics that count for the test that asks, and a logger that says nothing. */
import type { Metrics } from "../../src/ports.ts";
export { SILENT as silentLogger } from "../../src/telemetry/logger.ts";

export interface CountingMetrics extends Metrics {
  /** Counter values by `name{label="value"}`. */
  readonly counts: ReadonlyMap<string, number>;
}

export function countingMetrics(): CountingMetrics {
  const counts = new Map<string, number>();
  return {
    counts,
    count: (name, labels, value = 1) => {
      const key = `${name}${JSON.stringify(labels)}`;
      counts.set(key, (counts.get(key) ?? 0) + value);
    },
    set() {},
    observe() {},
    forget() {},
  };
}
