/** Many systems in one archive: they share files, each is answered as if it were alone, and older archives go on. */
import assert from "node:assert/strict";
import { cp, readdir } from "node:fs/promises";
import { test, type TestContext } from "node:test";
import { ArchiveReader } from "../../../src/history/read/archive-reader.ts";
import { stationsAt } from "../../../src/history/read/archive-rows.ts";
import { exportRows } from "../../../src/history/sql/export.ts";
import { findStation } from "../../../src/history/read/find-station.ts";
import { readManifest } from "../../../src/history/files/manifest.ts";
import { ArchiveQueries } from "../../../src/history/read/queries.ts";
import { runSql } from "../../../src/history/sql/query.ts";
import { openWriter, ScriptedLog, temporaryFolder } from "../../support/archive.ts";
import { TestClock } from "../../support/test-clock.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const START = Date.UTC(2026, 10, 24, 6);
const SYSTEMS = 50;

const nameOf = (system: number): string => `system-${system}`;

/** Every system's one station, which has as many bikes as the hour and the system's number say. */
function hourOf(log: ScriptedLog, hour: number, systems = SYSTEMS) {
  return log.batch(
    Array.from({ length: systems }, (_, system) => ({
      systemId: nameOf(system),
      stationId: `s-${system}`,
      area: "centre",
      total: 100 * hour + system,
      observedAtMs: START + hour * HOUR,
    })),
  );
}

async function bikesOf(
  context: TestContext,
  folder: string,
  clock: TestClock,
  system: string,
  station: string,
  hours: readonly number[],
): Promise<readonly (number | null | undefined)[]> {
  const reader = new ArchiveReader(folder);
  context.after(() => reader.close());
  const series = await new ArchiveQueries(reader, clock).stationHistory({
    systemId: system,
    stationId: station,
    aggregate: "last",
    fromMs: START,
    toMs: clock.now(),
    stepMs: HOUR,
  });
  return hours.map((hour) => series?.total[hour]);
}

async function parquetFiles(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true });
  return entries.filter((name) => name.endsWith(".parquet"));
}

test("a flush of many systems is one file a table and day; a few have files of their own", async (context) => {
  for (const [systems, files] of [
    [SYSTEMS, 2],
    [3, 6],
  ] as const) {
    const folder = await temporaryFolder(context);
    const clock = new TestClock(START);
    const writer = await openWriter(folder, clock);
    await writer.append(hourOf(new ScriptedLog(), 0, systems));
    await writer.flush();
    assert.equal((await parquetFiles(folder)).length, files);
    assert.equal((await readManifest(folder))?.format, systems > 8 ? 2 : 1);
    await writer.close();
  }
});

test("days of many systems are sealed in parts, and every system is answered through flushes, seals and restarts", async (context) => {
  const folder = await temporaryFolder(context);
  const clock = new TestClock(START);
  const log = new ScriptedLog();
  const options = { sealedRows: 300 };
  let writer = await openWriter(folder, clock, options);
  for (let hour = 0; hour < 72; hour += 1) {
    // At times few systems are heard of: they have files of their own beside the shared ones.
    await writer.append(hourOf(log, hour, hour % 7 === 3 ? 4 : SYSTEMS));
    await clock.advance(HOUR);
    if (hour % 2 === 0 || hour % 7 === 3) await writer.flush();
    await writer.tend();
    if (hour % 30 === 20) {
      await (hour % 60 === 20 ? writer.close() : writer.abandon());
      writer = await openWriter(folder, clock, options);
    }
  }
  await writer.close();
  const manifest = await readManifest(folder);
  const sealed =
    manifest?.files.filter(({ table, sealed: isSealed }) => table === "stations" && isSealed) ?? [];
  assert.deepEqual([...new Set(sealed.map(({ day }) => day))], ["2026-11-24", "2026-11-25", "2026-11-26"]);
  assert.ok(sealed.length > 6, "in parts");
  assert.ok(sealed.every(({ system, rows }) => system === undefined && rows <= 300));
  assert.ok(manifest?.files.every(({ path }) => !path.includes("system=") || path.includes("2026-11-27")));
  for (const system of [0, 3, 9, 27, 49])
    assert.deepEqual(
      await bikesOf(context, folder, clock, nameOf(system), `s-${system}`, [0, 17, 40, 71]),
      [0, 17, 40, 71].map((hour) => (hour % 7 === 3 && system > 3 ? 100 * (hour - 1) : 100 * hour) + system),
    );
  const reader = new ArchiveReader(folder);
  context.after(() => reader.close());
  assert.deepEqual(
    (await runSql(reader, "SELECT count(*) AS rows, count(DISTINCT system) AS systems FROM stations")).rows,
    [
      [
        manifest?.files.filter(({ table }) => table === "stations").reduce((sum, { rows }) => sum + rows, 0),
        50,
      ],
    ],
  );
  assert.equal(await findStation(reader, nameOf(9), "cs-9"), "s-9");
  assert.equal(await findStation(reader, nameOf(9), "cs-8"), null);
  const day = { table: "areas", system: nameOf(9), fromMs: START, toMs: clock.now() } as const;
  const exported = await exportRows(reader, day, "2026-11-25");
  assert.equal(exported.rows.length, 24 - 3);
  assert.deepEqual([...new Set(exported.rows.map(([system]) => system))], [nameOf(9)]);
});

