/** Files that many systems share, made by DuckDB: several to one, the state at an instant; and questions to any files. */
import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { DuckDBInstance, type DuckDBConnection } from "@duckdb/node-api";
import { CHUNK_ROWS } from "./append-rows.ts";
import { makeFolder, makeWhole } from "../files/durable-files.ts";
import { KEYFRAMES_OF, type Table } from "../files/layout.ts";
import type {
  KeyframeJob,
  LastTotals,
  MadeFile,
  MergeJob,
  ParquetFiles,
  SystemRows,
} from "../files/parquet-jobs.ts";
import { fileList, literal, rowsOfAll, type Source } from "./relation.ts";
import { columnsOf, SYSTEM_COLUMN } from "../files/rows.ts";
import { realPath } from "../files/safe-paths.ts";
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

/** How rows of one system lie: one station's (or area's) together, in order of time. */
const ORDER: Readonly<Record<Table, string>> = {
  stations: "station_id, observed_at, log_partition, log_offset",
  areas: "area, as_of, log_offset",
  station_keyframes: "station_id, observed_at",
  area_keyframes: "area, as_of",
};

interface Database {
  readonly instance: DuckDBInstance;
  readonly connection: DuckDBConnection;
}

export class DuckDBFiles implements ParquetFiles {
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

  async merge({ table, sources, between, path, sealed }: MergeJob): Promise<MadeFile> {
    const only =
      between === undefined ? "" : ` WHERE system BETWEEN ${literal(between[0])} AND ${literal(between[1])}`;
    const rows = `SELECT * FROM ${rowsOfAll(this.#folder, table, sources)}${only}`;
    return this.#made(table, rows, { path, sealed });
  }

  async keyframe({ table, sources, epochs, path }: KeyframeJob): Promise<MadeFile> {
    const state = stateSql(table, rowsOfAll(this.#folder, table, sources), epochs);
    const columns = [SYSTEM_COLUMN, ...columnsOf(table)].map(({ name }) => name);
    return this.#made(KEYFRAMES_OF[table], `SELECT ${columns.join(", ")} FROM (${state})`, {
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

  async #made(
    table: Table,
    select: string,
    file: { readonly path: string; readonly sealed: boolean },
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
    { path, sealed }: { readonly path: string; readonly sealed: boolean },
  ): Promise<number> {
    const { connection } = await this.#open();
    const whole = realPath(this.#folder, path);
    await makeWhole(whole, async (unfinished) => {
      await connection.run(
        `COPY (${select} ORDER BY system, ${ORDER[table]}) TO ${literal(unfinished)} (FORMAT parquet, PARQUET_VERSION v2,
          COMPRESSION zstd, COMPRESSION_LEVEL ${sealed ? SEALED_LEVEL : QUICK_LEVEL},
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
