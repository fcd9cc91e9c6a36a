/** The writer of the archive: alone, whole after a crash, patient with a full disk, and forgetful when told. */
import assert from "node:assert/strict";
import { appendFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { StorageError } from "../../../src/errors.ts";
import { ArchiveReader } from "../../../src/history/archive-reader.ts";
import { createJournal, type OpenJournal } from "../../../src/history/journal.ts";
import { readManifest } from "../../../src/history/manifest.ts";
import { ArchiveQueries } from "../../../src/history/queries.ts";
import { openWriter, ScriptedLog, temporaryFolder } from "../../support/archive.ts";
import { silentLogger } from "../../support/silent.ts";
import { TestClock } from "../../support/test-clock.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const START = Date.UTC(2026, 10, 24, 6);

test("a second writer is refused, and the folder is free again after the first", async (context) => {
  const folder = await temporaryFolder(context);
  const clock = new TestClock(START);
  const writer = await openWriter(folder, clock);
  await assert.rejects(openWriter(folder, clock), (error) => {
    assert.ok(error instanceof StorageError);
    assert.match(error.message, /Another velostream writes the archive/);
    return true;
  });
  await writer.close();
  await (await openWriter(folder, clock)).close();
});

test("a folder that cannot be made or read is no bug: it is named, with what to do", async (context) => {
  const folder = await temporaryFolder(context);
  const refused = (error: unknown): boolean => {
    assert.ok(error instanceof StorageError, String(error));
    assert.match(
      error.message,
      /cannot be used \(ENOTDIR\)\. Check its permissions, or name another with --data-dir/,
    );
    return true;
  };
  const file = join(folder, "file");
  await writeFile(file, "in the way");
  await assert.rejects(openWriter(join(file, "history"), new TestClock(START)), refused);

  const archive = join(folder, "history");
  await (await openWriter(archive, new TestClock(START))).close();
  await rm(join(archive, "journal"), { recursive: true, force: true });
  await writeFile(join(archive, "journal"), "in the way");
  const reader = new ArchiveReader(archive);
  context.after(() => reader.close());
  await assert.rejects(reader.snapshot(), refused);
});

describe("after a crash", () => {
  test("a damaged end of the journal costs what was not acknowledged, and nothing else", async (context) => {
    const folder = await temporaryFolder(context);
    const clock = new TestClock(START);
    const log = new ScriptedLog();
    const writer = await openWriter(folder, clock);
    await writer.append(log.batch([{ total: 5, observedAtMs: START }]));
    await writer.abandon();
    const [journal = ""] = await readdir(join(folder, "journal"));
    await appendFile(join(folder, "journal", journal), '0badc0de {"epoch":');
    const again = await openWriter(folder, clock);
    assert.deepEqual(
      [...again.positions()],
      [
        ["raw:0", 1],
        ["totals:0", 1],
      ],
    );
    await again.append(log.batch([{ total: 6, observedAtMs: START + MINUTE }]));
    await again.close();
    const files = (await readManifest(folder))?.files.filter(({ table }) => table === "stations") ?? [];
    assert.equal(
      files.reduce((sum, { rows }) => sum + rows, 0),
      2,
    );
  });

  test("files of a flush that did not come to its commit are removed", async (context) => {
    const folder = await temporaryFolder(context);
    const clock = new TestClock(START);
    const writer = await openWriter(folder, clock);
    await writer.append(new ScriptedLog().batch([{ total: 5, observedAtMs: START }]));
    await writer.close();
    const day = join(folder, "stations", "system=velib", "day=2026-11-24");
    await writeFile(join(day, "00000099.parquet"), "half a file");
    await writeFile(join(day, "00000098.parquet.tmp"), "half a file");
    await (await openWriter(folder, clock)).close();
    assert.equal((await readdir(day)).length, 1);
  });

  test("a stranger's file is left alone, and files without their manifest are not taken for leftovers", async (context) => {
    const folder = await temporaryFolder(context);
    const clock = new TestClock(START);
    const writer = await openWriter(folder, clock);
    await writer.append(new ScriptedLog().batch([{ total: 5, observedAtMs: START }]));
    await writer.close();
    const day = join(folder, "stations", "system=velib", "day=2026-11-24");
    await writeFile(join(day, "mine.parquet"), "a stranger's");
    await (await openWriter(folder, clock)).close();
    assert.deepEqual((await readdir(day)).toSorted(), ["00000001.parquet", "mine.parquet"]);
    await rm(join(folder, "manifest.json"));
    await assert.rejects(openWriter(folder, clock), /no manifest\.json. Restore it from a backup/);
    assert.deepEqual((await readdir(day)).toSorted(), ["00000001.parquet", "mine.parquet"]);
  });

  test("a lock file that was left half made is nobody's", async (context) => {
    const folder = await temporaryFolder(context);
    for (const broken of ["", "half a file", "x".repeat(5_000)]) {
      await writeFile(join(folder, "writer.lock"), broken);
      await (await openWriter(folder, new TestClock(START))).close();
    }
    await rm(join(folder, "writer.lock"));
    await mkdir(join(folder, "writer.lock"));
    await assert.rejects(
      openWriter(folder, new TestClock(START)),
      /Cannot write in .*permissions and free space/,
    );
  });

  test("a manifest that cannot be written leaves no files behind, try after try", async (context) => {
    const folder = await temporaryFolder(context);
    const clock = new TestClock(START);
    const writer = await openWriter(folder, clock);
    await writer.append(new ScriptedLog().batch([{ total: 5, observedAtMs: START }]));
    // As a full disk does, at that very file.
    await mkdir(join(folder, "manifest.json.tmp"));
    for (let turn = 0; turn < 3; turn += 1) {
      await writer.flush();
      assert.equal(writer.health().ok, false);
    }
    const day = join(folder, "stations", "system=velib", "day=2026-11-24");
    assert.deepEqual(await readdir(day), []);
    await rm(join(folder, "manifest.json.tmp"), { recursive: true });
    await writer.flush();
    assert.equal(writer.health().ok, true);
    assert.equal((await readdir(day)).length, 1);
    await writer.close();
  });

  test("a clock that was ahead once does not make today a day that is over", async (context) => {
    const folder = await temporaryFolder(context);
    const clock = new TestClock(START);
    const log = new ScriptedLog();
    const writer = await openWriter(folder, clock);
    await writer.append(log.batch([{ total: 5, observedAtMs: START + 365 * 24 * 60 * MINUTE }]));
    await writer.append(log.batch([{ stationId: "2", total: 5, observedAtMs: START }]));
    await writer.close();
    const files = (await readManifest(folder))?.files ?? [];
    assert.deepEqual(
      files.filter(({ sealed }) => sealed),
      [],
    );
  });

  test("an archive of a newer version is left alone", async (context) => {
    const folder = await temporaryFolder(context);
    await writeFile(join(folder, "manifest.json"), '{"format":3,"secrets":"of the future"}');
    await assert.rejects(openWriter(folder, new TestClock(START)), /format 3/);
    assert.match(await readFile(join(folder, "manifest.json"), "utf8"), /future/);
    await writeFile(join(folder, "manifest.json"), "{");
    await assert.rejects(openWriter(folder, new TestClock(START)), /is not JSON/);
  });
});

describe("a full disk", () => {
  /** A journal on a disk that is full when the test says so. */
  function disk(): { full: boolean; readonly open: OpenJournal } {
    const state = {
      full: false,
      open: async (folder: string, number: number) => {
        const file = await createJournal(folder, number);
        return {
          ...file,
          append: async (bytes: Buffer) => {
            if (state.full) throw Object.assign(new Error("write"), { code: "ENOSPC" });
            return file.append(bytes);
          },
        };
      },
    };
    return state;
  }

  test("holds nothing up, is said, and when there is space again nothing is lost", async (context) => {
    const folder = await temporaryFolder(context);
    const clock = new TestClock(START);
    const theDisk = disk();
    const writer = await openWriter(folder, clock, { openJournal: theDisk.open });
    const log = new ScriptedLog();
    await writer.append(log.batch([{ total: 1, observedAtMs: START }]));
    theDisk.full = true;
    for (let minute = 1; minute <= 3; minute += 1) {
      await clock.advance(MINUTE);
      await writer.append(log.batch([{ total: 1 + minute, observedAtMs: START + minute * MINUTE }]));
    }
    assert.equal(writer.health().ok, false);
    assert.match(writer.health().reason ?? "", /is full/);
    theDisk.full = false;
    await clock.advance(MINUTE);
    await writer.tend();
    assert.equal(writer.health().ok, true);
    const reader = new ArchiveReader(folder);
    context.after(() => reader.close());
    const series = await new ArchiveQueries(reader, clock).stationHistory({
      systemId: "velib",
      stationId: "1",
      aggregate: "last",
      fromMs: START,
      toMs: START + 4 * MINUTE,
      stepMs: MINUTE,
    });
    assert.deepEqual(series?.total, [1, 2, 3, 4]);
    assert.deepEqual(series.gaps, []);
    await writer.close();
  });

  test("that lasts costs the changes in between, as a gap with its reason; the state after it is whole", async (context) => {
    const folder = await temporaryFolder(context);
    const clock = new TestClock(START);
    const theDisk = disk();
    const writer = await openWriter(folder, clock, { openJournal: theDisk.open, backlogRows: 4 });
    const log = new ScriptedLog();
    const two = (minute: number) =>
      log.batch([
        { total: minute, observedAtMs: START + minute * MINUTE },
        { stationId: "2", total: 100, observedAtMs: START + minute * MINUTE },
      ]);
    for (const minute of [0, 1, 2]) await writer.append(two(minute));
    theDisk.full = true;
    for (const minute of [3, 4, 5, 6]) await writer.append(two(minute));
    theDisk.full = false;
    await clock.advance(7 * MINUTE);
    await writer.append(two(7));
    await writer.append(two(8));
    await clock.advance(2 * MINUTE);
    const reader = new ArchiveReader(folder);
    context.after(() => reader.close());
    const series = await new ArchiveQueries(reader, clock).areaHistory({
      systemId: "velib",
      area: "75016",
      aggregate: "last",
      fromMs: START,
      toMs: START + 9 * MINUTE,
      stepMs: MINUTE,
    });
    assert.deepEqual(series?.total, [100, 101, null, null, null, null, null, 107, 108]);
    assert.deepEqual(series.gaps, [
      { fromMs: START + 2 * MINUTE, toMs: START + 7 * MINUTE, reason: "disk_full" },
    ]);
    await writer.close();
    assert.equal((await readManifest(folder))?.gaps[0]?.reason, "disk_full");
  });
});

test("a topic that begins anew is another epoch: offsets are not compared", async (context) => {
  const folder = await temporaryFolder(context);
  const clock = new TestClock(START);
  const writer = await openWriter(folder, clock);
  const first = new ScriptedLog();
  await writer.append(first.batch([{ total: 1, observedAtMs: START }]));
  await writer.append(first.batch([{ total: 2, observedAtMs: START + MINUTE }]));
  await writer.append(new ScriptedLog().batch([{ total: 3, observedAtMs: START + 2 * MINUTE }]));
  assert.equal(writer.positions().get("raw:0"), 1);
  await writer.close();
  const manifest = await readManifest(folder);
  assert.deepEqual(
    manifest?.epochs.map(({ id }) => id),
    [1, 2],
  );
  assert.equal(manifest.files.find(({ table }) => table === "stations")?.rows, 3);
});

test("--retain removes whole days and keeps the state they led to", async (context) => {
  const folder = await temporaryFolder(context);
  const clock = new TestClock(START);
  const writer = await openWriter(folder, clock, { retainMs: 48 * HOUR });
  const log = new ScriptedLog();
  await writer.append(log.batch([{ stationId: "old", total: 9, observedAtMs: START }]));
  for (let hour = 0; hour < 24 * 5; hour += 1) {
    await writer.append(log.batch([{ total: hour, observedAtMs: START + hour * HOUR }]));
    await clock.advance(HOUR);
    if (hour % 6 === 0) {
      await writer.flush();
      await writer.tend();
    }
  }
  await writer.close();
  const days = new Set(
    (await readManifest(folder))?.files.filter(({ table }) => table === "stations").map(({ day }) => day),
  );
  assert.deepEqual([...days].sort(), ["2026-11-27", "2026-11-28", "2026-11-29"]);
  const reader = new ArchiveReader(folder);
  context.after(() => reader.close());
  const series = await new ArchiveQueries(reader, clock).stationHistory({
    systemId: "velib",
    stationId: "old",
    aggregate: "last",
    fromMs: Date.UTC(2026, 10, 28),
    toMs: Date.UTC(2026, 10, 28, 1),
    stepMs: HOUR,
  });
  assert.deepEqual(series?.total, [9]);
});

test("totals that are written twice are one row, after a restart too", async (context) => {
  const folder = await temporaryFolder(context);
  const clock = new TestClock(START);
  const log = new ScriptedLog();
  const records = log.batch([{ total: 1, observedAtMs: START }]);
  const repeated = records
    .filter(({ topic }) => topic === "totals")
    .map((record) => ({ ...record, offset: record.offset + 1 }));
  const writer = await openWriter(folder, clock);
  await writer.append(records);
  await writer.close();
  const again = await openWriter(folder, clock);
  await again.append(repeated);
  await again.close();
  const files = (await readManifest(folder))?.files.filter(({ table }) => table === "areas") ?? [];
  assert.equal(
    files.reduce((sum, { rows }) => sum + rows, 0),
    1,
  );
});

test("real and simulated data never share an archive", async (context) => {
  const folder = await temporaryFolder(context);
  const clock = new TestClock(START);
  const warnings: string[] = [];
  const logger = { ...silentLogger, warn: (event: string) => warnings.push(event) };
  const rowsOf = async (): Promise<number> =>
    ((await readManifest(folder))?.files ?? []).reduce((sum, { rows }) => sum + rows, 0);
  const writer = await openWriter(folder, clock, { kind: "memory" });
  await writer.append(new ScriptedLog().batch([{ total: 1, simulated: true, observedAtMs: START }]));
  await writer.close();
  assert.equal(await rowsOf(), 2);
  const again = await openWriter(folder, clock, { kind: "memory", logger });
  const log = new ScriptedLog();
  await again.append(log.batch([{ total: 2, observedAtMs: START + MINUTE }]));
  await again.append(log.batch([{ total: 3, observedAtMs: START + 2 * MINUTE }]));
  await again.close();
  assert.deepEqual([await rowsOf(), warnings], [2, ["archive.mixed"]]);
});

test("a Kafka log is gone on with where it was left, whatever was imported in between", async (context) => {
  const folder = await temporaryFolder(context);
  const clock = new TestClock(START);
  const kafka = new ScriptedLog();
  const first = await openWriter(folder, clock);
  await first.append(kafka.batch([{ total: 1, observedAtMs: START }]));
  await first.close();
  const imported = await openWriter(folder, clock, { kind: "import" });
  assert.equal(imported.positions().size, 0);
  await imported.append(new ScriptedLog().batch([{ total: 9, observedAtMs: START - 48 * HOUR }]));
  await imported.abandon();
  const run = await openWriter(folder, clock, { kind: "memory" });
  await run.append(new ScriptedLog().batch([{ total: 2, observedAtMs: START + MINUTE }]));
  await run.abandon();
  const second = await openWriter(folder, clock);
  assert.equal(second.positions().get("raw:0"), 1);
  await second.append(kafka.batch([{ total: 3, observedAtMs: START + 2 * MINUTE }]));
  await second.close();
  const manifest = await readManifest(folder);
  assert.deepEqual(manifest?.positions, { "raw:0": 2, "totals:0": 2 });
  assert.deepEqual(
    manifest.epochs.map(({ kind }) => kind),
    ["kafka", "import", "memory"],
  );
  const rows = manifest.files.filter(({ table }) => table === "stations").map((file) => file.rows);
  assert.equal(
    rows.reduce((sum, count) => sum + count, 0),
    4,
  );
});
