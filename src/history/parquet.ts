/**
 * Parquet through DuckDB: journals to files, several files to one, the state at an instant to a file. Run in a process
 * of its own (parquet-child.ts); tests run it in theirs.
 */
import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { DuckDBInstance, type DuckDBConnection } from "@duckdb/node-api";
import { CHUNK_ROWS } from "./append-rows.ts";
import { makeFolder, makeWhole } from "./durable-files.ts";
import { FlushTable } from "./flush-table.ts";
import { readJournal } from "./journal.ts";
import { dataPath, journalPath, KEYFRAMES_OF, type Table } from "./layout.ts";
import type {
  Flushed,
  FlushedFile,
  FlushJob,
  KeyframeJob,
  LastTotals,
  MadeFile,
  MergeJob,
  ParquetFiles,
  SystemRows,
} from "./parquet-files.ts";
import { fileList, literal, rowsOfAll, rowsOfSystem, type Source } from "./relation.ts";
import type { RowGroup } from "./row-groups.ts";
import { AREA_COLUMNS, columnsOf, STATION_COLUMNS, toCells, type AreaRow, type StationRow } from "./rows.ts";
import { stateSql } from "./state-sql.ts";

/**
 * Smaller: a query decompresses less. Greater: dictionaries are shared by more, up to where they overflow. An area's
 * month reads a group of thirty files, a station's day one or two of one file. (bench/archive.ts)
 */
const ROW_GROUP_ROWS: Readonly<Record<Table, number>> = {
  stations: 30 * CHUNK_ROWS,
  station_keyframes: 30 * CHUNK_ROWS,
  areas: 8 * CHUNK_ROWS,
  area_keyframes: 8 * CHUNK_ROWS,
};
const QUICK_LEVEL = 3;
/** Sealed files are written once and kept for years. */
const SEALED_LEVEL = 15;

/** How rows lie in a file: one station's (or area's) together, in order of time; before that, one system's. */
const ORDER: Readonly<Record<Table, string>> = {
  stations: "station_id, observed_at, log_partition, log_offset",
  areas: "area, as_of, log_offset",
  station_keyframes: "station_id, observed_at",
  area_keyframes: "area, as_of",
};

/** Rows of one flush. */
interface Batch {
  readonly stations: FlushTable;
  readonly areas: FlushTable;
}

interface Database {
  readonly instance: DuckDBInstance;
  readonly connection: DuckDBConnection;
}