test("rows that come after their day was sealed count at once, and make the keyframes after them invalid", async (context) => {
  const folder = await temporaryFolder(context);
  const clock = new TestClock(START);
  const log = new ScriptedLog();
  const writer = await openWriter(folder, clock);
  await writer.append(hourOf(log, 0));
  await clock.advance(21 * HOUR);
  await writer.append(hourOf(log, 21));
  await writer.flush();
  await writer.tend();
  const days = async (): Promise<readonly string[]> =>
    ((await readManifest(folder))?.files ?? []).map(
      ({ table, day, sealed, rows }) => `${table} ${day} ${sealed ? "sealed" : "open"} ${rows}`,
    );
  // The background work has its own pace.
  await writer.close();
  assert.ok((await days()).includes("station_keyframes 2026-11-25 sealed 50"));
  const again = await openWriter(folder, clock);
  const late = {
    systemId: nameOf(7),
    stationId: "late",
    area: "centre",
    total: 7,
    observedAtMs: START + HOUR,
  };
  await again.append(log.batch([late]));
  await again.flush();
  assert.ok(!(await days()).some((file) => file.startsWith("station_keyframes")), "they did not know of it");
  await again.close();
  const files = await days();
  assert.ok(files.includes("stations 2026-11-24 open 1"), "one row is not worth sorting the day again");
  assert.ok(files.includes("station_keyframes 2026-11-25 sealed 51"));
  const reader = new ArchiveReader(folder);
  context.after(() => reader.close());
  const state = await reader.query(async (snapshot, connection) =>
    stationsAt(folder, snapshot, connection, { system: nameOf(7), epoch: 1, atMs: START + 20 * HOUR }),
  );
  assert.deepEqual(state.map(({ stationId }) => stationId).sort(), ["late", "s-7"]);
});

test("an archive of format 1 opens, is answered, and goes on with many systems", async (context) => {
  const folder = await temporaryFolder(context);
  // Written by velostream 0.1.0 of 25 November 2026: two systems, a sealed day and an open one, a row in the journal.
  await cp("test/fixtures/archive-format-1", folder, { recursive: true });
  const clock = new TestClock(START + 41 * HOUR);
  const hours = [0, 17, 18, 39, 40];
  assert.deepEqual(await bikesOf(context, folder, clock, "velib", "1", hours), hours);
  const writer = await openWriter(folder, clock);
  assert.equal(writer.positions().get("raw:0"), 82, "it goes on with the log where that was left");
  const log = new ScriptedLog();
  for (let hour = 41; hour < 60; hour += 1) {
    const velib = { stationId: "1", total: hour, observedAtMs: START + hour * HOUR };
    const others = Array.from({ length: 20 }, (_, system) => ({
      systemId: nameOf(system),
      stationId: "1",
      total: hour,
      observedAtMs: START + hour * HOUR,
    }));
    await writer.append(log.batch([velib, ...others]));
    await clock.advance(HOUR);
    if (hour % 5 === 0) await writer.flush();
  }
  await writer.close();
  const manifest = await readManifest(folder);
  assert.equal(manifest?.format, 2);
  const second = manifest.files.filter(({ table, day }) => table === "stations" && day === "2026-11-25");
  assert.deepEqual(
    second.map(({ system, systems, sealed }) => [system, systems, sealed]),
    [[undefined, ["oslo", "velib"], true]],
    "files of old and shared ones are one",
  );
  // The last row of a log's life is an instant: nobody knows how long it held.
  const later = [0, 17, 18, 39, 41, 50, 59];
  assert.deepEqual(await bikesOf(context, folder, clock, "velib", "1", later), later);
  assert.deepEqual(await bikesOf(context, folder, clock, "oslo", "o:1", [0, 39]), [100, 139]);
  assert.deepEqual(await bikesOf(context, folder, clock, nameOf(5), "1", [41, 59]), [41, 59]);
});
