/** Rows of one table in memory, packed, and the order in which they lie in files. */
import { packedColumn, type PackedColumn } from "./packed-column.ts";
import type { PlainTable } from "./parquet-jobs.ts";
import { columnsOf, SYSTEM_COLUMN, type Cell, type Column, type Row } from "./rows.ts";

/** One station's (or area's) rows together, in order of time; before that, one system's. */
const ORDER: Readonly<Record<PlainTable, readonly [id: string, time: string, ...then: string[]]>> = {
  stations: ["station_id", "observed_at", "log_partition", "log_offset"],
  areas: ["area", "as_of", "log_offset"],
};

export interface NamedColumn {
  readonly column: Column<Row>;
  readonly packed: PackedColumn;
}

const COLUMNS: Readonly<Record<PlainTable, readonly Column<Row>[]>> = {
  stations: [SYSTEM_COLUMN, ...columnsOf("stations")],
  areas: [SYSTEM_COLUMN, ...columnsOf("areas")],
};

/** Asked for each cell of a keyframe's rows. */
const PLACES = {
  stations: new Map(COLUMNS.stations.map(({ name }, place) => [name, place])),
  areas: new Map(COLUMNS.areas.map(({ name }, place) => [name, place])),
};

/** The columns of a table's rows in memory: `system`, then those of its files. */
export function allColumns(table: PlainTable): readonly Column<Row>[] {
  return COLUMNS[table];
}

/** Where a column stands among `allColumns`; -1 where the table has none of that name. */
export function placeOf(table: PlainTable, name: string): number {
  return PLACES[table].get(name) ?? -1;
}

export class PackedTable {
  readonly table: PlainTable;
  /** `system` first, then the table's. */
  readonly columns: readonly NamedColumn[];
  readonly #packed: readonly PackedColumn[];
  #length = 0;

  constructor(table: PlainTable) {
    this.table = table;
    this.columns = allColumns(table).map((column) => ({ column, packed: packedColumn(column) }));
    this.#packed = this.columns.map(({ packed }) => packed);
  }

  get length(): number {
    return this.#length;
  }

  /** A row as the journal has it. No object is made of it. */
  push(cells: readonly Cell[]): void {
    for (let at = 0; at < this.#packed.length; at += 1) this.#packed[at]?.push(cells[at] ?? null);
    this.#length += 1;
  }

  pushFrom(other: PackedTable, row: number): void {
    for (let at = 0; at < this.#packed.length; at += 1)
      this.#packed[at]?.push(other.#packed[at]?.cell(row) ?? null);
    this.#length += 1;
  }

  /** @param place among `allColumns` */
  cell(place: number, row: number): Cell {
    return this.#packed[place]?.cell(row) ?? null;
  }

  /** A row as an object. */
  row(row: number): Row {
    const fields: Record<string, Cell> = {};
    for (const { column, packed } of this.columns) fields[column.key] = packed.cell(row);
    return fields as unknown as Row;
  }

  /**
   * The rows, in the order of a file. They come in order of time, nearly always: they are dealt out to their ids, then
   * ids to their systems, and only what is out of order then is compared.
   */
  sorted(): Uint32Array {
    const [id, ...then] = ORDER[this.table];
    const ids = this.#ranks(id);
    const systems = this.#ranks("system");
    const order = dealt(
      dealt(
        Uint32Array.from({ length: this.#length }, (_, row) => row),
        ids,
      ),
      systems,
    );
    const keys = then.map((name) => this.#ranks(name));
    const compare = (a: number, b: number): number => {
      for (const key of keys) {
        const difference = (key[a] ?? 0) - (key[b] ?? 0);
        if (difference !== 0 && !Number.isNaN(difference)) return difference;
      }
      return a - b;
    };
    for (let from = 0; from < order.length;) {
      const first = order[from] ?? 0;
      let to = from + 1;
      let isSorted = true;
      for (; to < order.length; to += 1) {
        const [before = 0, row = 0] = [order[to - 1], order[to]];
        if (ids[row] !== ids[first] || systems[row] !== systems[first]) break;
        isSorted &&= compare(before, row) <= 0;
      }
      if (!isSorted) order.subarray(from, to).sort(compare);
      from = to;
    }
    return order;
  }

  #ranks(name: string): Float64Array | Uint32Array {
    return this.#packed[placeOf(this.table, name)]?.ranks() ?? new Uint32Array(this.#length);
  }
}

/** The rows by rank, those of one rank as they were. */
function dealt(rows: Uint32Array, ranks: Float64Array | Uint32Array): Uint32Array {
  let most = 0;
  for (const rank of ranks) if (rank > most) most = rank;
  const places = new Uint32Array(most + 2);
  for (const rank of ranks) places[rank + 1] = (places[rank + 1] ?? 0) + 1;
  for (let rank = 1; rank < places.length; rank += 1)
    places[rank] = (places[rank] ?? 0) + (places[rank - 1] ?? 0);
  const order = new Uint32Array(rows.length);
  for (const row of rows) {
    const rank = ranks[row] ?? 0;
    const place = places[rank] ?? 0;
    order[place] = row;
    places[rank] = place + 1;
  }
  return order;
}
