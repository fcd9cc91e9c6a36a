/** Rows in memory as a temporary table of DuckDB. */
import {
  BOOLEAN,
  DOUBLE,
  DuckDBDataChunk,
  VARCHAR,
  type DuckDBAppender,
  type DuckDBConnection,
  type DuckDBType,
} from "@duckdb/node-api";
import type { Cell, Column } from "./rows.ts";

/** DuckDB's vectors hold this many rows; row groups are multiples. */
export const CHUNK_ROWS = 2_048;

/** The cells of a row, in the order of the columns. */
export type Cells = readonly Cell[];

/** A table that rows are appended to, in DuckDB's plain types; `typed` casts them to the columns'. */
export class CellTable {
  readonly #types: readonly DuckDBType[];
  readonly #appender: DuckDBAppender;
  #rows: Cells[] = [];

  private constructor(types: readonly DuckDBType[], appender: DuckDBAppender) {
    this.#types = types;
    this.#appender = appender;
  }

  /** Makes the table anew. */
  static async create(
    connection: DuckDBConnection,
    name: string,
    columns: readonly Pick<Column<never>, "name" | "type">[],
  ): Promise<CellTable> {
    const plain = columns.map((column) => `${column.name} ${isPlain(column) ? column.type : "DOUBLE"}`);
    await connection.run(`CREATE OR REPLACE TEMP TABLE ${name} (${plain.join(", ")})`);
    const types = columns.map(({ type }) =>
      type === "VARCHAR" ? VARCHAR : type === "BOOLEAN" ? BOOLEAN : DOUBLE,
    );
    return new CellTable(types, await connection.createAppender(name));
  }

  async append(rows: Iterable<Cells>): Promise<void> {
    for (const row of rows) {
      this.#rows.push(row);
      if (this.#rows.length < CHUNK_ROWS) continue;
      this.#write();
      // A large batch must not hold up the live data.
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  /** Now all rows are there. */
  close(): void {
    if (this.#rows.length > 0) this.#write();
    this.#appender.closeSync();
  }

  #write(): void {
    const rows = this.#rows;
    this.#rows = [];
    const chunk = DuckDBDataChunk.create(this.#types, rows.length);
    for (const at of this.#types.keys())
      chunk.setColumnValues(
        at,
        rows.map((row) => row[at] ?? null),
      );
    this.#appender.appendDataChunk(chunk);
  }
}

export async function appendRows<R>(
  connection: DuckDBConnection,
  name: string,
  columns: readonly Column<R>[],
  rows: readonly R[],
): Promise<void> {
  const table = await CellTable.create(connection, name, columns);
  await table.append(rows.values().map((row) => columns.map(({ key }) => row[key] as Cell)));
  table.close();
}

function isPlain({ type }: Pick<Column<never>, "type">): boolean {
  return type === "VARCHAR" || type === "BOOLEAN";
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
