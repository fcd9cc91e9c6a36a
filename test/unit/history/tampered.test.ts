/** Somebody else has written into the archive's folder: nothing outside is read, written or removed, and it is said. */
import assert from "node:assert/strict";
import { appendFile, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test, type TestContext } from "node:test";
import { crc32 } from "node:zlib";
import { StorageError } from "../../../src/errors.ts";
import { ArchiveReader } from "../../../src/history/read/archive-reader.ts";
import { ArchiveQueries } from "../../../src/history/read/queries.ts";
import { runSql } from "../../../src/history/sql/query.ts";
import { openWriter, ScriptedLog, temporaryFolder } from "../../support/archive.ts";
import { TestClock } from "../../support/test-clock.ts";

const DAY = 24 * 3_600_000;
const START = Date.UTC(2026, 10, 20, 6);

interface NamedFile {
  path: string;
  system?: string;
  day: string;
}

/** An archive of two days beside a victim's files. */
async function archive(context: TestContext, system = "velib") {
  const root = await temporaryFolder(context);
  const [folder, victim] = [join(root, "history"), join(root, "victim")];
  await mkdir(victim);
  await writeFile(join(victim, "notes.txt"), "mine");
  const clock = new TestClock(START);
  const writer = await openWriter(folder, clock);
  const log = new ScriptedLog();
  for (let day = 0; day < 2; day += 1) {
    await writer.append(log.batch([{ systemId: system, total: day, observedAtMs: START + day * DAY }]));
    await clock.advance(DAY);
    await writer.flush();
  }
  await writer.close();
  const isWhole = async (): Promise<void> => {
    assert.equal(await readFile(join(victim, "notes.txt"), "utf8"), "mine");
    assert.deepEqual(await readdir(victim), ["notes.txt"]);
  };
  return { root, folder, victim, clock, isWhole };
}

async function tamper(folder: string, change: (files: NamedFile[]) => void): Promise<void> {
  const path = join(folder, "manifest.json");
  const manifest = JSON.parse(await readFile(path, "utf8")) as { files: NamedFile[] };
  change(manifest.files);
  await writeFile(path, JSON.stringify(manifest));
}

function saysWhat(what: RegExp) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof StorageError, String(error));
    assert.match(error.message, what);
    assert.match(error.message, /Restore|restore|Remove|--data-dir/);
    return true;
  };
}

describe("a manifest that somebody changed", () => {
  for (const [what, change] of [
    ["a path out of the folder", (files) => Object.assign(files[0] ?? {}, { path: "../victim/notes.txt" })],
    [
      "a path out of the folder by the way of one inside",
      (files) => Object.assign(files[0] ?? {}, { path: "stations/../../victim/notes.txt" }),
    ],
    ["an absolute path", (files) => Object.assign(files[0] ?? {}, { path: "/etc/passwd" })],
    [
      "a pattern",
      (files) => Object.assign(files[0] ?? {}, { path: "stations/*/day=2026-11-20/00000001.parquet" }),
    ],
    [
      "a day that is a path",
      (files) =>
        Object.assign(files[0] ?? {}, {
          day: "../../victim",
          path: "stations/system=velib/day=../../victim/00000001.parquet",
        }),
    ],
    [
      "a day that is none",
      (files) =>
        Object.assign(files[0] ?? {}, {
          day: "2026-02-31",
          path: "stations/system=velib/day=2026-02-31/00000001.parquet",
        }),
    ],
    ["another system's file", (files) => Object.assign(files[0] ?? {}, { system: "oslo" })],
    [
      "a name with a NUL",
      (files) =>
        Object.assign(files[0] ?? {}, {
          path: "stations/system=velib/day=2026-11-20/00000001.parquet\0.txt",
        }),
    ],
    ["a file twice", (files) => files.push(files[0] as NamedFile)],
  ] satisfies [string, (files: NamedFile[]) => void][])
    test(`${what} is refused by writers, readers and SQL, and nothing is touched`, async (context) => {
      const { folder, clock, isWhole } = await archive(context);
      await tamper(folder, change);
      const refused = saysWhat(/names .*, which is not a file of this archive/);
      await assert.rejects(openWriter(folder, clock, { retainMs: DAY }), refused);
      const reader = new ArchiveReader(folder);
      context.after(() => reader.close());
      await assert.rejects(reader.snapshot(), refused);
      await assert.rejects(runSql(reader, "FROM stations"), refused);
      await isWhole();
    });
});

