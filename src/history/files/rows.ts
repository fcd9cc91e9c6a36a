/**
 * The rows of the archive: one a raw record, one a totals record, and how their fields are called and typed
 * in Parquet, in the journal and in SQL (record/station-fields.ts, record/totals-fields.ts).
 */
import { columnsOfFields, type ColumnType, type Field, type FieldColumn } from "../../record/fields.ts";
import type { RawRecord } from "../../record/raw-record.ts";
import { STATION_FIELDS } from "../../record/station-fields.ts";
import type { StoredValues } from "../../record/station-parts.ts";
import { TOTALS_FIELDS, type StoredTotals } from "../../record/totals-fields.ts";
import type { Through, Totals } from "../../record/totals-record.ts";
import type { Table } from "./layout.ts";

/** Where a row comes from: its place in the log. */
interface LogPlace {
  readonly system: string;
  /** Which log's life it belongs to: offsets are comparable within one only. */
  readonly epoch: number;
  readonly partition: number;
  readonly offset: number;
}

/** What happened: an observation, a last word with zero counts, or a tombstone. */
type StationEvent = "observed" | "retired" | "removed";

export interface StationRow
  extends LogPlace, Nullable<Omit<StoredValues, "stationId" | "observedAtMs" | "simulated">> {
  readonly stationId: string;
  readonly observedAtMs: number;
  readonly event: StationEvent;
  readonly simulated: boolean;
}

export interface AreaRow extends LogPlace, Nullable<Omit<StoredTotals, "area" | "asOfMs" | "simulated">> {
  readonly area: string;
  readonly asOfMs: number;
  /** A tombstone: no station is left. */
  readonly removed: boolean;
  readonly simulated: boolean;
  readonly throughPartition: number | null;
  readonly throughOffset: number | null;
}

/** A tombstone says nothing of it. */
type Nullable<T> = { readonly [K in keyof T]: T[K] | null };

export type Cell = string | number | boolean | null;

export interface Column<R> {
  readonly name: string;
  readonly key: keyof R & string;
  readonly type: ColumnType;
}

/**
 * The columns in the order in which the journal's frames have their cells, which frames of earlier versions have too: those
 * of format 1 first, as they were; then what the tables of fields have got since.
 */
function ordered<R>(
  known: string,
  own: readonly Column<R>[],
  fields: readonly FieldColumn[],
): readonly Column<R>[] {
  const all = [...own, ...(fields as unknown as readonly Column<R>[])];
  const first = known.split(" ").flatMap((name) => all.filter((column) => column.name === name));
  return [...first, ...all.filter((column) => !first.includes(column))];
}

const IN_THE_LOG = [
  { name: "epoch", key: "epoch", type: "INTEGER" },
  { name: "log_partition", key: "partition", type: "INTEGER" },
  { name: "log_offset", key: "offset", type: "BIGINT" },
] as const;

const STATIONS_FIRST =
  "station_id observed_at event total electric mechanical docks is_installed is_renting is_returning last_reported area area_rule slot station_code name lat lon capacity simulated epoch log_partition log_offset";
const AREAS_FIRST =
  "area as_of removed total electric mechanical docks stations stations_without_split simulated epoch log_partition log_offset through_partition through_offset";

/** Columns of `stations` and `station_keyframes`, in the file's order. */
export const STATION_COLUMNS: readonly Column<StationRow>[] = ordered<StationRow>(
  STATIONS_FIRST,
  [{ name: "event", key: "event", type: "VARCHAR" }, ...IN_THE_LOG],
  columnsOfFields(STATION_FIELDS),
);

/** Columns of `areas` and `area_keyframes`. */
export const AREA_COLUMNS: readonly Column<AreaRow>[] = ordered<AreaRow>(
  AREAS_FIRST,
  [
    { name: "removed", key: "removed", type: "BOOLEAN" },
    ...IN_THE_LOG,
    { name: "through_partition", key: "throughPartition", type: "INTEGER" },
    { name: "through_offset", key: "throughOffset", type: "BIGINT" },
  ],
  columnsOfFields(TOTALS_FIELDS),
);