export class ParquetWriter implements ParquetFiles {
  readonly #folder: string;
  #database: Promise<Database> | null = null;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async close(): Promise<void> {
    const opened = await this.#database?.catch(() => null);
    this.#database = null;
    opened?.connection.closeSync();
    opened?.instance.closeSync();
  }

  async flush({ from, to, stations, areas, number }: FlushJob): Promise<Flushed> {
    const batch = await this.#newBatch();
    for (let journal = from; journal < to; journal += 1)
      for (const frame of (await readJournal(this.#folder, journal))?.frames ?? []) {
        await batch.stations.append(frame.stations);
        await batch.areas.append(frame.areas);
      }
    const [first, second] = [batch.stations.rows, batch.areas.rows];
    if (first !== stations || second !== areas)
      throw new Error(
        `${journalPath(this.#folder, to - 1)} does not hold what was written to it: ${first} and ${second} rows instead of ${stations} and ${areas}`,
      );
    return this.#write(batch, number);
  }

  /** Writes rows into as many files as they have groups, all of that number; all of them or none. */
  async writeRows(
    stations: readonly StationRow[],
    areas: readonly AreaRow[],
    number: number,
  ): Promise<Flushed> {
    const batch = await this.#newBatch();
    await batch.stations.append(stations.map((row) => toCells(row, STATION_COLUMNS)));
    await batch.areas.append(areas.map((row) => toCells(row, AREA_COLUMNS)));
    return this.#write(batch, number);
  }

  async #newBatch(): Promise<Batch> {
    const { connection } = await this.#open();
    return {
      stations: await FlushTable.create(connection, "stations"),
      areas: await FlushTable.create(connection, "areas"),
    };
  }

  async #write(batch: Batch, number: number): Promise<Flushed> {
    const files: FlushedFile[] = [];
    try {
      for (const table of [batch.stations, batch.areas])
        for (const group of table.close()) files.push(await this.#writeGroup(table, group, number));
    } catch (error) {
      // On a full disk every try would leave some.
      for (const { file } of files) await rm(join(this.#folder, file.path), { force: true }).catch(() => {});
      throw error;
    } finally {
      const { connection } = await this.#open();
      for (const { name } of [batch.stations, batch.areas]) await connection.run(`DROP TABLE ${name}`);
    }
    const simulated = batch.stations.simulated ?? batch.areas.simulated;
    return { files, ...(simulated === null ? {} : { simulated }) };
  }

  async #writeGroup(flushed: FlushTable, group: RowGroup, number: number): Promise<FlushedFile> {
    const { table } = flushed;
    const { day, system, rows, epochs } = group;
    const path = dataPath(table, system, day, number);
    const bytes = await this.#copy(table, flushed.select(group), { system, path });
    const whose = system === null ? { systems: [...group.systems] as [string, string] } : { system };
    return { file: { path, table, ...whose, day, rows, bytes, sealed: false }, epochs };
  }

  async merge({ table, sources, between, system, path, sealed }: MergeJob): Promise<MadeFile> {
    const only =
      between === undefined ? "" : ` WHERE system BETWEEN ${literal(between[0])} AND ${literal(between[1])}`;
    const rows = `SELECT * FROM ${this.#rows(table, sources, system)}${only}`;
    return this.#made(table, rows, { system, path, sealed });
  }

  async keyframe({ table, sources, epochs, system, path }: KeyframeJob): Promise<MadeFile> {
    const own = system === null ? "" : `SELECT ${literal(system)} AS system, * FROM `;
    const rows = this.#rows(table, sources, system);
    const state = stateSql(table, own === "" ? rows : `(${own}${rows})`, epochs);
    const columns = columnsOf(table).map(({ name }) => name);
    if (system === null) columns.unshift("system");
    return this.#made(KEYFRAMES_OF[table], `SELECT ${columns.join(", ")} FROM (${state})`, {
      system,
      path,
      sealed: true,
    });
  }

  async systemsIn(table: Table, sources: readonly Source[]): Promise<readonly SystemRows[]> {
    const { connection } = await this.#open();
    const result = await connection.runAndReadAll(
      `SELECT system, count(*)::DOUBLE FROM ${rowsOfAll(this.#folder, table, sources)} GROUP BY system ORDER BY system`,
    );
    return result.getRowsJS().map(([system, rows]) => ({ system: system as string, rows: rows as number }));
  }

  async lastTotals(sources: readonly Source[], epoch: number): Promise<readonly LastTotals[]> {
    if (sources.length === 0) return [];
    const { connection } = await this.#open();
    const result = await connection.runAndReadAll(
      `SELECT system, area, epoch_ms(as_of)::DOUBLE, through_partition::DOUBLE, through_offset::DOUBLE
       FROM ${rowsOfAll(this.#folder, "areas", sources)} WHERE epoch = ${epoch}
       QUALIFY row_number() OVER (PARTITION BY system, area ORDER BY log_offset DESC) = 1`,
    );
    return result.getRowsJS().map(([system, area, asOfMs, throughPartition, throughOffset]) => ({
      system: system as string,
      area: area as string,
      asOfMs: asOfMs as number,
      throughPartition: throughPartition as number | null,
      throughOffset: throughOffset as number | null,
    }));
  }

  #rows(table: Table, sources: readonly Source[], system: string | null): string {
    return system === null
      ? rowsOfAll(this.#folder, table, sources)
      : rowsOfSystem(this.#folder, table, sources, system);
  }

  async #made(
    table: Table,
    select: string,
    file: { readonly system: string | null; readonly path: string; readonly sealed: boolean },
  ): Promise<MadeFile> {
    const bytes = await this.#copy(table, select, file);
    const { connection } = await this.#open();
    const result = await connection.runAndReadAll(
      `SELECT num_rows::DOUBLE FROM parquet_file_metadata(${fileList(this.#folder, [file.path])})`,
    );
    return { bytes, rows: Number(result.getRowsJS()[0]?.[0] ?? 0) };
  }

  async #copy(
    table: Table,
    select: string,
    { system, path, sealed }: { system: string | null; path: string; sealed?: boolean },
  ): Promise<number> {
    const { connection } = await this.#open();
    const order = system === null ? `system, ${ORDER[table]}` : ORDER[table];
    const whole = join(this.#folder, path);
    await makeWhole(whole, async (unfinished) => {
      await connection.run(
        `COPY (${select} ORDER BY ${order}) TO ${literal(unfinished)} (FORMAT parquet, PARQUET_VERSION v2,
          COMPRESSION zstd, COMPRESSION_LEVEL ${sealed === true ? SEALED_LEVEL : QUICK_LEVEL},
          ROW_GROUP_SIZE ${ROW_GROUP_ROWS[table]})`,
      );
    });
    return (await stat(whole)).size;
  }

  async #open(): Promise<Database> {
    this.#database ??= openDatabase(this.#folder).catch((error: unknown) => {
      this.#database = null;
      throw error;
    });
    return this.#database;
  }
}

async function openDatabase(folder: string): Promise<Database> {
  const spill = join(folder, "spill");
  await rm(spill, { recursive: true, force: true });
  await makeFolder(folder);
  const instance = await DuckDBInstance.create(":memory:", {
    // What is written can wait: a second thread would double what a sort and a file's buffers take.
    threads: "1",
    // A sort that needs more spills.
    memory_limit: "256MB",
    temp_directory: spill,
    autoinstall_known_extensions: "false",
  });
  return { instance, connection: await instance.connect() };
}
