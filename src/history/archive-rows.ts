/** Whole rows of the archive: the state of every station at an instant, and what happened over a range. */
import type { DuckDBConnection } from "@duckdb/node-api";
import { DAY_MS, dayOf, dayStartMs } from "./layout.ts";
import { stateSources } from "./keyframes.ts";
import { appendRows, fileList, stateSql, typed } from "./parquet.ts";
import { AREA_COLUMNS, STATION_COLUMNS, type Cell, type Column, type StationRow } from "./rows.ts";
import type { Snapshot } from "./snapshot.ts";

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
    (file) => file.table === "stations" && file.system === system && file.day === day,
  );
  const files = [...stateSources(snapshot.manifest, "stations", system, day), ...own].map(({ path }) => path);
  const fresh = snapshot.fresh.stations.filter((row) => row.system === system);
  await appendRows(connection, "fresh_stations", STATION_COLUMNS, fresh);
  const parts = [`SELECT ${typed(STATION_COLUMNS)} FROM fresh_stations`];
  if (files.length > 0) parts.push(`SELECT * FROM read_parquet(${fileList(folder, files)})`);
  const rows = `(SELECT * FROM (${parts.join(" UNION ALL BY NAME ")}) WHERE epoch_ms(observed_at) <= ${atMs})`;
  const state = await readRows(
    connection,
    system,
    STATION_COLUMNS,
    `(${stateSql("stations", rows, [epoch])})`,
  );
  await connection.run("DROP TABLE fresh_stations");
  return state;
}

/** What happened to a system's stations on one UTC day, in the order of the log within each epoch and partition. */
export async function stationRowsOfDay(
  folder: string,
  snapshot: Snapshot,
  connection: DuckDBConnection,
  system: string,
  day: string,
): Promise<readonly StationRow[]> {
  const files = snapshot.manifest.files.filter(
    (file) => file.table === "stations" && file.system === system && file.day === day,
  );
  const rows =
    files.length === 0
      ? []
      : await readRows(
          connection,
          system,
          STATION_COLUMNS,
          `read_parquet(${fileList(
            folder,
            files.map(({ path }) => path),
          )})`,
        );
  const fresh = snapshot.fresh.stations.filter(
    (row) => row.system === system && dayOf(row.observedAtMs) === day,
  );
  return [...rows, ...fresh].sort(
    (a, b) => a.epoch - b.epoch || a.partition - b.partition || a.offset - b.offset,
  );
}

/** By `epoch:partition` of the raw topic: the offsets up to which totals were published on a day, ascending. */
export async function throughOffsetsOfDay(
  folder: string,
  snapshot: Snapshot,
  connection: DuckDBConnection,
  system: string,
  day: string,
): Promise<ReadonlyMap<string, readonly number[]>> {
  // Totals may carry the time of an observation just before midnight, and the other way round.
  const days = [dayOf(dayStartMs(day) - DAY_MS), day, dayOf(dayStartMs(day) + DAY_MS)];
  const files = snapshot.manifest.files.filter(
    (file) => file.table === "areas" && file.system === system && days.includes(file.day),
  );
  const rows =
    files.length === 0
      ? []
      : await readRows(
          connection,
          system,
          AREA_COLUMNS.filter(({ key }) => ["epoch", "throughPartition", "throughOffset"].includes(key)),
          `(SELECT DISTINCT epoch, through_partition, through_offset FROM read_parquet(${fileList(
            folder,
            files.map(({ path }) => path),
          )}))`,
        );
  const offsets = new Map<string, Set<number>>();
  for (const { epoch, throughPartition, throughOffset } of [
    ...rows,
    ...snapshot.fresh.areas.filter((row) => row.system === system),
  ]) {
    if (throughPartition === null || throughOffset === null) continue;
    const id = `${epoch}:${throughPartition}`;
    const held = offsets.get(id) ?? new Set();
    offsets.set(id, held.add(throughOffset));
  }
  return new Map([...offsets].map(([id, held]) => [id, [...held].sort((a, b) => a - b)]));
}
