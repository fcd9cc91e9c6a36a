/** A column of rows in memory, packed: a row takes 1 to 8 bytes here, some 20 in an object of its own. */
import type { Cell, Column } from "./rows.ts";

/** What a Parquet writer takes: 64-bit integers as such. */
export type ParquetValue = string | number | bigint | boolean | null;

export interface PackedColumn {
  push(cell: Cell): void;
  cell(row: number): Cell;
  /** The cells of some rows, as its type is written. */
  values(rows: Uint32Array): ParquetValue[];
  /** A number for each row by which its cells sort, nulls first. */
  ranks(): Float64Array | Uint32Array;
}

export function packedColumn({ type }: Pick<Column<never>, "type">): PackedColumn {
  if (type === "VARCHAR") return new TextColumn();
  if (type === "BOOLEAN") return new FlagColumn((value) => value === 1);
  if (type === "DOUBLE") return new NumberColumn((value) => value);
  if (type === "INTEGER") return new NumberColumn((value) => Math.round(value));
  return new NumberColumn((value) => BigInt(Math.round(value)));
}

const NONE = Buffer.alloc(0);

/** Texts repeat: each stands here once. */
class TextColumn implements PackedColumn {
  readonly #texts: (string | null)[] = [];
  readonly #numbers = new Map<string | null, number>();
  #codes = new Uint32Array(1_024);
  #length = 0;

  push(cell: Cell): void {
    const text = cell as string | null;
    let code = this.#numbers.get(text);
    if (code === undefined) {
      code = this.#texts.length;
      this.#numbers.set(text, code);
      this.#texts.push(text);
    }
    if (this.#length === this.#codes.length) {
      const longer = new Uint32Array(2 * this.#length);
      longer.set(this.#codes);
      this.#codes = longer;
    }
    this.#codes[this.#length++] = code;
  }

  cell(row: number): Cell {
    return this.#texts[this.#codes[row] ?? 0] ?? null;
  }

  values(rows: Uint32Array): ParquetValue[] {
    return Array.from(rows, (row) => this.#texts[this.#codes[row] ?? 0] ?? null);
  }

  ranks(): Uint32Array {
    // By bytes, as DuckDB sorts: JavaScript puts what is beyond U+FFFF before U+E000.
    const bytes = this.#texts.map((text) => Buffer.from(text ?? ""));
    const sorted = [...bytes.keys()].sort((a, b) => Buffer.compare(bytes[a] ?? NONE, bytes[b] ?? NONE));
    const rankOf = new Uint32Array(sorted.length);
    for (const [rank, code] of sorted.entries()) rankOf[code] = rank;
    return Uint32Array.from(this.#codes.subarray(0, this.#length), (code) => rankOf[code] ?? 0);
  }
}

/** Numbers, instants and flags; NaN, which no JSON has, is null. */
class NumberColumn implements PackedColumn {
  readonly #written: (value: number) => ParquetValue;
  #numbers = new Float64Array(1_024);
  #length = 0;

  constructor(written: (value: number) => ParquetValue) {
    this.#written = written;
  }

  push(cell: Cell): void {
    if (this.#length === this.#numbers.length) {
      const longer = new Float64Array(2 * this.#length);
      longer.set(this.#numbers);
      this.#numbers = longer;
    }
    this.#numbers[this.#length++] = cell === null ? NaN : Number(cell);
  }

  cell(row: number): Cell {
    const value = this.#numbers[row] ?? NaN;
    return Number.isNaN(value) ? null : value;
  }

  values(rows: Uint32Array): ParquetValue[] {
    return Array.from(rows, (row) => {
      const value = this.#numbers[row] ?? NaN;
      return Number.isNaN(value) ? null : this.#written(value);
    });
  }

  ranks(): Float64Array {
    return this.#numbers.subarray(0, this.#length).map((value) => (Number.isNaN(value) ? -Infinity : value));
  }
}

class FlagColumn extends NumberColumn {
  override cell(row: number): Cell {
    const value = super.cell(row);
    return value === null ? null : value === 1;
  }
}
