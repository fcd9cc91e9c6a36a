/** What coverage learns of the rows of one frame, and which gaps follow: the same for who writes, recovers and reads it. */
import type { Coverage } from "../time/coverage.ts";
import type { Frame } from "./journal-frame.ts";
import type { RecordedGap } from "./manifest.ts";
import type { AreaRow, StationRow } from "./rows.ts";

/** Whose a row is, and its place in the log. */
export type FramePlace = Pick<StationRow, "system" | "epoch" | "partition" | "offset">;

export interface FrameCoverage {
  readonly epoch: Pick<Frame["epoch"], "id">;
  readonly stations: readonly (FramePlace & Pick<StationRow, "observedAtMs">)[];
  readonly areas: readonly (FramePlace & Pick<AreaRow, "asOfMs">)[];
  readonly missing?: Frame["missing"];
  /** As earlier versions wrote it. */
  readonly interrupted: Frame["interrupted"];
  readonly behind?: boolean | undefined;
}

/** A partition of totals, beside those of the raw records. */
function laneOfTotals(partition: number): number {
  return -1 - partition;
}

/**
 * Tells coverage of the rows of one frame. Where records are missing, what comes before the hole does not say that the
 * system was watched.
 * @returns the gaps that the holes are, of systems that were known before
 */
export function observeRows(coverage: Coverage, frame: FrameCoverage): readonly RecordedGap[] {
  const { epoch, stations, areas, missing = [], interrupted, behind } = frame;
  const gaps: RecordedGap[] = [];
  const whole = new Map<number, number>();
  for (const { table, partition, beforeOffset, reason } of missing) {
    const raw = table === "stations";
    const own = raw ? stations.filter((row) => row.partition === partition) : [];
    const untilMs = raw
      ? own.find(({ offset }) => offset >= beforeOffset)?.observedAtMs
      : areas.find((row) => row.partition === partition && row.offset >= beforeOffset)?.asOfMs;
    if (untilMs === undefined) continue;
    if (raw) whole.set(partition, beforeOffset);
    const lane = raw ? partition : laneOfTotals(partition);
    for (const lost of coverage.miss(epoch.id, lane, untilMs, new Set(own.map(({ system }) => system))))
      if (lost.fromMs > 0) gaps.push({ ...lost, reason });
  }
  const lanes = Map.groupBy(stations, ({ system, partition }) => `${partition}\n${system}`);
  const observed: { readonly row: FrameCoverage["stations"][number]; readonly times: Iterable<number> }[] =
    [];
  for (const rows of lanes.values()) {
    const [row] = rows;
    if (row === undefined) continue;
    const from = whole.get(row.partition) ?? 0;
    const times = new Set(
      rows.filter(({ offset }) => offset >= from).map(({ observedAtMs }) => observedAtMs),
    );
    if (interrupted === true || (interrupted !== false && interrupted.includes(row.partition))) {
      const newestMs = [...times].reduce((a, b) => Math.max(a, b));
      coverage.miss(row.epoch, row.partition, newestMs, [row.system]);
      observed.push({ row, times: [newestMs] });
    } else observed.push({ row, times });
  }
  for (const { row, times } of observed)
    for (const atMs of times) coverage.observe(row.system, row.epoch, atMs, row.partition);
  for (const { system, epoch: id, partition, asOfMs } of areas)
    coverage.pass(system, id, asOfMs, laneOfTotals(partition));
  if (behind !== true) coverage.settle();
  return gaps;
}
