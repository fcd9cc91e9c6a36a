/** One micro-batch in our words: for the terminal, for `--json`, and for the metrics. */
import type { Metrics } from "../../ports.ts";
import { OBSERVATION } from "./plan.ts";
import type { Progress } from "../../spark/progress.ts";

export interface BatchReport {
  readonly batchId: number;
  readonly timestampMs: number;
  readonly records: number;
  readonly totals: number;
  readonly rejected: number;
  readonly maxSlot: number;
  readonly maxPartition: number;
  readonly recordsPerSecond: number;
  readonly durationMs: number;
  /** Areas in the state. */
  readonly stateRows: number;
  readonly stateBytes: number;
  /** Raw records that Spark has seen announced and not read yet. */
  readonly lagRecords: number;
}

export function batchReport(progress: Progress): BatchReport {
  const observed = progress.observed[OBSERVATION] ?? {};
  const records = whole(observed["records"], 0);
  return {
    batchId: progress.batchId,
    timestampMs: progress.timestampMs,
    // Spark 4.2's own numInputRows, and its rates, are 0 for every batch of this query.
    records,
    totals: progress.outputRows ?? 0,
    rejected: whole(observed["rejected"], 0),
    maxSlot: whole(observed["max_slot"], -1),
    maxPartition: whole(observed["max_partition"], -1),
    recordsPerSecond: progress.durationMs > 0 ? (records * 1000) / progress.durationMs : 0,
    durationMs: progress.durationMs,
    stateRows: progress.stateRows,
    stateBytes: progress.stateBytes,
    lagRecords: [...progress.latestOffsets].reduce(
      (lag, [partition, end]) => lag + Math.max(0, end - (progress.endOffsets.get(partition) ?? end)),
      0,
    ),
  };
}

export function countBatch(metrics: Metrics, report: BatchReport): void {
  metrics.count("velostream_spark_batches_total", {});
  metrics.count("velostream_aggregate_records_total", {}, report.records);
  metrics.count("velostream_aggregate_totals_total", {}, report.totals);
  metrics.observe("velostream_spark_batch_duration_seconds", {}, report.durationMs / 1000);
  metrics.set("velostream_spark_processed_rows_per_second", {}, report.recordsPerSecond);
  metrics.set("velostream_spark_state_rows", {}, report.stateRows);
  metrics.set("velostream_spark_state_bytes", {}, report.stateBytes);
  metrics.set("velostream_spark_lag_records", {}, report.lagRecords);
}

/** For people: one line. */
export function describeBatch(report: BatchReport): string {
  const rate = Math.round(report.recordsPerSecond);
  return [
    `batch ${report.batchId}`,
    `${report.records} records in ${report.durationMs} ms (${rate}/s)`,
    `${report.totals} totals`,
    `${report.stateRows} areas`,
    `lag ${report.lagRecords}`,
  ].join(" · ");
}

function whole(value: unknown, otherwise: number): number {
  return typeof value === "number" && Number.isSafeInteger(value) ? value : otherwise;
}
