/** Whole rows of the archive: the state of every station at an instant, and what happened over a range. */
import type { DuckDBConnection } from "@duckdb/node-api";
import { dayOf } from "../files/layout.ts";
import { stateSources } from "../files/keyframes.ts";
import { appendRows, typed } from "../sql/append-rows.ts";
import { mayHold } from "../files/manifest.ts";
import type { HourBounds } from "../playback/cuts.ts";
import { literal, rowsOfSystem } from "../sql/relation.ts";
import {
  AREA_COLUMNS,
  STATION_COLUMNS,
  type AreaRow,
  type Cell,
  type Column,
  type StationRow,
} from "../files/rows.ts";
import type { Snapshot } from "./snapshot.ts";
import { stateSql } from "../sql/state-sql.ts";

const HOUR_MS = 3_600_000;

/** The select list that gives columns as JavaScript numbers, texts and booleans. */
function plain<R>(columns: readonly Column<R>[]): string {
  return columns
    .map(({ name, type }) => {
      if (type === "TIMESTAMP_MS") return `epoch_ms(${name})::DOUBLE`;
      return type === "BIGINT" || type === "INTEGER" ? `${name}::DOUBLE` : name;
    })
    .join(", ");
}

async function readRows<R>(
  connection: DuckDBConnection,
  system: string,
  columns: readonly Column<R>[],
  from: string,
): Promise<R[]> {
  const result = await connection.run(`SELECT ${plain(columns)} FROM ${from}`);
  const rows: R[] = [];
  for (const chunk of await result.fetchAllChunks()) {
    const vectors = columns.map((_, at) => chunk.getColumnVector(at));
    for (let at = 0; at < chunk.rowCount; at += 1) {
      const row: Record<string, Cell> = { system };
      for (const [index, { key }] of columns.entries()) row[key] = vectors[index]?.getItem(at) as Cell;
      rows.push(row as unknown as R);
    }
  }
  return rows;
}

/**
 * The state of every station of a system at an instant, as the reducers of an epoch held it: after all rows with a time
 * up to and including `atMs`.
 */
export async function stationsAt(
  folder: string,
  snapshot: Snapshot,
  connection: DuckDBConnection,
  { system, epoch, atMs }: { readonly system: string; readonly epoch: number; readonly atMs: number },
): Promise<readonly StationRow[]> {
  const day = dayOf(atMs);
  const own = snapshot.manifest.files.filter(
    (file) => file.table === "stations" && file.day === day && mayHold(file, system),
  );
  const files = [...stateSources(snapshot.manifest, "stations", system, day), ...own];
  const fresh = snapshot.fresh.stations.where({ system });
  await appendRows(connection, "fresh_stations", STATION_COLUMNS, fresh);
  const parts = [`SELECT ${typed(STATION_COLUMNS)} FROM fresh_stations`];
  if (files.length > 0) parts.push(`SELECT * FROM ${rowsOfSystem(folder, "stations", files, system)}`);
  const rows = `(SELECT ${literal(system)} AS system, * FROM (${parts.join(" UNION ALL BY NAME ")}) WHERE epoch_ms(observed_at) <= ${atMs})`;
  const state = await readRows(
    connection,
    system,
    STATION_COLUMNS,
    `(${stateSql("stations", rows, [epoch])})`,
  );
  await connection.run("DROP TABLE fresh_stations");
  return state;
}

/** Rows of one epoch of a system with a time from `fromMs` up to, not including, `toMs`. */
export interface RowsQuery {
  readonly system: string;
  readonly epoch: number;
  readonly fromMs: number;
  readonly toMs: number;
}

/** What happened to a system's stations, in no order. */
export async function stationRows(
  folder: string,
  snapshot: Snapshot,
  connection: DuckDBConnection,
  query: RowsQuery,
): Promise<readonly StationRow[]> {
  const rows = await rowsBetween(folder, snapshot, connection, query, "stations", STATION_COLUMNS);
  const fresh = snapshot.fresh.stations
    .where({ system: query.system, epoch: query.epoch })
    .filter((row) => isAsked(query, row, row.observedAtMs));
  return [...rows, ...fresh];
}

