/** The process that makes Parquet files: it does what DuckDB does here, may die, and is gone when nobody needs it. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import type { ArchiveWriter } from "../../../src/history/write/archive-writer.ts";
import { readManifest } from "../../../src/history/files/manifest.ts";
import { ParquetProcess } from "../../../src/history/write/parquet-process.ts";
import { openWriter, ScriptedLog, temporaryFolder } from "../../support/archive.ts";
import { TestClock } from "../../support/test-clock.ts";

const MINUTE = 60_000;
const START = Date.UTC(2026, 10, 24, 6);
const DAY = 24 * 60 * MINUTE;
const FLUSHES = 3;
const SEALED = [
  ["areas", FLUSHES],
  ["stations", FLUSHES],
  ["area_keyframes", 1],
  ["station_keyframes", 1],
];

/** A few files of a day that is over then. */
async function dayOf(writer: ArchiveWriter, clock: TestClock): Promise<void> {
  const log = new ScriptedLog();
  for (let total = 1; total <= FLUSHES; total += 1) {
    await clock.advance(MINUTE);
    await writer.append(log.batch([{ total, observedAtMs: clock.now() }]));
    await writer.flush();
  }
  await clock.advance(2 * DAY);
}

/** Table and rows of each file that counts. */
async function filesOf(folder: string): Promise<readonly (readonly [string, number])[]> {
  return ((await readManifest(folder))?.files ?? []).map(({ table, rows }) => [table, rows] as const);
}

test("a day that is over is sealed there; a flush needs none, and it ends when the writer does", async (context) => {
  const folder = await temporaryFolder(context);
  const clock = new TestClock(START);
  const parquet = new ParquetProcess(folder);
  const writer = await openWriter(folder, clock, { openParquet: () => parquet });
  await dayOf(writer, clock);
  assert.equal(parquet.pid, null, "a flush needs none");
  await writer.tend();
  const { pid } = parquet;
  assert.ok(pid !== null && pid !== process.pid);
  await writer.close();
  assert.throws(() => process.kill(pid, 0), /ESRCH/);
  assert.deepEqual(await filesOf(folder), SEALED);
});

test("killed while it seals a day it costs nothing: the next one does the work", async (context) => {
  const folder = await temporaryFolder(context);
  const clock = new TestClock(START);
  const parquet = new ParquetProcess(folder);
  const writer = await openWriter(folder, clock, { openParquet: () => parquet });
  await dayOf(writer, clock);
  await writer.tend();
  assert.ok(parquet.pid !== null);
  process.kill(parquet.pid, "SIGKILL");
  // Its end, and the note of it, are waited for.
  await writer.abandon();
  assert.equal((await filesOf(folder)).length, 2 * FLUSHES, "no file is lost, none is made");
  const next = await openWriter(folder, clock, { openParquet: (path) => new ParquetProcess(path) });
  await next.tend();
  await next.close();
  assert.deepEqual(await filesOf(folder), SEALED);
});

test("a writer that ends does not wait for the sealing of a day for long: the next one does it", async (context) => {
  const folder = await temporaryFolder(context);
  const clock = new TestClock(START);
  const writer = await openWriter(folder, clock, { openParquet: (path) => new ParquetProcess(path) });
  await dayOf(writer, clock);
  await writer.tend();
  const closed = writer.close();
  await clock.advance(MINUTE);
  await closed;
  assert.equal((await filesOf(folder)).length, 2 * FLUSHES);
  const next = await openWriter(folder, clock, { openParquet: (path) => new ParquetProcess(path) });
  await next.tend();
  await next.close();
  assert.deepEqual(await filesOf(folder), SEALED);
});

test("a journal that is not what was written to it is no flush: nothing is committed, nothing left over", async (context) => {
  const folder = await temporaryFolder(context);
  const writer = await openWriter(folder, new TestClock(START));
  await writer.append(new ScriptedLog().batch([{ total: 5, observedAtMs: START }]));
  const [journal = ""] = await readdir(join(folder, "journal"));
  await writeFile(join(folder, "journal", journal), "");
  await writer.flush();
  assert.match(
    writer.health().reason ?? "",
    /does not hold what was written to it: 0 and 0 rows instead of 1 and 1/,
  );
  assert.deepEqual((await readManifest(folder))?.files, []);
  await writer.abandon();
});

test("the process ends at once when its writer is gone, whatever it was doing", async (context) => {
  const folder = await temporaryFolder(context);
  const { fork } = await import("node:child_process");
  const child = fork(
    new URL("../../../src/history/write/parquet-child.ts", import.meta.url).pathname,
    [folder],
    {
      execArgv: [],
    },
  );
  const job = { id: 1, name: "lastTotals", input: [[], 1] };
  child.send(job);
  await once(child, "message");
  child.send({ ...job, id: 2 });
  child.disconnect();
  const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
  assert.ok(code === 0 || signal === "SIGKILL", `${code} ${signal}`);
});

test("a process that writes history loads no DuckDB: it would keep its memory for good", async (context) => {
  const folder = await temporaryFolder(context);
  const script = `
    const { openArchive } = await import("./src/stages/archive/open-archive.ts");
    const { SILENT } = await import("./src/telemetry/logger.ts");
    const writer = await openArchive({
      dataDir: ${JSON.stringify(folder)},
      retainMs: null,
      topics: { raw: "raw", totals: "totals", rejects: "rejects" },
      kind: "memory",
      clock: { now: () => Date.now() },
      logger: SILENT,
      metrics: { count() {}, set() {}, observe() {}, forget() {} },
    });
    const value = Buffer.from(JSON.stringify({ system_id: "a", station_id: "1", postcode: "b", nbr_total: 1, nbr_elec: null, nbr_meca: null, observed_at: Date.now() }));
    await writer.append([{ topic: "raw", partition: 0, offset: 0, key: "a:1", value, headers: {}, timestampMs: Date.now() }]);
    await writer.close();
    console.log(JSON.stringify(process.report.getReport().sharedObjects));`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script]);
  const loaded = JSON.parse(stdout) as readonly string[];
  assert.ok(loaded.length > 3, "the report names what is loaded");
  assert.deepEqual(
    loaded.filter((path) => /duckdb/i.test(path)),
    [],
  );
  const manifest = await readManifest(join(folder, "history"));
  assert.equal(manifest?.files.length, 1);
});
