/**
 * From what changed to a series of steps: the value in force over each step, by time, and nothing where nobody watched.
 * Pure.
 *
 *   points     5────7──────────3────┆ gap ┆────4──────
 *   steps    │──────│──────│──────│──────│──────│         mean is weighted by time; a step within a gap is null
 */
import type { Segment } from "../time/segments.ts";

/** The counts that a series has. */
export const COUNTS = ["total", "electric", "mechanical", "docks"] as const;
export type Count = (typeof COUNTS)[number];

/** What a station, or an area, was from an instant on; `present` is false when it was not there. */
export interface Point {
  readonly epoch: number;
  readonly atMs: number;
  readonly present: boolean;
  readonly total: number | null;
  readonly electric: number | null;
  readonly mechanical: number | null;
  readonly docks: number | null;
  readonly simulated: boolean;
}

export type Aggregate = "mean" | "min" | "max" | "last";

export type CountSeries = Readonly<Record<Count, readonly (number | null)[]>>;

/** Edges of steps: `fromMs`, then every `stepMs`, and `toMs`. */
export function fixedEdges(fromMs: number, toMs: number, stepMs: number): readonly number[] {
  const edges: number[] = [];
  for (let at = fromMs; at < toMs; at += stepMs) edges.push(at);
  edges.push(toMs);
  return edges;
}

interface Sums {
  weight: number;
  sum: number;
  min: number;
  max: number;
  last: number;
}

/** Points by the epoch they are of: grouped once, however many ranges are asked of them. */
export type PointsByEpoch = ReadonlyMap<number, readonly Point[]>;

export function byEpoch(points: readonly Point[]): PointsByEpoch {
  return Map.groupBy(points, ({ epoch }) => epoch);
}

/**
 * @param points of one station or area, in order of time within each epoch
 * @param segments who tells of what, over the whole range
 * @param edges of the steps, ascending; one more than there are steps
 */
export function seriesOf(
  points: PointsByEpoch,
  segments: readonly Segment[],
  edges: readonly number[],
  aggregate: Aggregate,
): CountSeries {
  const steps = edges.length - 1;
  const sums = Object.fromEntries(
    COUNTS.map((count) => [count, Array.from<Sums | undefined>({ length: steps })] as const),
  ) as Record<Count, (Sums | undefined)[]>;
  let step = 0;
  for (const segment of segments) {
    if (segment.epoch === null) continue;
    const own = points.get(segment.epoch) ?? [];
    for (let index = indexAt(own, segment.fromMs); index < own.length; index += 1) {
      const point = own[index];
      if (point === undefined || point.atMs >= segment.toMs) break;
      const fromMs = Math.max(point.atMs, segment.fromMs);
      const toMs = Math.min(own[index + 1]?.atMs ?? Infinity, segment.toMs);
      if (!point.present || toMs <= fromMs) continue;
      while (step < steps && (edges[step + 1] ?? Infinity) <= fromMs) step += 1;
      for (let at = step; at < steps && (edges[at] ?? Infinity) < toMs; at += 1) {
        const weight = Math.min(toMs, edges[at + 1] ?? toMs) - Math.max(fromMs, edges[at] ?? fromMs);
        if (weight > 0) for (const count of COUNTS) add(sums[count], at, point[count], weight);
      }
    }
  }
  const series = (count: Count): (number | null)[] =>
    sums[count].map((one) => (one === undefined ? null : aggregated(one, aggregate)));
  return {
    total: series("total"),
    electric: series("electric"),
    mechanical: series("mechanical"),
    docks: series("docks"),
  };
}

/** The point in force at an instant: the last at or before it; 0 when all are later. */
function indexAt(points: readonly Point[], atMs: number): number {
  let low = 0;
  let high = points.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((points[middle]?.atMs ?? Infinity) <= atMs) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}

function add(sums: (Sums | undefined)[], at: number, value: number | null, weight: number): void {
  if (value === null) return;
  const held = sums[at];
  if (held === undefined) {
    sums[at] = { weight, sum: value * weight, min: value, max: value, last: value };
    return;
  }
  held.weight += weight;
  held.sum += value * weight;
  held.min = Math.min(held.min, value);
  held.max = Math.max(held.max, value);
  held.last = value;
}

function aggregated({ weight, sum, min, max, last }: Sums, aggregate: Aggregate): number {
  if (aggregate === "mean") return sum / weight;
  return aggregate === "min" ? min : aggregate === "max" ? max : last;
}
