/** Rows in memory as a temporary table of DuckDB. */
import {
  BOOLEAN,
  DOUBLE,
  DuckDBDataChunk,
  VARCHAR,
  type DuckDBAppender,
  type DuckDBConnection,
} from "@duckdb/node-api";
import type { Cell, Column } from "./rows.ts";

/** DuckDB's vectors hold this many rows; row groups are multiples. */
export const CHUNK_ROWS = 2_048;

/** A table that rows are appended to, in DuckDB's plain types; `typed` casts them to the columns'. */
export class RowTable<R> {
  readonly #columns: readonly Column<R>[];
  readonly #appender: DuckDBAppender;
  #rows: R[] = [];

  private constructor(columns: readonly Column<R>[], appender: DuckDBAppender) {
    this.#columns = columns;
    this.#appender = appender;
  }

  /** Makes the table anew. */
  static async create<R>(
    connection: DuckDBConnection,
    name: string,
    columns: readonly Column<R>[],
  ): Promise<RowTable<R>> {
    const types = columns.map((column) => `${column.name} ${isPlain(column) ? column.type : "DOUBLE"}`);
    await connection.run(`CREATE OR REPLACE TEMP TABLE ${name} (${types.join(", ")})`);
    return new RowTable(columns, await connection.createAppender(name));
  }

  async append(rows: readonly R[]): Promise<void> {
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
    const types = this.#columns.map(({ type }) =>
      type === "VARCHAR" ? VARCHAR : type === "BOOLEAN" ? BOOLEAN : DOUBLE,
    );
    const chunk = DuckDBDataChunk.create(types, rows.length);
    for (const [at, { key }] of this.#columns.entries())
      chunk.setColumnValues(
        at,
        rows.map((row) => row[key] as Cell),
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
  const table = await RowTable.create(connection, name, columns);
  await table.append(rows);
  table.close();
}

function isPlain<R>({ type }: Column<R>): boolean {
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