export type Row = StationRow | AreaRow;

/** Columns that files of format 1 and 2 do not all have. */
export function addedColumns(table: Table): readonly Column<Row>[] {
  const first = (table.startsWith("station") ? STATIONS_FIRST : AREAS_FIRST).split(" ");
  return columnsOf(table).filter(({ name }) => !first.includes(name));
}

/** What records and the API call a column, where that is another name: queries may use either. */
export function otherNames(table: Table): readonly { readonly column: string; readonly as: string }[] {
  const fields: readonly (Field & { readonly served?: string; readonly alias?: string })[] = table.startsWith(
    "station",
  )
    ? STATION_FIELDS
    : TOTALS_FIELDS;
  const named = fields.flatMap(({ key, column, alias, served: as = alias ?? key }) =>
    column === undefined || column === as ? [] : [{ column, as }],
  );
  return [{ column: SYSTEM_COLUMN.name, as: "system_id" }, ...named];
}

export function columnsOf(table: Table): readonly Column<Row>[] {
  const columns = table.startsWith("station") ? STATION_COLUMNS : AREA_COLUMNS;
  return columns as unknown as readonly Column<Row>[];
}

/** Of files that several systems share, and of views: the first column. */
export const SYSTEM_COLUMN: Column<Row> = { name: "system", key: "system", type: "VARCHAR" };

/** The row as the journal holds it: the system, then the columns. */
export function toCells<R extends { readonly system: string }>(
  row: R,
  columns: readonly Column<R>[],
): readonly Cell[] {
  return [row.system, ...columns.map(({ key }) => row[key] as Cell)];
}

/** The row again; what a newer version added is ignored. */
export function fromCells<R extends { readonly system: string }>(
  cells: readonly Cell[],
  columns: readonly Column<R>[],
): R {
  const fields = columns.map(({ key }, index): [string, Cell] => [key, cells[index + 1] ?? null]);
  return Object.fromEntries([["system", cells[0] ?? ""], ...fields]) as unknown as R;
}

/** Of these values, those that the archive stores. */
function stored(fields: readonly Field[], values: object): Record<string, Cell> {
  const row: Record<string, Cell> = {};
  for (const { name, column } of fields)
    if (column !== undefined) row[name] = (values as Readonly<Record<string, Cell>>)[name] ?? null;
  return row;
}

export function stationRow(record: RawRecord, place: Omit<LogPlace, "system">): StationRow {
  return {
    ...(stored(STATION_FIELDS, record) as unknown as StationRow),
    system: record.systemId,
    ...place,
    event: record.retired ? "retired" : "observed",
  };
}

/** The row of a tombstone: it happened at the record's own time. */
export function removedStationRow(stationId: string, atMs: number, place: LogPlace): StationRow {
  return {
    ...(stored(STATION_FIELDS, {}) as unknown as StationRow),
    ...place,
    stationId,
    observedAtMs: atMs,
    event: "removed",
    simulated: false,
  };
}

export function areaRow(totals: Totals, through: Through | null, place: Omit<LogPlace, "system">): AreaRow {
  return {
    ...(stored(TOTALS_FIELDS, totals) as unknown as AreaRow),
    system: totals.systemId,
    ...place,
    removed: false,
    throughPartition: through?.partition ?? null,
    throughOffset: through?.offset ?? null,
  };
}

export function removedAreaRow(
  area: string,
  atMs: number,
  through: Through | null,
  place: LogPlace,
): AreaRow {
  return {
    ...(stored(TOTALS_FIELDS, {}) as unknown as AreaRow),
    ...place,
    area,
    asOfMs: atMs,
    removed: true,
    simulated: false,
    throughPartition: through?.partition ?? null,
    throughOffset: through?.offset ?? null,
  };
}
