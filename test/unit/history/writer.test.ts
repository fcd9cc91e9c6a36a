/** The writer of the archive: alone, whole after a crash, patient with a full disk, and forgetful when told. */
import assert from "node:assert/strict";
import { appendFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { StorageError } from "../../../src/errors.ts";
import { ArchiveReader } from "../../../src/history/read/archive-reader.ts";
import { createJournal, type OpenJournal } from "../../../src/history/files/journal.ts";
import { readManifest } from "../../../src/history/files/manifest.ts";
import { ArchiveQueries } from "../../../src/history/read/queries.ts";
import { openWriter, ScriptedLog, temporaryFolder } from "../../support/archive.ts";
import { countingMetrics, silentLogger } from "../../support/silent.ts";
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

  test("takes nothing and forgets nothing: what was refused is given again, and is there once", async (context) => {
    const folder = await temporaryFolder(context);
    const clock = new TestClock(START);
    const theDisk = disk();
    const writer = await openWriter(folder, clock, { openJournal: theDisk.open });
    const log = new ScriptedLog();
    const batches = [1, 2, 3, 4].map((total) =>
      log.batch([{ total, observedAtMs: START + (total - 1) * MINUTE }]),
    );
    const [first = [], ...others] = batches;
    assert.equal(await writer.append(first), 2);
    const before = [...writer.positions()];
    theDisk.full = true;
    for (let turn = 0; turn < 3; turn += 1) {
      await clock.advance(MINUTE);
      assert.equal(await writer.append(others.flat()), 0);
      assert.deepEqual([...writer.positions()], before);
    }
    assert.equal(writer.health().ok, false);
    assert.match(writer.health().reason ?? "", /is full/);
    theDisk.full = false;
    await clock.advance(MINUTE);
    assert.equal(await writer.append(others.flat()), 6);
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
    assert.deepEqual((await readManifest(folder))?.gaps, []);
  });

  test("that ends in the middle of a great batch keeps what was acknowledged, and goes on behind it", async (context) => {
    const folder = await temporaryFolder(context);
    const clock = new TestClock(START);
    const theDisk = disk();
    const writer = await openWriter(folder, clock, {
      openJournal: async (...where) => {
        const file = await theDisk.open(...where);
        let frames = 0;
        return {
          ...file,
          append: async (bytes: Buffer) => {
            theDisk.full = frames === 2;
            frames += 1;
            await file.append(bytes);
          },
        };
      },
    });
    const great = new ScriptedLog().batch(
      Array.from({ length: 12_345 }, (_, n) => ({
        stationId: `${n % 100}`,
        total: n,
        observedAtMs: START + n,
      })),
    );
    const taken = await writer.append(great);
    assert.ok(taken > 0 && taken < great.length, `${taken} of ${great.length}`);
    assert.equal(writer.positions().get("raw:0"), taken);
    await clock.advance(MINUTE);
    assert.equal(await writer.append(great.slice(taken)), great.length - taken);
    await writer.close();
    const rows = (await readManifest(folder))?.files.filter(({ table }) => table === "stations") ?? [];
    assert.equal(
      rows.reduce((sum, file) => sum + file.rows, 0),
      12_345,
    );
  });
});

describe("records that the log no longer has", () => {
  for (const [reason, full] of [
    ["compacted", false],
    ["retention", false],
    ["disk_full", true],
  ] as const)
    test(`are a gap that says ${reason}, from the last record before them to the first after them`, async (context) => {
      const folder = await temporaryFolder(context);
      const clock = new TestClock(START + 10 * MINUTE);
      const metrics = countingMetrics();
      const errors: string[] = [];
      const logger = {
        ...silentLogger,
        error: (event: string, message: string) => errors.push(`${event} ${message}`),
      };
      let isFull = false;
      const writer = await openWriter(folder, clock, {
        metrics,
        logger,
        openJournal: async (...where) => {
          const file = await createJournal(...where);
          const append = async (bytes: Buffer): Promise<void> => {
            if (isFull) throw Object.assign(new Error("write"), { code: "ENOSPC" });
            await file.append(bytes);
          };
          return { ...file, append };
        },
      });
      const log = new ScriptedLog();
      const at = (minute: number) => [
        { total: minute, observedAtMs: START + minute * MINUTE },
        { stationId: "2", systemId: "oslo", total: 100, observedAtMs: START + minute * MINUTE },
      ];
      for (const minute of [0, 1, 2]) await writer.append(log.batch(at(minute)));
      isFull = full;
      await writer.append(log.batch(at(3)));
      const raw = (minute: number) => log.batch(at(minute)).filter(({ topic }) => topic === "raw");
      const lost = full ? 0 : 1;
      for (const minute of [4, 5].slice(0, 1 + lost)) raw(minute);
      isFull = false;
      await clock.advance(MINUTE);
      const rest = [...raw(7), ...raw(8)];
      const missing = [
        {
          topic: "raw",
          partition: 0,
          beforeOffset: rest[0]?.offset ?? 0,
          reason: full ? "compacted" : reason,
        } as const,
      ];
      assert.equal(await writer.append(rest, { behind: true, missing }), rest.length);
      assert.equal(writer.health().ok, false);
      assert.match(writer.health().reason ?? "", new RegExp(`\\(${reason}\\)`));
      assert.match(errors.find((line) => line.startsWith("archive.records_lost")) ?? "", new RegExp(reason));
      await writer.append(raw(9));
      assert.deepEqual([writer.health().ok, writer.health().reason === null], [true, false]);
      await clock.advance(10 * MINUTE);
      const reader = new ArchiveReader(folder);
      context.after(() => reader.close());
      const from = START + (full ? 2 : 3) * MINUTE;
      const expected = { fromMs: from, toMs: START + 7 * MINUTE, reason };
      const ask = async () =>
        new ArchiveQueries(reader, clock).stationHistory({
          systemId: "velib",
          stationId: "1",
          aggregate: "last",
          fromMs: START,
          toMs: START + 9 * MINUTE,
          stepMs: MINUTE,
        });
      const fresh = await ask();
      assert.equal(fresh?.gaps.length, 1);
      assert.equal(fresh.gaps[0]?.reason, reason);
      assert.deepEqual(fresh.total.slice(7), [7, 8]);
      assert.ok(
        fresh.total.slice(4, 7).every((value) => value === null),
        JSON.stringify(fresh.total),
      );
      // Killed before it is in a file, and read back: the same gaps, of both systems.
      await writer.abandon();
      await (await openWriter(folder, clock)).close();
      const gaps = (await readManifest(folder))?.gaps ?? [];
      assert.deepEqual(
        gaps.toSorted((a, b) => a.system.localeCompare(b.system)),
        [
          { system: "oslo", ...expected },
          { system: "velib", ...expected },
        ],
      );
      assert.deepEqual((await ask())?.gaps, fresh.gaps);
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
