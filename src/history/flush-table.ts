/** The rows of one flush and table in DuckDB, and which files they go to. */
import type { DuckDBConnection } from "@duckdb/node-api";
import { RowTable, typed } from "./append-rows.ts";
import { DAY_MS, dayStartMs } from "./layout.ts";
import type { PlainTable } from "./parquet-files.ts";
import { literal } from "./relation.ts";
import { RowGroups, type RowGroup } from "./row-groups.ts";
import { columnsOf, SYSTEM_COLUMN, type Column, type Row } from "./rows.ts";

export class FlushTable<R extends Row> {
  readonly table: PlainTable;
  rows = 0;
  /** Of the first row that tells: a tombstone does not. */
  simulated: boolean | null = null;
  readonly #rowTable: RowTable<R>;
  readonly #timeOf: (row: R) => number;
  readonly #groups = new RowGroups();

  private constructor(table: PlainTable, rowTable: RowTable<R>, timeOf: (row: R) => number) {
    this.table = table;
    this.#rowTable = rowTable;
    this.#timeOf = timeOf;
  }

  static async create<R extends Row>(
    connection: DuckDBConnection,
    table: PlainTable,
    timeOf: (row: R) => number,
  ): Promise<FlushTable<R>> {
    const columns = [SYSTEM_COLUMN, ...columnsOf(table)] as unknown as readonly Column<R>[];
    return new FlushTable(table, await RowTable.create(connection, nameOf(table), columns), timeOf);
  }

  get name(): string {
    return nameOf(this.table);
  }

  async append(rows: readonly R[]): Promise<void> {
    this.rows += rows.length;
    for (const row of rows) {
      this.#groups.add(row.system, row.epoch, this.#timeOf(row));
      if (!("event" in row && row.event === "removed")) this.simulated ??= row.simulated;
    }
    await this.#rowTable.append(rows);
  }

  /** All rows are there: the files that they go to. */
  close(): readonly RowGroup[] {
    this.#rowTable.close();
    return this.#groups.groups();
  }

  /** The rows of a file. */
  readonly select = ({ day, system }: RowGroup): string => {
    const columns = columnsOf(this.table);
    const time = this.table === "stations" ? "observed_at" : "as_of";
    const fromMs = dayStartMs(day);
    const ofDay = `FROM ${this.name} WHERE ${time} >= ${fromMs} AND ${time} < ${fromMs + DAY_MS}`;
    return system === null
      ? `SELECT system, ${typed(columns)} ${ofDay}`
      : `SELECT ${typed(columns)} ${ofDay} AND system = ${literal(system)}`;
  };
}

function nameOf(table: PlainTable): string {
  return `flushed_${table}`;
}
