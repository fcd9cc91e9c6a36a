/** Files that are written and merged without DuckDB: it and another reader find every cell in them again, sorted. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { zstdDecompressSync } from "node:zlib";
import { DuckDBInstance, type DuckDBConnection } from "@duckdb/node-api";
import fc from "fast-check";
import { parquetMetadata, parquetReadObjects } from "hyparquet";
import { DuckDBFiles } from "../../src/history/sql/duckdb-files.ts";
import { writeRows } from "../../src/history/write/flush-files.ts";
import { DAY_MS, dataPath, dayOf, KEYFRAMES_OF } from "../../src/history/files/layout.ts";
import { keyframeFile } from "../../src/history/files/keyframe-file.ts";
import { lotsOf } from "../../src/history/write/mergeable-days.ts";
import { EMPTY_MANIFEST, type DataFile } from "../../src/history/files/manifest.ts";
import { mergeFiles } from "../../src/history/files/merge-files.ts";
import { QUICK, SEALED } from "../../src/history/files/parquet-encoder.ts";
import { fileList } from "../../src/history/sql/relation.ts";
import { MOST_OWN_FILES } from "../../src/history/files/file-groups.ts";
import {
  AREA_COLUMNS,
  columnsOf,
  STATION_COLUMNS,
  SYSTEM_COLUMN,
  toCells,
  type AreaRow,
  type Column,
  type Row,
  type StationRow,
} from "../../src/history/files/rows.ts";
import { temporaryFolder } from "../support/archive.ts";

type Cells = readonly unknown[];

const START_MS = Date.UTC(2026, 10, 24, 22);

const id = fc.oneof(
  fc.constantFrom("1", "2", "10", "é", "", "\u{1f6b2}", "\uffee", "a'b", "a,b\n"),
  fc.string({ unit: "grapheme", maxLength: 40 }),
);
const text = fc.option(
  fc.oneof(fc.constantFrom("observed", "x"), fc.string({ unit: "grapheme", maxLength: 80 })),
);
const count = fc.option(fc.oneof(fc.nat(50), fc.maxSafeInteger()));
const small = fc.nat(2 ** 31 - 1);
const flag = fc.option(fc.boolean());
const degrees = fc.option(fc.double({ noNaN: true, noDefaultInfinity: true }));
/** Two days, few instants: ties are what an order is for. */
const time = fc.oneof(
  fc.nat(20).map((minute) => START_MS + minute * 720_000),
  fc.nat(2 * DAY_MS).map((ms) => START_MS + ms),
);

const STATION = {
  epoch: small,
  partition: fc.nat(3),
  offset: fc.maxSafeNat(),
  stationId: id,
  observedAtMs: time,
  total: count,
  electric: count,
  mechanical: count,
  docks: count,
  isInstalled: flag,
  isRenting: flag,
  isReturning: flag,
  lastReportedMs: fc.option(time),
  area: text,
  areaRule: text,
  slot: count,
  stationCode: text,
  name: text,
  lat: degrees,
  lon: degrees,
  capacity: count,
  simulated: fc.boolean(),
};

const AREA = {
  epoch: small,
  partition: fc.nat(3),
  offset: fc.maxSafeNat(),
  area: id,
  asOfMs: time,
  removed: fc.boolean(),
  total: count,
  electric: count,
  mechanical: count,
  docks: count,
  stations: count,
  stationsWithoutSplit: count,
  simulated: fc.boolean(),
  throughPartition: fc.option(small),
  throughOffset: count,
};

function station(system: fc.Arbitrary<string>): fc.Arbitrary<StationRow> {
  return fc.record({ system, ...STATION, event: fc.constantFrom("observed", "retired", "removed") });
}

function area(system: fc.Arbitrary<string>): fc.Arbitrary<AreaRow> {
  return fc.record({ system, ...AREA });
}

