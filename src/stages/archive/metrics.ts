/** The archive's rows of the table of metrics. */
import { LATENCY_SECONDS, type MetricRow } from "../../telemetry/metric-row.ts";

export const ARCHIVE_METRICS = {
  velostream_archive_rows_total: {
    kind: "counter",
    help: "Rows acknowledged by the archive, by table.",
    labels: ["table"],
  },
  velostream_archive_skipped_total: {
    kind: "counter",
    help: "Records that have no row in the archive, and why (the aggregate keeps a reject of those it cannot use).",
    labels: ["reason"],
  },
  velostream_archive_flush_duration_seconds: {
    kind: "histogram",
    help: "Time to turn the journal into Parquet files and commit them.",
    labels: [],
    buckets: LATENCY_SECONDS,
  },
  velostream_archive_compactions_total: {
    kind: "counter",
    help: "Compactions: several files of a day made one.",
    labels: [],
  },
  velostream_archive_files: { kind: "gauge", help: "Parquet files of the archive.", labels: [] },
  velostream_archive_size_bytes: { kind: "gauge", help: "Size of the archive's Parquet files.", labels: [] },
  velostream_archive_failing: {
    kind: "gauge",
    help: "1 while the archive cannot be written (disk full), else 0.",
    labels: [],
  },
  velostream_archive_gaps_total: {
    kind: "counter",
    help: "Gaps of a system's history for records that are lost, and why (compacted, retention, disk_full, not_writable, journal_damaged).",
    labels: ["reason"],
  },
  velostream_archive_maintained_timestamp_seconds: {
    kind: "gauge",
    help: "When compaction last had nothing left to do.",
    labels: [],
  },
} as const satisfies Record<string, MetricRow>;
