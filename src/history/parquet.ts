/** Parquet through DuckDB, in this process: rows to a file, several files to one, the state at an instant to a file. */
import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import {
  DuckDBDataChunk,
  DuckDBInstance,
  BOOLEAN,
  DOUBLE,
  VARCHAR,
  type DuckDBConnection,
} from "@duckdb/node-api";
import { makeFolder, makeWhole } from "./durable-files.ts";
import type { Table } from "./layout.ts";
import {
  AREA_COLUMNS,
  STATION_COLUMNS,
  type AreaRow,
  type Cell,
  type Column,
  type StationRow,
} from "./rows.ts";

/** DuckDB's vectors hold this many rows; row groups are multiples. */
const CHUNK_ROWS = 2_048;
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

/** How rows lie in a file: one station's (or area's) together, in order of time. */
const ORDER: Readonly<Record<Table, string>> = {
  stations: "station_id, observed_at, log_partition, log_offset",
  areas: "area, as_of, log_offset",
  station_keyframes: "station_id, observed_at",
  area_keyframes: "area, as_of",
};

/**
 * Which row of one station is its state: the latest observation since its last tombstone, by the order of
 * domain/observation-order.ts (what the aggregate holds).
 */
const STATION_RANK = `row(observed_at, event = 'observed', coalesce(total, -1), coalesce(electric, -1),
  coalesce(mechanical, -1), coalesce(docks, -1), coalesce(area, ''), log_offset)`;

export type Row = StationRow | AreaRow;

export function columnsOf(table: Table): readonly Column<Row>[] {
  const columns = table.startsWith("station") ? STATION_COLUMNS : AREA_COLUMNS;
  return columns as unknown as readonly Column<Row>[];
}

/** Text as a SQL literal. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** Files as the argument of read_parquet. */
export function fileList(folder: string, paths: readonly string[]): string {
  return `[${paths.map((path) => literal(join(folder, path))).join(", ")}]`;
}