/** Few systems have files of their own, many share them. */
const rows = fc
  .constantFrom(
    ["velib"],
    ["a", "b", "c/d"],
    Array.from({ length: 12 }, (_, index) => `system-${index}`),
  )
  .chain((systems) => {
    const system = fc.constantFrom(...systems);
    return fc.record({
      stations: fc.array(station(system), { maxLength: 60 }),
      areas: fc.array(area(system), { maxLength: 40 }),
    });
  });

/** Enough that more than eight of ten systems are in a flush, nearly always: these share files. */
const rowsOf = (systems: readonly string[]) =>
  systems.length > MOST_OWN_FILES ? { minLength: 30, maxLength: 40 } : { maxLength: 30 };

/** Of few stations and areas, so that rows tell of the same one; offsets are of a log, so no two are the same. */
const history = (systems: readonly string[]) =>
  fc.record({
    stations: fc.array(
      fc.record({
        ...STATION,
        event: fc.constantFrom("observed", "retired", "removed"),
        system: fc.constantFrom(...systems),
        stationId: fc.constantFrom("1", "2", "3"),
        epoch: fc.integer({ min: 1, max: 3 }),
        partition: fc.nat(1),
        observedAtMs: fc.nat(4).map((minute) => START_MS + minute * 60_000),
        total: fc.nat(2),
        electric: fc.option(fc.nat(1)),
        mechanical: fc.option(fc.nat(1)),
        docks: fc.option(fc.nat(1)),
        area: fc.option(fc.constantFrom("75001", "75002")),
      }),
      rowsOf(systems),
    ),
    areas: fc.array(
      fc.record({
        ...AREA,
        system: fc.constantFrom(...systems),
        area: fc.constantFrom("75001", "75002"),
        epoch: fc.integer({ min: 1, max: 3 }),
        asOfMs: fc.nat(4).map((minute) => START_MS + minute * 60_000),
      }),
      rowsOf(systems),
    ),
  });

test("DuckDB reads every cell as it was, of the type it gives its own files, in the order told", async (context) => {
  const folder = await temporaryFolder(context);
  const duckdb = await openDuckDB(context);
  let number = 1;
  await fc.assert(
    fc.asyncProperty(rows, async (written) => {
      const { files } = await writeRows(folder, written, number++);
      for (const table of ["stations", "areas"] as const) {
        const own = files.filter(({ file }) => file.table === table).map(({ file }) => file);
        const read: Cells[] = [];
        for (const file of own) {
          const cells = await cellsIn(duckdb, folder, file);
          assert.equal(cells.length, file.rows);
          for (const row of cells) assert.equal(dayOf(row[2] as number), file.day);
          read.push(...cells);
        }
        assert.deepEqual(sorted(read), sorted(cellsOf(written, table)));
      }
    }),
    { numRuns: 60 },
  );
});

test("small files are merged to the same rows, whoever made them, shared or not", async (context) => {
  const folder = await temporaryFolder(context);
  const duckdb = await openDuckDB(context);
  const parquet = new DuckDBFiles(folder);
  context.after(async () => parquet.close());
  let number = 1;
  await fc.assert(
    fc.asyncProperty(
      fc.array(rows, { minLength: 1, maxLength: 4 }),
      fc.boolean(),
      async (flushes, byDuckDB) => {
        const files: DataFile[] = [];
        for (const one of flushes)
          files.push(...(await writeRows(folder, one, number++)).files.map(({ file }) => file));
        for (const { table, system, day, files: sources } of lotsOf({ ...EMPTY_MANIFEST, files })) {
          // DuckDB makes files that systems share only.
          const whose = byDuckDB ? null : system;
          const job = {
            table,
            system: whose,
            sources: sources.map((one) => ({ path: one.path, system: one.system })),
          };
          const path = dataPath(table, system, day, number++);
          const again = dataPath(table, system, day, number++);
          const merged = byDuckDB
            ? await parquet.merge({ ...job, path, sealed: true })
            : await mergeFiles(folder, { ...job, path }, QUICK);
          const made = { table, ...(whose === null ? {} : { system: whose }) };
          const remade = await mergeFiles(
            folder,
            { ...job, path: again, sources: [{ path, system: whose ?? undefined }] },
            SEALED[table],
          );
          const expected: Cells[] = [];
          for (const source of sources) expected.push(...(await cellsIn(duckdb, folder, source)));
          for (const [result, at] of [
            [merged, path],
            [remade, again],
          ] as const) {
            const cells = await cellsIn(duckdb, folder, { ...made, path: at });
            assert.equal(cells.length, result.rows);
            assert.deepEqual(sorted(cells), sorted(expected));
          }
        }
      },
    ),
    { numRuns: 12 },
  );
});

