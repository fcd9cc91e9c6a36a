/** The archive over Kafka, killed forty times, its broker too, its disk filled: rows are the records of the topics, exactly. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { archiveFaultRun } from "../../support/faults/archive-fault-run.ts";

/** Of the choices: `npm run faults:archive -- --seed` repeats them. */
const SEED = Number(process.env["VELO_TEST_SEED"] ?? 14);

test("40 kills and three full disks lose nothing and repeat nothing", { timeout: 400_000 }, async () => {
  const report = await archiveFaultRun({
    kills: 40,
    fullDisks: 3,
    seed: SEED,
    report: (line) => console.error(line),
  });
  console.error(JSON.stringify({ seed: SEED, ...report }));
  assert.deepEqual(report.problems, []);
  assert.ok(report.kills.archive > 0 && report.rawRecords > 0 && report.totalsRecords > 0);
});
