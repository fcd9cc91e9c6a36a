/** Rows in memory as a temporary table of DuckDB. */
import { BOOLEAN, DOUBLE, DuckDBDataChunk, VARCHAR, type DuckDBConnection } from "@duckdb/node-api";
import type { Cell, Column } from "../files/rows.ts";

/** DuckDB's vectors hold this many rows; row groups are multiples. */
export const CHUNK_ROWS = 2_048;

/** Rows as a table made anew, in DuckDB's plain types; `typed` casts them to the columns'. */
export async function appendRows<R>(
  connection: DuckDBConnection,
  name: string,
  columns: readonly Column<R>[],
  rows: readonly R[],
): Promise<void> {
  const plain = columns.map((column) => `${column.name} ${isPlain(column) ? column.type : "DOUBLE"}`);
  await connection.run(`CREATE OR REPLACE TEMP TABLE ${name} (${plain.join(", ")})`);
  const types = columns.map(({ type }) =>
    type === "VARCHAR" ? VARCHAR : type === "BOOLEAN" ? BOOLEAN : DOUBLE,
  );
  const appender = await connection.createAppender(name);
  for (let from = 0; from < rows.length; from += CHUNK_ROWS) {
    const some = rows.slice(from, from + CHUNK_ROWS);
    const chunk = DuckDBDataChunk.create(types, some.length);
    for (const [at, { key }] of columns.entries())
      chunk.setColumnValues(
        at,
        some.map((row) => row[key] as Cell),
      );
    appender.appendDataChunk(chunk);
    // A large batch must not hold up the live data.
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  appender.closeSync();
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
