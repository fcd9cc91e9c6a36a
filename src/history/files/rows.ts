/**
 * The rows of the archive: one a raw record, one a totals record, and the one table that says how their fields are
 * called and typed in Parquet, in the journal and in SQL.
 */
import { asBoolean, asId, asTimeMs } from "../../record/feed-values.ts";
import type { RawRecord } from "../../record/raw-record.ts";
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

export interface StationRow extends LogPlace {
  readonly stationId: string;
  readonly observedAtMs: number;
  readonly event: StationEvent;
  readonly total: number | null;
  readonly electric: number | null;
  readonly mechanical: number | null;
  readonly docks: number | null;
  readonly isInstalled: boolean | null;
  readonly isRenting: boolean | null;
  readonly isReturning: boolean | null;
  readonly lastReportedMs: number | null;
  readonly area: string | null;
  readonly areaRule: string | null;
  readonly slot: number | null;
  readonly stationCode: string | null;
  readonly name: string | null;
  readonly lat: number | null;
  readonly lon: number | null;
  readonly capacity: number | null;
  readonly simulated: boolean;
}

export interface AreaRow extends LogPlace {
  readonly area: string;
  readonly asOfMs: number;
  /** A tombstone: no station is left. */
  readonly removed: boolean;
  readonly total: number | null;
  readonly electric: number | null;
  readonly mechanical: number | null;
  readonly docks: number | null;
  readonly stations: number | null;
  readonly stationsWithoutSplit: number | null;
  readonly simulated: boolean;
  readonly throughPartition: number | null;
  readonly throughOffset: number | null;
}

type ColumnType = "VARCHAR" | "BOOLEAN" | "INTEGER" | "BIGINT" | "DOUBLE" | "TIMESTAMP_MS";
export type Cell = string | number | boolean | null;

export interface Column<R> {
  readonly name: string;
  readonly key: keyof R & string;
  readonly type: ColumnType;
}

/** Columns of `stations` and `station_keyframes`, in the file's order. Counts are BIGINT: a stranger's may be any. */
export const STATION_COLUMNS: readonly Column<StationRow>[] = [
  { name: "station_id", key: "stationId", type: "VARCHAR" },
  { name: "observed_at", key: "observedAtMs", type: "TIMESTAMP_MS" },
  { name: "event", key: "event", type: "VARCHAR" },
  { name: "total", key: "total", type: "BIGINT" },
  { name: "electric", key: "electric", type: "BIGINT" },
  { name: "mechanical", key: "mechanical", type: "BIGINT" },
  { name: "docks", key: "docks", type: "BIGINT" },
  { name: "is_installed", key: "isInstalled", type: "BOOLEAN" },
  { name: "is_renting", key: "isRenting", type: "BOOLEAN" },
  { name: "is_returning", key: "isReturning", type: "BOOLEAN" },
  { name: "last_reported", key: "lastReportedMs", type: "TIMESTAMP_MS" },
  { name: "area", key: "area", type: "VARCHAR" },
  { name: "area_rule", key: "areaRule", type: "VARCHAR" },
  { name: "slot", key: "slot", type: "BIGINT" },
  { name: "station_code", key: "stationCode", type: "VARCHAR" },
  { name: "name", key: "name", type: "VARCHAR" },
  { name: "lat", key: "lat", type: "DOUBLE" },
  { name: "lon", key: "lon", type: "DOUBLE" },
  { name: "capacity", key: "capacity", type: "BIGINT" },
  { name: "simulated", key: "simulated", type: "BOOLEAN" },
  { name: "epoch", key: "epoch", type: "INTEGER" },
  { name: "log_partition", key: "partition", type: "INTEGER" },
  { name: "log_offset", key: "offset", type: "BIGINT" },
];

/** Columns of `areas` and `area_keyframes`. */
export const AREA_COLUMNS: readonly Column<AreaRow>[] = [
  { name: "area", key: "area", type: "VARCHAR" },
  { name: "as_of", key: "asOfMs", type: "TIMESTAMP_MS" },
  { name: "removed", key: "removed", type: "BOOLEAN" },
  { name: "total", key: "total", type: "BIGINT" },
  { name: "electric", key: "electric", type: "BIGINT" },
  { name: "mechanical", key: "mechanical", type: "BIGINT" },
  { name: "docks", key: "docks", type: "BIGINT" },
  { name: "stations", key: "stations", type: "BIGINT" },
  { name: "stations_without_split", key: "stationsWithoutSplit", type: "BIGINT" },
  { name: "simulated", key: "simulated", type: "BOOLEAN" },
  { name: "epoch", key: "epoch", type: "INTEGER" },
  { name: "log_partition", key: "partition", type: "INTEGER" },
  { name: "log_offset", key: "offset", type: "BIGINT" },
  { name: "through_partition", key: "throughPartition", type: "INTEGER" },
  { name: "through_offset", key: "throughOffset", type: "BIGINT" },
];

export type Row = StationRow | AreaRow;

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

export function stationRow(record: RawRecord, place: Omit<LogPlace, "system">): StationRow {
  const { value } = record;
  return {
    system: record.systemId,
    ...place,
    stationId: record.stationId,
    observedAtMs: record.observedAtMs,
    event: record.retired ? "retired" : "observed",
    total: record.total,
    electric: record.electric,
    mechanical: record.mechanical,
    docks: record.docks,
    isInstalled: asBoolean(value["is_installed"]),
    isRenting: asBoolean(value["is_renting"]),
    isReturning: asBoolean(value["is_returning"]),
    lastReportedMs: asTimeMs(value["last_reported"]),
    area: record.area,
    areaRule: record.areaRule,
    slot: record.slot,
    stationCode: asId(value["stationCode"]),
    name: record.name,
    lat: record.lat,
    lon: record.lon,
    capacity: record.capacity,
    simulated: record.simulated,
  };
}

/** The row of a tombstone: it happened at the record's own time. */
export function removedStationRow(stationId: string, atMs: number, place: LogPlace): StationRow {
  const nothing = Object.fromEntries(STATION_COLUMNS.map(({ key }) => [key, null]));
  return {
    ...(nothing as unknown as StationRow),
    ...place,
    stationId,
    observedAtMs: atMs,
    event: "removed",
    simulated: false,
  };
}

export function areaRow(totals: Totals, through: Through | null, place: Omit<LogPlace, "system">): AreaRow {
  return {
    system: totals.systemId,
    ...place,
    area: totals.area,
    asOfMs: totals.asOfMs,
    removed: false,
    total: totals.total,
    electric: totals.electric,
    mechanical: totals.mechanical,
    docks: totals.docks,
    stations: totals.stations,
    stationsWithoutSplit: totals.stationsWithoutSplit,
    simulated: totals.simulated,
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
    ...place,
    area,
    asOfMs: atMs,
    removed: true,
    total: null,
    electric: null,
    mechanical: null,
    docks: null,
    stations: null,
    stationsWithoutSplit: null,
    simulated: false,
    throughPartition: through?.partition ?? null,
    throughOffset: through?.offset ?? null,
  };
}
