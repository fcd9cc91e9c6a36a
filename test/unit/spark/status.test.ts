/** What `aggregate --engine spark` says of itself is what is so. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SparkStatus } from "../../../src/stages/aggregate-spark/spark-status.ts";
import type { BatchReport } from "../../../src/stages/aggregate-spark/batch-report.ts";

const BATCH: BatchReport = {
  batchId: 7,
  timestampMs: 100_000,
  records: 12,
  totals: 3,
  rejected: 0,
  maxSlot: 4,
  maxPartition: 0,
  recordsPerSecond: 12,
  durationMs: 1_000,
  stateRows: 3,
  stateBytes: 1,
  lagRecords: 0,
};

test("Spark is running from when its query runs, and neither running nor up to date between retries", () => {
  const status = new SparkStatus("sc://s:1");
  assert.deepEqual(status.health(), { ok: false, reason: "Reaching Spark at sc://s:1." });
  assert.equal(status.hasNews, false);
  status.running(32);
  assert.equal(status.health().ok, true);
  status.batch(BATCH);
  assert.match(status.line(101_000), /running \(up to 32 .* batch 7 .* lag 0$/);
  status.interrupted("Spark at sc://s:1 cannot be reached: refused.");
  assert.deepEqual(status.health(), { ok: false, reason: "Spark at sc://s:1 cannot be reached: refused." });
  assert.equal(
    status.line(102_000),
    "Spark at sc://s:1: not running. Spark at sc://s:1 cannot be reached: refused.",
  );
  assert.equal(status.hasNews, true, "also where nobody looks at a terminal");
  status.running(48);
  assert.equal(status.health().ok, true);
  assert.equal(status.line(103_000), "Spark at sc://s:1: running (up to 48 stations an area)");
});

test("the lag of a batch long ago is told with its age", () => {
  const status = new SparkStatus("sc://s:1");
  status.running(32);
  status.batch(BATCH);
  assert.match(status.line(100_000 + 1_000 + 15_000), /lag 0$/);
  assert.match(status.line(100_000 + 1_000 + 180_000), /lag 0 \(3 ?m(in)? ago\)$/);
});
