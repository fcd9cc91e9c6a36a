/** What a row of a table of fields may say, and the TypeScript types that follow from it (station-fields.ts, totals-fields.ts). */

/**
 * - `text`, `degrees`, `flag`: what they are called
 * - `id`: text, or a whole number whose text form counts
 * - `count`: a whole number from 0 on
 * - `time`: epoch ms; of the feed's own fields in any spelling of GBFS
 * - `mark`: true, or not there at all
 */
export type FieldType = "text" | "id" | "count" | "degrees" | "flag" | "time" | "mark";

export interface Field {
  /** Its name in the record's JSON. */
  readonly key: string;
  /** Its name in the program. */
  readonly name: string;
  readonly type: FieldType;
  /** Never null: what has none is no such record. */
  readonly required?: true;
  /** Its name in the archive's files; absent: it is not stored there, or in another form. */
  readonly column?: string;
  /** One sentence or less, for the tables of the documentation and of the API; of a mark, when it is there. */
  readonly about: string;
}

/** A value of any field. */
export type FieldValue = string | number | boolean | null;

export type ValueOf<F extends Pick<Field, "type">> =
  | (F["type"] extends "text" | "id" ? string : F["type"] extends "flag" | "mark" ? boolean : number)
  | (F extends { readonly required: true } | { readonly type: "mark" } ? never : null);

/** The values of some fields, by their names in the program. */
export type ValuesOf<F extends Field> = { readonly [R in F as R["name"]]: ValueOf<R> };

/** The types of SQL and Parquet that the archive knows. */
export type ColumnType = "VARCHAR" | "BOOLEAN" | "INTEGER" | "BIGINT" | "DOUBLE" | "TIMESTAMP_MS";

/** Counts are BIGINT: a stranger's may be any. */
const COLUMN_TYPES: Readonly<Record<FieldType, ColumnType>> = {
  text: "VARCHAR",
  id: "VARCHAR",
  count: "BIGINT",
  degrees: "DOUBLE",
  flag: "BOOLEAN",
  time: "TIMESTAMP_MS",
  mark: "BOOLEAN",
};

export interface FieldColumn {
  readonly name: string;
  readonly key: string;
  readonly type: ColumnType;
}

/** The columns of the fields that are stored, in the table's order. */
export function columnsOfFields(fields: readonly Field[]): readonly FieldColumn[] {
  return fields.flatMap(({ name, column, type }) =>
    column === undefined ? [] : [{ name: column, key: name, type: COLUMN_TYPES[type] }],
  );
}

/**
 * An object that has all of these members, null: copies of it have one shape, and take no more memory than an object that
 * is written out in the program.
 */
export function blankOf(names: readonly string[]): Readonly<Record<string, null>> {
  return JSON.parse(JSON.stringify(Object.fromEntries(names.map((name) => [name, null])))) as Record<
    string,
    null
  >;
}
