/**
 * The rows of a stretch of history in the order of their log, an hour at a time, and the totals that were published of
 * them. Where the log's order is not that of time (a clock was set back), hours are read as one (cuts.ts).
 *
 *   time      │ hour      │ hour      │ hour   │
 *   offsets   │ 1 2 3 4 7 │ 5 6 8 9   │ 10 11  │      the first two are one window, the third is another
 */
import type { ArchiveReader } from "../read/archive-reader.ts";
import { stationBounds, stationRows, stationsAt, totalsRows, type RowsQuery } from "../read/archive-rows.ts";
import { cutsOf } from "./cuts.ts";
import type { StationRow } from "../files/rows.ts";

const WINDOW_MS = 3_600_000;

/** Totals that were published: of an area, after a raw offset. */
export interface PublishedTotals {
  readonly area: string;
  readonly partition: number;
  readonly throughOffset: number;
}

/** One window: rows by partition, in the order of the log. */
export interface PlayedWindow {
  readonly rows: ReadonlyMap<number, readonly StationRow[]>;
  /** Of this window and the next: that become known with it. */
  readonly totals: readonly PublishedTotals[];
  /** No rows follow. */
  readonly last: boolean;
}

export interface PlayedStretch {
  /** What was at its beginning. */
  readonly state: readonly StationRow[];
  readonly windows: AsyncGenerator<PlayedWindow>;
}

/** Hours that the beginning is put back at most, to where the log is in order. */
const MOST_HOURS_BACK = 24;

/** A stretch of one epoch of a system; it may begin a little earlier than asked for. */
export async function readStretch(reader: ArchiveReader, asked: RowsQuery): Promise<PlayedStretch> {
  const { system, epoch, toMs } = asked;
  const earliestMs = asked.fromMs - MOST_HOURS_BACK * WINDOW_MS;
  const canCut = cutsOf(
    await reader.query(async (snapshot, connection) =>
      stationBounds(reader.folder, snapshot, connection, { ...asked, fromMs: earliestMs }, asked.fromMs),
    ),
  );
  let fromHour = 0;
  while (fromHour > -MOST_HOURS_BACK && !canCut(fromHour)) fromHour -= 1;
  const edges = [asked.fromMs + fromHour * WINDOW_MS];
  for (let hour = fromHour + 1; asked.fromMs + hour * WINDOW_MS < toMs; hour += 1)
    if (canCut(hour)) edges.push(asked.fromMs + hour * WINDOW_MS);
  edges.push(toMs);
  const [fromMs = asked.fromMs] = edges;
  const state = await reader.query(async (snapshot, connection) =>
    stationsAt(reader.folder, snapshot, connection, { system, epoch, atMs: fromMs - 1 }),
  );
  return { state, windows: windowsOf(reader, asked, edges) };
}

async function* windowsOf(
  reader: ArchiveReader,
  stretch: RowsQuery,
  edges: readonly number[],
): AsyncGenerator<PlayedWindow> {
  let totalsFromMs = edges[0] ?? stretch.fromMs;
  for (let at = 0; at + 1 < edges.length; at += 1) {
    const [fromMs = 0, toMs = 0, aheadMs = toMs] = edges.slice(at, at + 3);
    const rows = await reader.query(async (snapshot, connection) =>
      stationRows(reader.folder, snapshot, connection, { ...stretch, fromMs, toMs }),
    );
    const totals = await totalsOf(reader, { ...stretch, fromMs: totalsFromMs, toMs: aheadMs });
    totalsFromMs = aheadMs;
    yield { rows: byPartition(rows), totals, last: at + 2 === edges.length };
  }
}

async function totalsOf(reader: ArchiveReader, window: RowsQuery): Promise<readonly PublishedTotals[]> {
  if (window.fromMs >= window.toMs) return [];
  const rows = await reader.query(async (snapshot, connection) =>
    totalsRows(reader.folder, snapshot, connection, window),
  );
  return rows.flatMap(({ area, throughPartition, throughOffset }) =>
    throughPartition === null || throughOffset === null
      ? []
      : [{ area, partition: throughPartition, throughOffset }],
  );
}

function byPartition(rows: readonly StationRow[]): ReadonlyMap<number, readonly StationRow[]> {
  const partitions = Map.groupBy(rows, ({ partition }) => partition);
  for (const own of partitions.values()) own.sort((a, b) => a.offset - b.offset);
  return partitions;
}