/** A table of rows in memory, in DuckDB's plain types; `typed` casts them to the columns'. */
export async function appendRows<R>(
  connection: DuckDBConnection,
  name: string,
  columns: readonly Column<R>[],
  rows: readonly R[],
): Promise<void> {
  const plain = columns.map(({ type }) => (type === "VARCHAR" || type === "BOOLEAN" ? type : "DOUBLE"));
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE ${name} (${columns.map((column, at) => `${column.name} ${plain[at]}`).join(", ")})`,
  );
  const types = columns.map(({ type }) =>
    type === "VARCHAR" ? VARCHAR : type === "BOOLEAN" ? BOOLEAN : DOUBLE,
  );
  const appender = await connection.createAppender(name);
  for (let from = 0; from < rows.length; from += CHUNK_ROWS) {
    const part = rows.slice(from, from + CHUNK_ROWS);
    const chunk = DuckDBDataChunk.create(types, part.length);
    for (const [at, { key }] of columns.entries())
      chunk.setColumnValues(
        at,
        part.map((row) => row[key] as Cell),
      );
    appender.appendDataChunk(chunk);
    // A large batch must not hold up the live data.
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  appender.closeSync();
}

/** The select list that gives plain columns their types. */
export function typed<R>(columns: readonly Column<R>[]): string {
  return columns
    .map(({ name, type }) => {
      if (type === "TIMESTAMP_MS") return `epoch_ms(${name}::BIGINT)::TIMESTAMP_MS AS ${name}`;
      return type === "BIGINT" || type === "INTEGER" ? `${name}::${type} AS ${name}` : name;
    })
    .join(", ");
}

export class ParquetWriter {
  readonly #folder: string;
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;

  private constructor(folder: string, instance: DuckDBInstance, connection: DuckDBConnection) {
    this.#folder = folder;
    this.#instance = instance;
    this.#connection = connection;
  }

  static async open(folder: string): Promise<ParquetWriter> {
    const spill = join(folder, "spill");
    await rm(spill, { recursive: true, force: true });
    await makeFolder(folder);
    const instance = await DuckDBInstance.create(":memory:", {
      threads: "2",
      memory_limit: "1GB",
      // What a write took goes back to the system: else 40 MB stay (docs/decisions/0033).
      allocator_flush_threshold: "1MB",
      allocator_bulk_deallocation_flush_threshold: "1MB",
      temp_directory: spill,
      autoinstall_known_extensions: "false",
    });
    return new ParquetWriter(folder, instance, await instance.connect());
  }

  close(): void {
    this.#connection.closeSync();
    this.#instance.closeSync();
  }

  /** Writes rows of one system and day. @returns the file's size */
  async write(table: Table, path: string, rows: readonly Row[]): Promise<number> {
    const columns = columnsOf(table);
    await appendRows(this.#connection, "batch", columns, rows);
    try {
      return await this.#copy(
        table,
        `SELECT ${typed(columns)} FROM batch ORDER BY ${ORDER[table]}`,
        path,
        false,
      );
    } finally {
      await this.#connection.run("DROP TABLE batch");
    }
  }

  /** Writes the rows of several files into one. */
  async merge(table: Table, sources: readonly string[], path: string, sealed: boolean): Promise<number> {
    const files = fileList(this.#folder, sources);
    return this.#copy(table, `SELECT * FROM read_parquet(${files}) ORDER BY ${ORDER[table]}`, path, sealed);
  }

  /** Writes the state of each station, or area, after all rows of `sources`. */
  async keyframe(
    table: "stations" | "areas",
    sources: readonly string[],
    epochs: readonly number[],
    path: string,
  ): Promise<number> {
    const state = stateSql(table, `read_parquet(${fileList(this.#folder, sources)})`, epochs);
    return this.#copy(table, `${state} ORDER BY ${ORDER[table]}`, path, true);
  }

  /** The last row of each area in these files: what repeated totals are told by. */
  async lastAreas(
    paths: readonly string[],
    epoch: number,
  ): Promise<readonly Pick<AreaRow, "area" | "asOfMs" | "throughPartition" | "throughOffset">[]> {
    if (paths.length === 0) return [];
    const result = await this.#connection.runAndReadAll(
      `SELECT area, epoch_ms(as_of)::DOUBLE, through_partition::DOUBLE, through_offset::DOUBLE
       FROM read_parquet(${fileList(this.#folder, paths)}) WHERE epoch = ${epoch}
       QUALIFY row_number() OVER (PARTITION BY area ORDER BY log_offset DESC) = 1`,
    );
    return result.getRowsJS().map(([area, asOfMs, throughPartition, throughOffset]) => ({
      area: area as string,
      asOfMs: asOfMs as number,
      throughPartition: throughPartition as number | null,
      throughOffset: throughOffset as number | null,
    }));
  }

  async #copy(table: Table, select: string, path: string, sealed: boolean): Promise<number> {
    const whole = join(this.#folder, path);
    await makeWhole(whole, async (unfinished) => {
      await this.#connection.run(
        `COPY (${select}) TO ${literal(unfinished)} (FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd,
          COMPRESSION_LEVEL ${sealed ? SEALED_LEVEL : QUICK_LEVEL}, ROW_GROUP_SIZE ${ROW_GROUP_ROWS[table]})`,
      );
    });
    return (await stat(whole)).size;
  }

  /** Rows of a file. */
  async count(path: string): Promise<number> {
    const result = await this.#connection.runAndReadAll(
      `SELECT count(*)::DOUBLE FROM read_parquet(${fileList(this.#folder, [path])})`,
    );
    return Number(result.getRowsJS()[0]?.[0] ?? 0);
  }
}

/** One row for each station, or area, that is there after all rows of `from` (a relation). */
export function stateSql(table: "stations" | "areas", from: string, epochs: readonly number[]): string {
  const rows = `SELECT * FROM ${from} WHERE epoch IN (${[-1, ...epochs].join(", ")})`;
  if (table === "areas")
    return `SELECT * FROM (${rows})
      QUALIFY row_number() OVER (PARTITION BY epoch, area ORDER BY as_of DESC, log_offset DESC) = 1 AND NOT removed`;
  const one = "PARTITION BY epoch, log_partition, station_id";
  return `SELECT * EXCLUDE (gone) FROM (
      SELECT *, max(CASE WHEN event = 'removed' THEN log_offset END) OVER (${one}) AS gone FROM (${rows})
    ) WHERE event <> 'removed' AND log_offset > coalesce(gone, -1)
    QUALIFY row_number() OVER (${one} ORDER BY ${STATION_RANK} DESC) = 1`;
}
