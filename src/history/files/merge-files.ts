/** Several files to one without DuckDB: memory does not grow with their rows. */
import { writeBytes } from "./durable-files.ts";
import { realPath } from "./safe-paths.ts";
import { PackedTable } from "./packed-table.ts";
import { ParquetEncoder, type Effort } from "./parquet-encoder.ts";
import type { MadeFile, MergeJob } from "./parquet-jobs.ts";
import { byId } from "./sorted-files.ts";

/** Rejects when a source cannot be read; nothing is left of the file then. */
export async function mergeFiles(
  folder: string,
  { table, sources, system, path }: Pick<MergeJob, "table" | "sources" | "system" | "path">,
  effort: Effort,
): Promise<MadeFile> {
  const encoder = await ParquetEncoder.open(table, system, effort);
  let rows = new PackedTable(table);
  for await (const runs of byId(folder, table, sources, system)) {
    for (const run of runs) for (let row = run.from; row < run.to; row += 1) rows.pushFrom(run.rows, row);
    if (rows.length >= effort.rowGroupRows) rows = await appendWhole(encoder, rows, effort.rowGroupRows);
  }
  await encoder.append(rows, rows.sorted());
  const bytes = await encoder.finish();
  await writeBytes(realPath(folder, path), bytes);
  return { bytes: bytes.length, rows: encoder.rows };
}

/** Appends the row groups that are full. @returns the rows that are left */
async function appendWhole(
  encoder: ParquetEncoder,
  rows: PackedTable,
  rowGroupRows: number,
): Promise<PackedTable> {
  const order = rows.sorted();
  const full = order.length - (order.length % rowGroupRows);
  await encoder.append(rows, order.subarray(0, full));
  const rest = new PackedTable(rows.table);
  for (const row of order.subarray(full)) rest.pushFrom(rows, row);
  return rest;
}
