/** The process that makes Parquet files: it does what DuckDB does here, may die, and is gone when nobody needs it. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { readManifest } from "../../../src/history/manifest.ts";
import { ParquetProcess } from "../../../src/history/parquet-process.ts";
import { openWriter, ScriptedLog, temporaryFolder } from "../../support/archive.ts";
import { TestClock } from "../../support/test-clock.ts";

const MINUTE = 60_000;
const START = Date.UTC(2026, 10, 24, 6);

test("what it writes is committed; it ends when the writer does", async (context) => {
  const folder = await temporaryFolder(context);
  const parquet = new ParquetProcess(folder);
  const writer = await openWriter(folder, new TestClock(START), { openParquet: () => parquet });
  assert.equal(parquet.pid, null, "nothing is to be written yet");
  await writer.append(new ScriptedLog().batch([{ total: 5, observedAtMs: START }]));
  await writer.flush();
  const { pid } = parquet;
  assert.ok(pid !== null && pid !== process.pid);
  await writer.close();
  assert.throws(() => process.kill(pid, 0), /ESRCH/);
  assert.deepEqual(
    (await readManifest(folder))?.files.map(({ table, rows }) => [table, rows]),
    [
      ["stations", 1],
      ["areas", 1],
    ],
  );
});

test("killed in the middle of a flush it costs nothing: the archive says so, and the next one writes all", async (context) => {
  const folder = await temporaryFolder(context);
  const clock = new TestClock(START);
  const parquet = new ParquetProcess(folder);
  const writer = await openWriter(folder, clock, { openParquet: () => parquet });
  const log = new ScriptedLog();
  await writer.append(log.batch([{ total: 5, observedAtMs: START }]));
  const flushing = writer.flush();
  while (parquet.pid === null) await new Promise((resolve) => setImmediate(resolve));
  process.kill(parquet.pid, "SIGKILL");
  await flushing;
  assert.match(writer.health().reason ?? "", /process that makes its files ended \(SIGKILL\)/);
  await clock.advance(MINUTE);
  await writer.append(log.batch([{ total: 6, observedAtMs: START + MINUTE }]));
  await writer.flush();
  assert.equal(writer.health().ok, true);
  assert.deepEqual(
    (await readManifest(folder))?.files.map(({ table, rows }) => [table, rows]),
    [
      ["stations", 2],
      ["areas", 2],
    ],
  );
  await writer.close();
});

test("a journal that is not what was written to it is no flush: nothing is committed, nothing left over", async (context) => {
  const folder = await temporaryFolder(context);
  const writer = await openWriter(folder, new TestClock(START), {
    openParquet: (path) => new ParquetProcess(path),
  });
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

test("it ends at once when its writer is gone, whatever it was doing", async (context) => {
  const folder = await temporaryFolder(context);
  const { fork } = await import("node:child_process");
  const child = fork(new URL("../../../src/history/parquet-child.ts", import.meta.url).pathname, [folder], {
    execArgv: [],
  });
  const job = { id: 1, name: "flush", input: [{ from: 1, to: 2, stations: 0, areas: 0, number: 1 }] };
  child.send(job);
  await once(child, "message");
  child.send({ ...job, id: 2 });
  child.disconnect();
  const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
  assert.ok(code === 0 || signal === "SIGKILL");
});
