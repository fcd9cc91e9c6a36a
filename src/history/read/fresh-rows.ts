/**
 * Rows that are in the journal only, as a reader holds them: packed, for there may be 20,000, and a question is about one
 * station or area of them.
 */
import type { PackedTable } from "../files/packed-table.ts";
import type { Cell, Column } from "../files/rows.ts";

/** The first rows of a table that may grow. */
interface Part {
  readonly rows: PackedTable;
  readonly length: number;
}

export class FreshRows<R extends { readonly system: string }> {
  readonly #parts: readonly Part[];

  constructor(parts: readonly Part[]) {
    this.#parts = parts;
  }

  /** Rows whose columns have these values, in the journal's order; without any, all. */
  where(values: { readonly [K in Column<R>["name"]]?: Cell } = {}): readonly R[] {
    const found: R[] = [];
    for (const { rows, length } of this.#parts) {
      const asked = rows.columns.flatMap(({ column, packed }) => {
        const value = values[column.name];
        return value === undefined ? [] : [{ packed, value }];
      });
      for (let row = 0; row < length; row += 1)
        if (asked.every(({ packed, value }) => packed.cell(row) === value))
          found.push(rows.row(row) as unknown as R);
    }
    return found;
  }
}
