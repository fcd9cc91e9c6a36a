/** Files of the archive as relations of SQL: one system's, which may share files with others, or all of them. */
import type { DataFile } from "../files/manifest.ts";
import { addedColumns, columnsOf } from "../files/rows.ts";
import { realPath } from "../files/safe-paths.ts";
import type { Table } from "../files/layout.ts";

/** Where rows are: the system's own file, or one that it shares. */
export type Source = Pick<DataFile, "path" | "system">;

/**
 * Any text as SQL that means it, for what cannot be a bound parameter: views, COPY, lists of files. A NUL would end the
 * whole statement for DuckDB, with what stands behind it.
 */
export function literal(text: string): string {
  const parts = text.split("\u0000").map((part) => `'${part.replaceAll("'", "''")}'`);
  return parts.length === 1 ? (parts[0] ?? "''") : `(${parts.join(" || chr(0) || ")})`;
}

/** A path that DuckDB takes for itself: `*`, `?` and `[` would be patterns, of this folder's name too. */
export function literally(path: string): string {
  return path.replaceAll(/[*?[]/g, (character) => `[${character}]`);
}

/**
 * Files as the argument of read_parquet.
 * @throws StorageError when one of them is not really in the folder
 */
export function fileList(folder: string, paths: readonly string[]): string {
  const looked = new Set<string>();
  return `[${paths.map((path) => literal(literally(realPath(folder, path, looked)))).join(", ")}]`;
}

/**
 * The rows of one system as `(SELECT …)`: the columns of the table. Files that several systems share are sorted by
 * system, so that only the row groups of this one are read.
 */
export function rowsOfSystem(
  folder: string,
  table: Table,
  sources: readonly Source[],
  system: string,
  columns: string = columnsOf(table)
    .map(({ name }) => name)
    .join(", "),
): string {
  const [own, shared] = split(sources);
  const parts: string[] = [];
  if (own.length > 0) parts.push(`SELECT ${columns} FROM ${plainly(folder, table, own)}`);
  if (shared.length > 0)
    parts.push(`SELECT ${columns} FROM ${plainly(folder, table, shared)} WHERE system = ${literal(system)}`);
  return `(${parts.join(" UNION ALL ")})`;
}

/** The rows of all systems as `(SELECT …)`: `system`, then the columns of the table. */
export function rowsOfAll(folder: string, table: Table, sources: readonly Source[]): string {
  const columns = columnsOf(table)
    .map(({ name }) => name)
    .join(", ");
  const [own, shared] = split(sources);
  const parts: string[] = [];
  if (own.length > 0)
    parts.push(
      `SELECT system, ${columns} FROM ${parquet(folder, table, own, "hive_partitioning = true, hive_types = {'system': VARCHAR, 'day': DATE}")}`,
    );
  if (shared.length > 0) parts.push(`SELECT system, ${columns} FROM ${plainly(folder, table, shared)}`);
  return `(${parts.join(" UNION ALL ")})`;
}

function plainly(folder: string, table: Table, paths: readonly string[]): string {
  return parquet(folder, table, paths, "hive_partitioning = false");
}

/** The rows of files. Those that were written before a field was added to the table do not have its column: it is null. */
function parquet(folder: string, table: Table, paths: readonly string[], options: string): string {
  const files = fileList(folder, paths);
  const added = addedColumns(table);
  if (added.length === 0) return `read_parquet(${files}, ${options})`;
  const nulls = added.map(({ name, type }) => `NULL::${type} AS ${name}`).join(", ");
  return `(SELECT * FROM read_parquet(${files}, ${options}, union_by_name = true)
    UNION ALL BY NAME SELECT ${nulls} WHERE false)`;
}

function split(sources: readonly Source[]): readonly [own: readonly string[], shared: readonly string[]] {
  const own: string[] = [];
  const shared: string[] = [];
  for (const { path, system } of sources) (system === undefined ? shared : own).push(path);
  return [own, shared];
}
