/**
 * The rows of a stretch of history in the order of their log, an hour at a time, and the totals that were published of
 * them. Where the log's order is not that of time (a clock was set back), hours are read as one.
 *
 *   time      │ hour      │ hour      │ hour   │
 *   offsets   │ 1 2 3 4 7 │ 5 6 8 9   │ 10 11  │      the first two are one window, the third is another
 */
import type { ArchiveReader } from "./archive-reader.ts";
import { stationRows, stationsAt, totalsRows, type RowsQuery } from "./archive-rows.ts";
import type { StationRow } from "./rows.ts";

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
  const read = async (window: Window): Promise<ByPartition> =>
    reader.query(async (snapshot, connection) =>
      byPartition(await stationRows(reader.folder, snapshot, connection, { ...asked, ...window })),
    );
  let { fromMs } = asked;
  let rows = await read(windowAt(asked, fromMs));
  for (let hours = 0; hours < MOST_HOURS_BACK; hours += 1) {
    const before = await read({ fromMs: fromMs - WINDOW_MS, toMs: fromMs });
    if (!overlap(before, rows)) break;
    fromMs -= WINDOW_MS;
    rows = before;
  }
  const { system, epoch } = asked;
  const state = await reader.query(async (snapshot, connection) =>
    stationsAt(reader.folder, snapshot, connection, { system, epoch, atMs: fromMs - 1 }),
  );
  return { state, windows: windowsOf(reader, { ...asked, fromMs }, rows, read) };
}

interface Window {
  readonly fromMs: number;
  readonly toMs: number;
}
type ByPartition = Map<number, StationRow[]>;

async function* windowsOf(
  reader: ArchiveReader,
  stretch: RowsQuery,
  first: ByPartition,
  read: (window: Window) => Promise<ByPartition>,
): AsyncGenerator<PlayedWindow> {
  let totalsFromMs = stretch.fromMs;
  let rows = first;
  for (let window = windowAt(stretch, stretch.fromMs); ;) {
    const ahead = windowAt(stretch, window.toMs);
    const last = ahead.fromMs >= ahead.toMs;
    const next: ByPartition = last ? new Map() : await read(ahead);
    window = ahead;
    if (overlap(rows, next)) {
      rows = byPartition([...rows.values(), ...next.values()].flat());
      continue;
    }
    const totals = await totalsOf(reader, stretch, { fromMs: totalsFromMs, toMs: ahead.toMs });
    totalsFromMs = ahead.toMs;
    yield { rows, totals, last };
    if (last) return;
    rows = next;
  }
}

function windowAt({ toMs }: RowsQuery, fromMs: number): Window {
  return { fromMs, toMs: Math.min(fromMs + WINDOW_MS, toMs) };
}

async function totalsOf(
  reader: ArchiveReader,
  stretch: RowsQuery,
  window: Window,
): Promise<readonly PublishedTotals[]> {
  if (window.fromMs >= window.toMs) return [];
  const rows = await reader.query(async (snapshot, connection) =>
    totalsRows(reader.folder, snapshot, connection, { ...stretch, ...window }),
  );
  return rows.flatMap(({ area, throughPartition, throughOffset }) =>
    throughPartition === null || throughOffset === null
      ? []
      : [{ area, partition: throughPartition, throughOffset }],
  );
}

function byPartition(rows: readonly StationRow[]): ByPartition {
  const partitions = Map.groupBy(rows, ({ partition }) => partition);
  for (const own of partitions.values()) own.sort((a, b) => a.offset - b.offset);
  return partitions;
}

/** Whether a partition has rows in the first hour that lie behind some of the next one in the log. */
function overlap(rows: ByPartition, next: ByPartition): boolean {
  for (const [partition, own] of rows)
    if ((own.at(-1)?.offset ?? -1) > (next.get(partition)?.[0]?.offset ?? Infinity)) return true;
  return false;
}
