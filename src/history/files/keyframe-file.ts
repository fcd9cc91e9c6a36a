/** The state that a system's rows lead to, as a file: what the reducers hold after them. As state-sql.ts says it in SQL. */
import { supersedesObservation, type Ranked } from "../../record/observation-order.ts";
import { SUMMED_FIELDS, type Counts } from "../../record/station-parts.ts";
import { writeBytes } from "./durable-files.ts";
import { realPath } from "./safe-paths.ts";
import { PackedTable, placeOf } from "./packed-table.ts";
import { ParquetEncoder, SEALED } from "./parquet-encoder.ts";
import type { KeyframeJob, MadeFile, PlainTable } from "./parquet-jobs.ts";
import type { Cell } from "./rows.ts";
import { byId, type Run } from "./sorted-files.ts";

/** A row of one station or area, and where it is. */
class RowAt {
  readonly rows: PackedTable;
  readonly row: number;

  constructor(rows: PackedTable, row: number) {
    this.rows = rows;
    this.row = row;
  }

  cell(name: string): Cell {
    return this.rows.cell(placeOf(this.rows.table, name), this.row);
  }

  number(name: string): number {
    return this.cell(name) as number;
  }
}

export async function keyframeFile(
  folder: string,
  { table, sources, epochs, system, path }: KeyframeJob,
): Promise<MadeFile> {
  const state = new PackedTable(table);
  for await (const runs of byId(folder, table, sources, system)) {
    const rows = rowsIn(runs).filter((row) => epochs.includes(row.number("epoch")));
    for (const { rows: from, row } of statesOf(table, rows)) state.pushFrom(from, row);
  }
  const encoder = await ParquetEncoder.open(table, system, SEALED[table]);
  await encoder.append(state, state.sorted());
  const bytes = await encoder.finish();
  await writeBytes(realPath(folder, path), bytes);
  return { bytes: bytes.length, rows: encoder.rows };
}

function rowsIn(runs: readonly Run[]): readonly RowAt[] {
  return runs.flatMap(({ rows, from, to }) =>
    Array.from({ length: to - from }, (_, index) => new RowAt(rows, from + index)),
  );
}

/** One row for each epoch (of a station: and partition) that it is there in. */
function statesOf(table: PlainTable, rows: readonly RowAt[]): readonly RowAt[] {
  const whose = (row: RowAt): string =>
    `${row.cell("epoch")} ${table === "stations" ? row.cell("log_partition") : ""}`;
  const state = table === "stations" ? stationState : areaState;
  return [...Map.groupBy(rows, whose).values()].flatMap((own) => state(own) ?? []);
}

/** The latest totals, unless they are a tombstone. */
function areaState(rows: readonly RowAt[]): RowAt | null {
  const last = rows.reduce((a, b) =>
    (b.number("as_of") - a.number("as_of") || b.number("log_offset") - a.number("log_offset")) > 0 ? b : a,
  );
  return last.cell("removed") === true ? null : last;
}

/** The observation that counts, of those after the last tombstone. */
function stationState(rows: readonly RowAt[]): RowAt | null {
  let goneOffset = -1;
  for (const row of rows)
    if (row.cell("event") === "removed") goneOffset = Math.max(goneOffset, row.number("log_offset"));
  let held: RowAt | null = null;
  for (const row of rows)
    if (row.cell("event") !== "removed" && row.number("log_offset") > goneOffset)
      if (held === null || supersedes(row, held)) held = row;
  return held;
}

function supersedes(next: RowAt, held: RowAt): boolean {
  const [a, b] = [ranked(next), ranked(held)];
  if (supersedesObservation(a, b, b.area)) return true;
  return !supersedesObservation(b, a, a.area) && next.number("log_offset") > held.number("log_offset");
}

function ranked(row: RowAt): Ranked & { readonly area: string } {
  const counts = Object.fromEntries(
    SUMMED_FIELDS.map(({ name, column = name }) => [name, row.cell(column)]),
  ) as unknown as Counts;
  return {
    ...counts,
    observedAtMs: row.number("observed_at"),
    retired: row.cell("event") !== "observed",
    area: (row.cell("area") ?? "") as string,
  };
}
