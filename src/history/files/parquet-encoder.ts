/** Packed rows to the bytes of a Parquet file, of the types that DuckDB gives the files it makes. */
import { constants, zstdCompressSync } from "node:zlib";
import type { ByteWriter, ParquetWriter } from "hyparquet-writer";
import { allColumns, type PackedTable } from "./packed-table.ts";
import type { PlainTable } from "./parquet-jobs.ts";
import type { Column } from "./rows.ts";

type SchemaElement = ConstructorParameters<typeof ParquetWriter>[0]["schema"][number];

const ELEMENTS: Readonly<Record<Column<never>["type"], Omit<SchemaElement, "name">>> = {
  VARCHAR: { type: "BYTE_ARRAY", converted_type: "UTF8" },
  BOOLEAN: { type: "BOOLEAN" },
  INTEGER: { type: "INT32", converted_type: "INT_32" },
  BIGINT: { type: "INT64", converted_type: "INT_64" },
  DOUBLE: { type: "DOUBLE" },
  // No time zone: UTC, as everything here.
  TIMESTAMP_MS: {
    type: "INT64",
    converted_type: "TIMESTAMP_MILLIS",
    logical_type: { type: "TIMESTAMP", isAdjustedToUTC: false, unit: "MILLIS" },
  },
};
/**
 * Written as differences: no two offsets are the same. Times are, those of a poll: a dictionary takes half of what
 * differences do (bench/archive.ts).
 */
const OFFSETS = new Set(["log_offset", "through_offset"]);

/** How a file is written: for minutes, or for years. */
export interface Effort {
  /** Encoded at one go: 2,048 rows take 5 to 10 ms. */
  readonly rowGroupRows: number;
  /** Of zstd. */
  readonly level: number;
}

/** Between two row groups of a file that is made beside live data, that has its turn. */
export const QUICK: Effort = { rowGroupRows: 2_048, level: 3 };

/**
 * Sealed files are written once and kept for years. Smaller row groups: a query decompresses less. Greater:
 * dictionaries are shared by more. An area's month reads a group of thirty files, a station's day one or two of one file
 * (bench/archive.ts).
 */
export const SEALED: Readonly<Record<PlainTable, Effort>> = {
  stations: { rowGroupRows: 61_440, level: 15 },
  areas: { rowGroupRows: 16_384, level: 15 },
};

export class ParquetEncoder {
  readonly #bytes: ByteWriter;
  readonly #writer: ParquetWriter;
  readonly #rowGroupRows: number;
  readonly #from: number;
  rows = 0;

  private constructor(bytes: ByteWriter, writer: ParquetWriter, rowGroupRows: number, from: number) {
    this.#bytes = bytes;
    this.#writer = writer;
    this.#rowGroupRows = rowGroupRows;
    this.#from = from;
  }

  /** @param system null where several share the file: it says whose its rows are */
  static async open(table: PlainTable, system: string | null, effort: Effort): Promise<ParquetEncoder> {
    // Loaded for the first file: a process that keeps no history does not need it.
    const parquet = await import("hyparquet-writer");
    const bytes = new parquet.ByteWriter();
    const from = system === null ? 0 : 1;
    const columns = allColumns(table).slice(from);
    const writer = new parquet.ParquetWriter({
      writer: bytes,
      schema: [
        { name: "schema", num_children: columns.length },
        ...columns.map(({ name, type }): SchemaElement => {
          return { name, repetition_type: "OPTIONAL", ...ELEMENTS[type] };
        }),
      ],
      codec: "ZSTD",
      compressors: {
        ZSTD: (page) =>
          zstdCompressSync(page, {
            // By default each page's result keeps 16 KB.
            chunkSize: Math.max(64, page.length),
            pledgedSrcSize: page.length,
            params: { [constants.ZSTD_c_compressionLevel]: effort.level },
          }),
      },
      createdBy: "velostream",
    });
    return new ParquetEncoder(bytes, writer, effort.rowGroupRows, from);
  }

  /**
   * Appends these rows, in this order, as row groups. What waits meanwhile has its turn between them.
   * @throws RangeError when a whole number is beyond 64 bits
   */
  async append({ columns }: PackedTable, rows: Uint32Array): Promise<void> {
    for (let from = 0; from < rows.length; from += this.#rowGroupRows) {
      const some = rows.subarray(from, from + this.#rowGroupRows);
      await this.#writer.write({
        columnData: columns.slice(this.#from).map(({ column, packed }) => ({
          name: column.name,
          // Unpacked when it is its turn: all columns of 61,440 rows at once would take 30 MB.
          get data() {
            return packed.values(some);
          },
          ...(OFFSETS.has(column.name) ? { encoding: "DELTA_BINARY_PACKED" as const } : {}),
        })),
        rowGroupSize: this.#rowGroupRows,
      });
      this.rows += some.length;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async finish(): Promise<Uint8Array> {
    await this.#writer.finish();
    return this.#bytes.getBytes();
  }
}
