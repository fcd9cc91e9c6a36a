/**
 * Writes an archive on a small disk that really fills: a file takes what space there is, and lets go of it, at random.
 * Ends with the disk free and everything read, and says what is held.
 */
import { rm, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ArchiveWriter } from "../../../src/history/write/archive-writer.ts";
import { ArchiveReader } from "../../../src/history/read/archive-reader.ts";
import { makeViews } from "../../../src/history/sql/query.ts";
import { SILENT } from "../../../src/telemetry/logger.ts";
import { seededRandom } from "../../support/faults/controlled-feed.ts";
import { batchOf, RAW_PER_BATCH, timeOfBatch } from "./computed-log.ts";

const [disk = "", seed = "1", batches = "600"] = process.argv.slice(2);
const folder = join(disk, "history");
const ballast = join(disk, "ballast");
const random = seededRandom(Number(seed));
let batch = 0;
let waitedMs = 0;
let refused = 0;

async function open(): Promise<ArchiveWriter | null> {
  return ArchiveWriter.open({
    folder,
    kind: "kafka",
    topics: { raw: "raw", totals: "totals" },
    readReference: () => null,
    retainMs: null,
    clock: { now: () => timeOfBatch(batch) + waitedMs, sleep: async (durationMs) => delay(durationMs) },
    logger: SILENT,
    metrics: { count() {}, set() {}, observe() {}, forget() {} },
    flushRows: 60,
  }).catch((error: unknown) => {
    if (!/ENOSPC|full|space/.test(String(error))) throw error;
    return null;
  });
}

/** Leaves so many bytes free, or as many as there are. */
async function fill(leave: number): Promise<void> {
  await rm(ballast, { force: true });
  const { bavail, bsize } = await statfs(disk);
  await writeFile(ballast, Buffer.alloc(Math.max(0, bavail * bsize - leave))).catch(() => {});
}

let writer = await open();
while (batch < Number(batches)) {
  const turn = random();
  if (turn < 0.08) await fill(Math.floor(random() * 40_000));
  else if (turn < 0.16) await rm(ballast, { force: true });
  else if (turn < 0.19 && writer !== null) {
    if (random() < 0.5) await writer.close();
    else await writer.abandon();
    writer = null;
  }
  // Retries are due after five seconds of the archive's clock.
  waitedMs += 6_000;
  writer ??= await open();
  if (writer === null) continue;
  batch = (writer.positions().get("raw:0") ?? 0) / RAW_PER_BATCH;
  const records = batchOf(batch);
  const at = (writer.positions().get("totals:0") ?? 0) > batch ? records.length : 0;
  const taken = await writer.append(records.slice(at));
  if (taken < records.length) refused += 1;
  else batch += 1;
  await writer.tend();
}
await rm(ballast, { force: true });
waitedMs += 60_000;
writer ??= await open();
if (writer === null) throw new Error("the archive cannot be opened on a free disk");
await writer.flush();
const { ok, reason } = writer.health();
await writer.close();
const reader = new ArchiveReader(folder);
const held = await reader.query(async (snapshot, connection) => {
  await makeViews(connection, folder, snapshot);
  const rows = async (sql: string): Promise<number[]> =>
    ((await connection.runAndReadAll(sql)).getRowsJS()[0] ?? []).map(Number);
  return {
    stations: await rows("SELECT count(*), count(DISTINCT log_offset), max(log_offset) FROM stations"),
    areas: await rows("SELECT count(*), count(DISTINCT log_offset), max(log_offset) FROM areas"),
    gaps: await rows("SELECT count(*) FROM gaps"),
    coverage: await rows("SELECT count(*), epoch_ms(min(from_time)), epoch_ms(max(to_time)) FROM coverage"),
  };
});
reader.close();
process.stdout.write(`${JSON.stringify({ ...held, ok, reason, refused })}\n`);