/** The offsets of a system's stations by partition and hour, hours counted from `zeroMs`. */
export async function stationBounds(
  folder: string,
  snapshot: Snapshot,
  connection: DuckDBConnection,
  query: RowsQuery,
  zeroMs: number,
): Promise<readonly HourBounds[]> {
  const fresh = snapshot.fresh.stations
    .where({ system: query.system, epoch: query.epoch })
    .filter((row) => isAsked(query, row, row.observedAtMs));
  const hourOf = (atMs: number): number => Math.floor((atMs - zeroMs) / HOUR_MS);
  const bounds = fresh.map(({ partition, offset, observedAtMs }): HourBounds => ({
    partition,
    hour: hourOf(observedAtMs),
    first: offset,
    last: offset,
  }));
  const from = relationBetween(folder, snapshot, query, "stations");
  if (from === null) return joined(bounds);
  const result = await connection.runAndReadAll(
    `SELECT log_partition::DOUBLE, floor((epoch_ms(observed_at) - ${zeroMs}) / ${HOUR_MS}.0)::DOUBLE AS hour,
       min(log_offset)::DOUBLE, max(log_offset)::DOUBLE FROM ${from} GROUP BY log_partition, hour`,
  );
  for (const [partition, hour, first, last] of result.getRowsJS() as number[][])
    bounds.push({ partition: partition ?? 0, hour: hour ?? 0, first: first ?? 0, last: last ?? 0 });
  return joined(bounds);
}

/** One for each partition and hour. */
function joined(bounds: readonly HourBounds[]): readonly HourBounds[] {
  return [...Map.groupBy(bounds, ({ partition, hour }) => `${partition} ${hour}`).values()].map((same) =>
    same.reduce((a, b) => ({
      ...a,
      first: Math.min(a.first, b.first),
      last: Math.max(a.last, b.last),
    })),
  );
}

/**
 * What totals of a system were published: of which area, and through which raw offset; in no order.
 * @param most rows of the files, when a few are enough
 */
export async function totalsRows(
  folder: string,
  snapshot: Snapshot,
  connection: DuckDBConnection,
  query: RowsQuery,
  most?: number,
): Promise<readonly Pick<AreaRow, "area" | "throughPartition" | "throughOffset">[]> {
  const columns = AREA_COLUMNS.filter(({ key }) => PUBLISHED.includes(key));
  const rows = await rowsBetween(folder, snapshot, connection, query, "areas", columns, most);
  const fresh = snapshot.fresh.areas
    .where({ system: query.system, epoch: query.epoch })
    .filter((row) => isAsked(query, row, row.asOfMs));
  return [...rows, ...fresh];
}

const PUBLISHED: readonly string[] = [
  "area",
  "throughPartition",
  "throughOffset",
] satisfies (keyof AreaRow)[];

async function rowsBetween<R>(
  folder: string,
  snapshot: Snapshot,
  connection: DuckDBConnection,
  query: RowsQuery,
  table: "stations" | "areas",
  columns: readonly Column<R>[],
  most?: number,
): Promise<R[]> {
  const from = relationBetween(folder, snapshot, query, table);
  if (from === null) return [];
  const limit = most === undefined ? "" : ` LIMIT ${most}`;
  return readRows(connection, query.system, columns, `${from}${limit}`);
}

/** What follows FROM for the rows that are in files; null when no file can have any. */
function relationBetween(
  folder: string,
  { manifest }: Snapshot,
  { system, epoch, fromMs, toMs }: RowsQuery,
  table: "stations" | "areas",
): string | null {
  const [first, last] = [dayOf(fromMs), dayOf(toMs - 1)];
  const files = manifest.files.filter(
    (file) => file.table === table && file.day >= first && file.day <= last && mayHold(file, system),
  );
  if (files.length === 0) return null;
  const time = `epoch_ms(${table === "stations" ? "observed_at" : "as_of"})`;
  return `${rowsOfSystem(folder, table, files, system)} WHERE epoch = ${epoch} AND ${time} >= ${fromMs} AND ${time} < ${toMs}`;
}

function isAsked(
  { system, epoch, fromMs, toMs }: RowsQuery,
  row: { readonly system: string; readonly epoch: number },
  atMs: number,
): boolean {
  return row.system === system && row.epoch === epoch && atMs >= fromMs && atMs < toMs;
}
