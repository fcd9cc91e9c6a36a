/**
 * Rows of several partitions as one sequence: by time, each partition in the order of its log, and no station enters
 * one partition before it has left the other (a log with fewer partitions would take the tombstone for its end).
 *
 *   partition 0   ── … ── retired 7 ── gone 7 ──
 *   partition 1   ── … ───────────────────────── 7 seen in its new area ──
 */
import type { StationRow } from "../files/rows.ts";

/** One record to play, at its place in the log. */
export interface PlayedRow {
  readonly row: StationRow;
  /** Keys of the totals that are published after it; null where the batch decides. */
  readonly publish: readonly string[] | null;
}

export interface TimedRow extends PlayedRow {
  /** Its time, or that of a row before it in its partition, if greater. */
  readonly atMs: number;
}

interface Lane {
  readonly rows: readonly TimedRow[];
  next: number;
}

/** @param partitions each in the order of its log */
export function* inOneSequence(partitions: Iterable<readonly PlayedRow[]>): Generator<TimedRow> {
  const lanes = [...partitions].map((rows): Lane => ({ rows: timed(rows), next: 0 }));
  // By station: where it still has to leave.
  const leaving = new Map<string, Leave[]>();
  for (const lane of lanes)
    for (const [index, { row }] of lane.rows.entries())
      if (row.event === "removed") {
        const leaves = leaving.get(row.stationId) ?? [];
        leaving.set(row.stationId, leaves);
        leaves.push({ lane, index, atMs: row.observedAtMs });
      }
  for (;;) {
    const lane = nextLane(lanes, leaving);
    const played = lane?.rows[lane.next];
    if (lane === null || played === undefined) return;
    lane.next += 1;
    yield played;
  }
}

/** A tombstone that is to be played. */
interface Leave {
  readonly lane: Lane;
  readonly index: number;
  readonly atMs: number;
}

function timed(rows: readonly PlayedRow[]): TimedRow[] {
  let atMs = -Infinity;
  return rows.map((played) => ({ ...played, atMs: (atMs = Math.max(atMs, played.row.observedAtMs)) }));
}

/** The lane with the earliest row; of one that waits for a station to leave, the lane that it leaves. */
function nextLane(lanes: readonly Lane[], leaving: ReadonlyMap<string, readonly Leave[]>): Lane | null {
  let best: Lane | null = null;
  for (const lane of lanes)
    if (head(lane) !== undefined && (best === null || timeOf(lane) < timeOf(best))) best = lane;
  // A collector takes a station out of its old area before it puts it into the new one: nobody waits in a circle.
  for (let tries = 0; best !== null && tries < lanes.length; tries += 1) {
    const other = waitsFor(best, leaving);
    if (other === null) break;
    best = other;
  }
  return best;
}

/** Another lane that a station has still to leave, by its own times, before it enters this one. */
function waitsFor(lane: Lane, leaving: ReadonlyMap<string, readonly Leave[]>): Lane | null {
  const row = head(lane)?.row;
  if (row === undefined || row.event !== "observed") return null;
  for (const leave of leaving.get(row.stationId) ?? [])
    if (leave.lane !== lane && leave.index >= leave.lane.next && leave.atMs <= row.observedAtMs)
      return leave.lane;
  return null;
}

function head(lane: Lane): TimedRow | undefined {
  return lane.rows[lane.next];
}

function timeOf(lane: Lane): number {
  return head(lane)?.atMs ?? Infinity;
}
