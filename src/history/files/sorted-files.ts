/**
 * Reads sorted files side by side, id by id: all rows of one station (or area), whichever files they are in, then the
 * next one's. Of each file one row group is in memory, packed.
 *
 *   file 1: a a b d d …          a: 1 1 2
 *   file 2: a c c d …      ──▶   b: 1      c: 2 2      d: 1 1 2
 */
import { readFile } from "node:fs/promises";
import { zstdDecompressSync } from "node:zlib";
import type { FileMetaData, RowGroup } from "hyparquet";
import { allColumns, PackedTable, placeOf } from "./packed-table.ts";
import type { PlainTable } from "./parquet-jobs.ts";
import type { Source } from "../sql/relation.ts";
import { SYSTEM_COLUMN, type Cell } from "./rows.ts";
import { realPath } from "./safe-paths.ts";

/** Rows that are consecutive in one file, of one station or area. */
export interface Run {
  readonly rows: PackedTable;
  readonly from: number;
  readonly to: number;
}

/**
 * Each array is of one id. A file that is not sorted costs order, not rows: its ids come more than once.
 * @param system of files that systems share, the one whose rows are wanted; null: all
 */
export async function* byId(
  folder: string,
  table: PlainTable,
  sources: readonly Source[],
  system: string | null,
): AsyncGenerator<readonly Run[]> {
  const files: SortedFile[] = [];
  for (const source of sources) files.push(await SortedFile.open(folder, table, source, system));
  for (;;) {
    let first: Buffer | null = null;
    for (const { key } of files)
      if (key !== null && (first === null || Buffer.compare(key, first) < 0)) first = key;
    if (first === null) return;
    const runs: Run[] = [];
    for (const file of files)
      while (file.key !== null && file.key.equals(first)) runs.push(await file.take());
    yield runs;
  }
}

class SortedFile {
  readonly #table: PlainTable;
  /** Whose its rows are; undefined where a column says so. */
  readonly #system: string | undefined;
  readonly #only: Buffer | null;
  readonly #file: ArrayBuffer;
  readonly #metadata: FileMetaData;
  /** Of each column in memory, where it stands in the file; columns that a newer version added are left out. */
  readonly #places: readonly number[];
  readonly #id: number;
  #nextGroup = 0;
  #nextRow = 0;
  #rows: PackedTable;
  #at = 0;
  /** System and id of the row that is next, in the order of files; null at the end. */
  key: Buffer | null = null;

  private constructor(
    table: PlainTable,
    { system }: Source,
    { file, metadata, only }: { file: ArrayBuffer; metadata: FileMetaData; only: string | null },
  ) {
    this.#table = table;
    this.#system = system;
    this.#only = only === null || system !== undefined ? null : Buffer.from(only);
    this.#file = file;
    this.#metadata = metadata;
    const names = metadata.schema.slice(1).map(({ name }) => name);
    this.#places = allColumns(table).map(({ name }) => names.indexOf(name));
    this.#id = placeOf(table, table === "stations" ? "station_id" : "area");
    this.#rows = new PackedTable(table);
  }

  static async open(
    folder: string,
    table: PlainTable,
    source: Source,
    only: string | null,
  ): Promise<SortedFile> {
    // Loaded for the first file: a process that keeps no history does not need it.
    const { parquetMetadata } = await import("hyparquet");
    const bytes = await readFile(realPath(folder, source.path));
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
    const opened = new SortedFile(table, source, { file, metadata: parquetMetadata(file), only });
    await opened.#fill();
    return opened;
  }

  /** The rows of the id that is next, as far as they are in memory. */
  async take(): Promise<Run> {
    const [rows, from] = [this.#rows, this.#at];
    const [system, id] = [rows.cell(0, from), rows.cell(this.#id, from)];
    let to = from + 1;
    while (to < rows.length && rows.cell(this.#id, to) === id && rows.cell(0, to) === system) to += 1;
    this.#at = to;
    await this.#fill();
    return { rows, from, to };
  }

  /** Reads the next row group where this one is at its end. */
  async #fill(): Promise<void> {
    const { row_groups } = this.#metadata;
    while (this.#at === this.#rows.length && this.#nextGroup < row_groups.length) {
      const from = this.#nextRow;
      const group = row_groups[this.#nextGroup];
      this.#nextRow += Number(group?.num_rows ?? 0);
      this.#nextGroup += 1;
      if (group === undefined || !this.#mayHold(group)) continue;
      this.#rows = await this.#read(from, this.#nextRow);
      this.#at = 0;
    }
    this.key =
      this.#at < this.#rows.length
        ? Buffer.from(`${this.#rows.cell(0, this.#at)}\0${this.#rows.cell(this.#id, this.#at)}`)
        : null;
  }

  /** Statistics tell whose rows a group may hold: a system need not read all that share its file. */
  #mayHold({ columns }: RowGroup): boolean {
    if (this.#only === null) return true;
    const system = columns.find(({ meta_data }) => meta_data?.path_in_schema[0] === SYSTEM_COLUMN.name);
    const { min_value: min, max_value: max } = system?.meta_data?.statistics ?? {};
    if (typeof min !== "string" || typeof max !== "string") return true;
    return (
      Buffer.compare(Buffer.from(min), this.#only) <= 0 && Buffer.compare(this.#only, Buffer.from(max)) <= 0
    );
  }

  async #read(rowStart: number, rowEnd: number): Promise<PackedTable> {
    const { parquetRead } = await import("hyparquet");
    const rows = new PackedTable(this.#table);
    const only = this.#only?.toString() ?? null;
    await parquetRead({
      file: this.#file,
      metadata: this.#metadata,
      rowStart,
      rowEnd,
      compressors: { ZSTD: (page) => zstdDecompressSync(page) },
      onComplete: (read: readonly (readonly unknown[])[]) => {
        for (const row of read) {
          const cells = this.#places.map((place, at) =>
            at === 0 && this.#system !== undefined ? this.#system : cellOf(row[place]),
          );
          if (only === null || cells[0] === only) rows.push(cells);
        }
      },
    });
    // What waits has its turn: this may be the process that serves live data.
    await new Promise((resolve) => setImmediate(resolve));
    return rows;
  }
}

function cellOf(value: unknown): Cell {
  if (typeof value === "bigint") return Number(value);
  if (value instanceof Date) return value.getTime();
  return (value ?? null) as Cell;
}
