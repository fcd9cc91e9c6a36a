/** Spark's progress reports, as Spark 4.2 writes them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { batchReport, describeBatch } from "../../../src/stages/aggregate-spark/batch-report.ts";
import { readProgress } from "../../../src/spark/progress.ts";

const REPORT = {
  batchId: 25,
  timestamp: "2026-11-25T17:08:22.318Z",
  numInputRows: 0,
  inputRowsPerSecond: 0,
  processedRowsPerSecond: 0,
  durationMs: { triggerExecution: 240 },
  stateOperators: [{ numRowsTotal: 80, memoryUsedBytes: 1024 }],
  sources: [{ endOffset: '{"raw":{"0":431,"1":434}}', latestOffset: '{"raw":{"0":431,"1":440}}' }],
  sink: { numOutputRows: 2 },
  observedMetrics: {
    velostream: {
      values: [3, 1, 0, 1, 17, null],
      schema: {
        fields: ["records", "rejected", "reference", "without_slot", "max_slot", "max_partition"].map(
          (name) => ({
            name,
          }),
        ),
      },
    },
  },
};

test("a report is read into what is watched", () => {
  const progress = readProgress(JSON.stringify(REPORT));
  assert.ok(progress !== null);
  assert.deepEqual(
    [...progress.endOffsets],
    [
      [0, 431],
      [1, 434],
    ],
  );
  const report = batchReport(progress);
  assert.equal(report.records, 3);
  assert.equal(report.rejected, 1);
  assert.equal(report.maxSlot, 17);
  assert.equal(report.maxPartition, -1);
  assert.equal(report.lagRecords, 6);
  assert.equal(report.recordsPerSecond, 12.5, "counted by us: Spark says 0 of what it has read");
  assert.equal(describeBatch(report), "batch 25 · 3 records in 240 ms (13/s) · 2 totals · 80 areas · lag 6");
});

test("a stranger's report costs nothing", () => {
  for (const text of ["", "null", "[]", "{}", '{"batchId":"1"}'])
    assert.equal(readProgress(text), null, text);
  const bare = readProgress(
    '{"batchId":1,"sources":[{"endOffset":"rubbish"}],"observedMetrics":{"velostream":7}}',
  );
  assert.ok(bare !== null);
  assert.equal(batchReport(bare).records, 0);
});
