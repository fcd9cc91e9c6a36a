/** The rows of one flush and table in DuckDB, and which files they go to. */
import type { DuckDBConnection } from "@duckdb/node-api";
import { CellTable, typed, type Cells } from "./append-rows.ts";
import { DAY_MS, dayStartMs } from "./layout.ts";
import type { PlainTable } from "./parquet-files.ts";
import { literal } from "./relation.ts";
import { RowGroups, type RowGroup } from "./row-groups.ts";
import { columnsOf, SYSTEM_COLUMN } from "./rows.ts";

/** Rows as the journal has them: the system, then the table's columns. No objects are made of them. */
export class FlushTable {
  readonly table: PlainTable;
  rows = 0;
  /** Of the first row that tells: a tombstone does not. */
  simulated: boolean | null = null;
  readonly #cells: CellTable;
  readonly #groups = new RowGroups();
  readonly #place: Readonly<Record<"time" | "epoch" | "event" | "simulated", number>>;

  private constructor(table: PlainTable, cells: CellTable) {
    this.table = table;
    this.#cells = cells;
    const at = (name: string): number => 1 + columnsOf(table).findIndex((column) => column.name === name);
    this.#place = {
      time: at(timeOf(table)),
      epoch: at("epoch"),
      event: at("event"),
      simulated: at("simulated"),
    };
  }

  static async create(connection: DuckDBConnection, table: PlainTable): Promise<FlushTable> {
    const columns = [SYSTEM_COLUMN, ...columnsOf(table)];
    return new FlushTable(table, await CellTable.create(connection, nameOf(table), columns));
  }

  get name(): string {
    return nameOf(this.table);
  }

  async append(rows: readonly Cells[]): Promise<void> {
    this.rows += rows.length;
    const { time, epoch, event, simulated } = this.#place;
    for (const row of rows) {
      this.#groups.add(row[0] as string, row[epoch] as number, row[time] as number);
      // The table of areas has no events.
      if (this.simulated === null && (event === 0 || row[event] !== "removed"))
        this.simulated = row[simulated] as boolean;
    }
    await this.#cells.append(rows);
  }

  /** All rows are there: the files that they go to. */
  close(): readonly RowGroup[] {
    this.#cells.close();
    return this.#groups.groups();
  }

  /** The rows of a file. */
  select({ day, system }: RowGroup): string {
    const time = timeOf(this.table);
    const fromMs = dayStartMs(day);
    const columns = typed(columnsOf(this.table));
    const ofDay = `FROM ${this.name} WHERE ${this.name}.${time} >= ${fromMs} AND ${this.name}.${time} < ${fromMs + DAY_MS}`;
    return system === null
      ? `SELECT system, ${columns} ${ofDay}`
      : `SELECT ${columns} ${ofDay} AND system = ${literal(system)}`;
  }
}

function timeOf(table: PlainTable): string {
  return table === "stations" ? "observed_at" : "as_of";
}

function nameOf(table: PlainTable): string {
  return `flushed_${table}`;
}
