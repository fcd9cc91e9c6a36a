/**
 * A writer that is there to be killed: archives a log that anyone can compute, as fast as it goes, and says on stdout
 * what is acknowledged. Its clock runs a day in 144 batches, so that flushes, compactions and keyframes are always under
 * way.
 */
import { writeSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { ArchiveWriter } from "../../../src/history/write/archive-writer.ts";
import { SILENT } from "../../../src/telemetry/logger.ts";
import { batchOf, RAW_PER_BATCH, timeOfBatch } from "./computed-log.ts";

const [folder = ""] = process.argv.slice(2);
let batch = 0;
const writer = await ArchiveWriter.open({
  folder,
  kind: "kafka",
  topics: { raw: "raw", totals: "totals" },
  readReference: () => null,
  retainMs: null,
  clock: { now: () => timeOfBatch(batch), sleep: async (durationMs) => delay(durationMs) },
  logger: SILENT,
  metrics: { count() {}, set() {}, observe() {}, forget() {} },
  flushRows: 40,
});
batch = (writer.positions().get("raw:0") ?? 0) / RAW_PER_BATCH;
// Bounded, should nobody come to kill it.
for (const end = batch + 5_000; batch < end; batch += 1) {
  await writer.append(batchOf(batch));
  if (!writer.health().ok) throw new Error(writer.health().reason ?? "the archive is not well");
  writeSync(1, `${batch}\n`);
  await writer.tend();
}