describe("links in the folder", () => {
  for (const inside of [
    "stations",
    "stations/system=velib",
    "stations/system=velib/day=2026-11-20",
    "areas",
    "journal",
  ])
    test(`${inside} as a link is refused; what it leads to is left alone`, async (context) => {
      const { folder, victim, clock, root } = await archive(context);
      const moved = join(root, "moved");
      await rename(join(folder, inside), moved).catch(async () => mkdir(moved));
      await rm(join(folder, inside), { recursive: true, force: true });
      await symlink(moved, join(folder, inside));
      const before = await readdir(moved, { recursive: true });
      const reader = new ArchiveReader(folder);
      context.after(() => reader.close());
      const refused = saysWhat(/is a link/);
      if (inside.startsWith("stations")) await assert.rejects(runSql(reader, "FROM stations"), refused);
      // A folder deep inside is looked at when something in it is to be removed.
      try {
        const writer = await openWriter(folder, clock, { retainMs: DAY });
        await writer.tend();
        await writer.close();
      } catch (error) {
        refused(error);
      }
      assert.deepEqual(await readdir(moved, { recursive: true }), before);
      assert.deepEqual(await readdir(victim), ["notes.txt"]);
    });

  for (const name of ["writer.pid", "manifest.json.tmp"])
    test(`${name} as a link is replaced, not followed`, async (context) => {
      const { folder, victim, clock, isWhole } = await archive(context);
      await rm(join(folder, name), { force: true });
      await symlink(join(victim, "notes.txt"), join(folder, name));
      const writer = await openWriter(folder, clock);
      await symlink(join(victim, "notes.txt"), join(folder, "manifest.json.tmp")).catch(() => {});
      await writer.append(
        new ScriptedLog().batch([{ systemId: "oslo", total: 1, observedAtMs: clock.now() }]),
      );
      await writer.close();
      assert.equal(writer.health().ok, true);
      await isWhole();
    });

  for (const name of ["writer.lock", "files.lock", "journal/00000004.journal"])
    test(`${name} as a link is refused or left out; nothing is made where it leads`, async (context) => {
      const { folder, victim, clock, isWhole } = await archive(context);
      await rm(join(folder, name), { force: true });
      await mkdir(join(folder, "journal"), { recursive: true });
      await symlink(join(victim, "new.txt"), join(folder, name));
      try {
        const writer = await openWriter(folder, clock);
        await writer.append(new ScriptedLog().batch([{ total: 1, observedAtMs: clock.now() }]));
        await writer.close();
      } catch (error) {
        saysWhat(/is a link|cannot be used/)(error);
      }
      await isWhole();
    });
});

test("names with characters of patterns, of the folder or a system, name one file and no other", async (context) => {
  const root = await temporaryFolder(context);
  const clock = new TestClock(START);
  const data = join(root, "[d]a*t?a", "history");
  for (const [folder, total] of [
    [data, 1],
    [join(root, "dabtca", "history"), 2],
  ] as const) {
    const writer = await openWriter(folder, clock);
    const log = new ScriptedLog();
    for (const [index, systemId] of ["a*", "ab", "a?", "[a]"].entries())
      await writer.append(log.batch([{ systemId, total: 10 * total + index, observedAtMs: START }]));
    await clock.advance(1_000);
    await writer.close();
  }
  const reader = new ArchiveReader(data);
  context.after(() => reader.close());
  const { rows } = await runSql(reader, "SELECT system, total FROM stations ORDER BY total");
  assert.deepEqual(
    rows.map(([system, total]) => [system, Number(total)]),
    [
      ["a*", 10],
      ["ab", 11],
      ["a?", 12],
      ["[a]", 13],
    ],
  );
  const range = { fromMs: START, toMs: START + 1_000, stepMs: 1_000, aggregate: "last" } as const;
  const series = await new ArchiveQueries(reader, clock).stationHistory({
    ...range,
    systemId: "a*",
    stationId: "1",
  });
  assert.deepEqual(series?.total, [10]);
  await assert.rejects(runSql(reader, `SELECT * FROM read_parquet('${root}/*/history/*/*/*/*.parquet')`));
});

describe("a line of the journal with the right checksum", () => {
  const epoch = { id: 1, kind: "kafka", topics: ["raw", "totals"], openedAtMs: 0 };
  const frame = { epoch, positions: {}, stations: [], areas: [], interrupted: false, gaps: [] };
  for (const [what, value] of [
    ["null", null],
    ["a text", "hello"],
    ["a frame without rows", { epoch, positions: {} }],
    ["a frame of another epoch's kind", { ...frame, epoch: { ...epoch, kind: "pigeon" } }],
    ["rows that are no lists", { ...frame, stations: [{ station: 1 }] }],
    ["rows that are too short", { ...frame, stations: [["velib", "1"]] }],
    [
      "a time that is a text",
      { ...frame, stations: [["velib", "1", "now", "observed", ...Array(16).fill(null), false, 1, 0, 0]] },
    ],
    [
      "a time that names no day",
      { ...frame, areas: [["velib", "75016", 1e300, false, ...Array(6).fill(null), false, 1, 0, 0, 0, 0]] },
    ],
    ["positions that are none", { ...frame, positions: { "raw:0": "x" } }],
  ] as const)
    test(`but ${what} is an error with a remedy, for writers and readers`, async (context) => {
      const { folder, clock } = await archive(context);
      await mkdir(join(folder, "journal"), { recursive: true });
      const json = JSON.stringify(value);
      const line = `${crc32(json).toString(16).padStart(8, "0")} ${json}\n`;
      await appendFile(join(folder, "journal", "00000009.journal"), line);
      const refused = saysWhat(/00000009\.journal holds a line that is whole but not of the archive's shape/);
      await assert.rejects(openWriter(folder, clock), refused);
      const reader = new ArchiveReader(folder);
      context.after(() => reader.close());
      await assert.rejects(reader.snapshot(), refused);
      await assert.rejects(runSql(reader, "FROM stations"), refused);
    });
});