/** Of few systems, and of so many that they share files. */
const histories = fc
  .constantFrom(
    ["system-1", "system-3"],
    Array.from({ length: 10 }, (_, index) => `system-${index}`),
  )
  .chain((systems) => fc.array(history(systems), { minLength: 1, maxLength: 3 }));

test("a system's state is the same without DuckDB as by its SQL", async (context) => {
  const folder = await temporaryFolder(context);
  const duckdb = await openDuckDB(context);
  const parquet = new DuckDBFiles(folder);
  context.after(async () => parquet.close());
  let number = 1;
  await fc.assert(
    fc.asyncProperty(histories, async (flushes) => {
      const files: DataFile[] = [];
      for (const [flush, { stations, areas }] of flushes.entries()) {
        const placed = {
          stations: stations.map((row, index) => ({ ...row, offset: 100 * flush + index })),
          areas: areas.map((row, index) => ({ ...row, offset: 100 * flush + index })),
        };
        files.push(...(await writeRows(folder, placed, number++)).files.map(({ file }) => file));
      }
      for (const table of ["stations", "areas"] as const) {
        const sources = files.filter((file) => file.table === table);
        if (sources.length === 0) continue;
        const job = { table, sources, epochs: [1, 2] };
        const bySql = dataPath(KEYFRAMES_OF[table], null, "2026-11-26", number++);
        await parquet.keyframe({ ...job, system: null, path: bySql });
        const expected = await cellsIn(duckdb, folder, { table: KEYFRAMES_OF[table], path: bySql });
        for (const system of ["system-1", "system-3"]) {
          const path = dataPath(KEYFRAMES_OF[table], system, "2026-11-26", number++);
          const own = sources.filter((file) => file.system === undefined || file.system === system);
          await keyframeFile(folder, { ...job, sources: own, system, path });
          const cells = await cellsIn(duckdb, folder, { table: KEYFRAMES_OF[table], path, system });
          assert.deepEqual(sorted(cells), sorted(expected.filter(([whose]) => whose === system)));
        }
      }
    }),
    { numRuns: 40 },
  );
});

test("rows of many row groups are all there, the stations of a backlog in order of time", async (context) => {
  const folder = await temporaryFolder(context);
  const [template] = fc.sample(station(fc.constant("velib")), { numRuns: 1, seed: 1 });
  assert.ok(template !== undefined);
  // Newest first, as no log is: what is out of order is sorted too.
  const stations = Array.from({ length: 5_000 }, (_, index): StationRow => {
    const observedAtMs = START_MS + (5_000 - index);
    return { ...template, stationId: String(index % 7), observedAtMs, partition: 0, offset: index };
  });
  const { files } = await writeRows(folder, { stations, areas: [] }, 1);
  assert.deepEqual(
    files.map(({ file }) => file.rows),
    [5_000],
  );
  const file = await bufferOf(join(folder, files[0]?.file.path ?? ""));
  assert.equal(parquetMetadata(file).row_groups.length, 3);
  const read = await parquetReadObjects({ file, compressors: { ZSTD } });
  const expected = stations
    .map(({ stationId, observedAtMs, offset }) => [stationId, observedAtMs, offset])
    .sort(([a = "", aMs = 0], [b = "", bMs = 0]) => (a < b ? -1 : a > b ? 1 : Number(aMs) - Number(bMs)));
  assert.deepEqual(
    read.map((row) => [row["station_id"], plain(row["observed_at"]), plain(row["log_offset"])]),
    expected,
  );
});

