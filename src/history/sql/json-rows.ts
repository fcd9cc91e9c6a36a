/** The rows of a result as JSON values; whole numbers as numbers wherever JSON can hold them. */
import type { DuckDBResultReader } from "@duckdb/node-api";

export function jsonRows(result: DuckDBResultReader): readonly (readonly unknown[])[] {
  // DuckDB's 64-bit integers come as text; nearly all of them fit.
  const wide = result.columnTypes().map((type) => /^U?(BIGINT|HUGEINT)$/.test(type.toString()));
  return result
    .getRowsJson()
    .map((row) =>
      row.map((value, at) =>
        wide[at] === true && value !== null && Number.isSafeInteger(Number(value)) ? Number(value) : value,
      ),
    );
}