async function openDuckDB(context: TestContext): Promise<DuckDBConnection> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  context.after(() => {
    connection.closeSync();
    instance.closeSync();
  });
  return connection;
}

/** The rows of a file, each with its system; its types and its order are looked at, and what another reader finds. */
async function cellsIn(
  duckdb: DuckDBConnection,
  folder: string,
  { path, table, system }: Pick<DataFile, "path" | "table" | "system">,
): Promise<readonly Cells[]> {
  const columns = [...(system === undefined ? [SYSTEM_COLUMN] : []), ...columnsOf(table)];
  const names = columns.map(({ name }) => name);
  const result = await duckdb.runAndReadAll(
    `SELECT ${names.join(", ")} FROM read_parquet(${fileList(folder, [path])}, hive_partitioning = false)`,
  );
  assert.deepEqual(
    result.columnTypes().map(String),
    columns.map(({ type }) => (type === "TIMESTAMP_MS" ? "TIMESTAMP" : type)),
  );
  const cells = result.getRows().map((row) => row.map(plain));
  const objects = await parquetReadObjects({
    file: await bufferOf(join(folder, path)),
    compressors: { ZSTD },
  });
  assert.deepEqual(
    objects.map((object) => names.map((name) => plain(object[name]))),
    cells,
    "another reader finds the same",
  );
  const whole = system === undefined ? cells : cells.map((row) => [system, ...row]);
  // DuckDB leaves open how rows of one instant of a keyframe lie.
  if (!table.endsWith("_keyframes")) assertSorted(whole, columnsOf(table));
  return whole;
}

/** By system, then id, then time, then place in the log. */
function assertSorted(read: readonly (readonly unknown[])[], columns: readonly Column<Row>[]): void {
  const at = (name: string): number => 1 + columns.findIndex((column) => column.name === name);
  const order =
    at("observed_at") > 0 ? [0, 1, 2, at("log_partition"), at("log_offset")] : [0, 1, 2, at("log_offset")];
  const keys = read.map((row) => order.map((index) => row[index] as string | number));
  for (const [index, key] of keys.slice(1).entries()) {
    const before = keys[index] ?? [];
    const differs = key.findIndex((value, place) => value !== before[place]);
    if (differs === -1) continue;
    const [one, next] = [before[differs] ?? "", key[differs] ?? ""];
    const ascends =
      typeof one === "string"
        ? Buffer.compare(Buffer.from(one), Buffer.from(String(next))) < 0
        : one < (next as number);
    assert.ok(ascends, `${before.join(" ")} before ${key.join(" ")}`);
  }
}

function cellsOf(
  { stations, areas }: { readonly stations: readonly StationRow[]; readonly areas: readonly AreaRow[] },
  table: "stations" | "areas",
): readonly Cells[] {
  return table === "stations"
    ? stations.map((row) => toCells(row, STATION_COLUMNS))
    : areas.map((row) => toCells(row, AREA_COLUMNS));
}

function plain(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (value instanceof Date) return value.getTime();
  if (typeof value === "object" && value !== null && "micros" in value) return Number(value.micros) / 1_000;
  return Object.is(value, -0) ? 0 : (value ?? null);
}

function sorted(all: readonly (readonly unknown[])[]): readonly string[] {
  return all.map((row) => JSON.stringify(row)).sort();
}

function ZSTD(input: Uint8Array): Uint8Array {
  return new Uint8Array(zstdDecompressSync(input));
}

async function bufferOf(path: string): Promise<ArrayBuffer> {
  const bytes = await readFile(path);
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
}
