/**
 * The ground of each area: the cells of its stations, which never overlap those of another's. A cell is what lies nearer to
 * its station than to any other, within a margin; areas are not administrative borders, and do not pretend to be. Pure.
 */
import { Delaunay } from "d3-delaunay";

export interface Placed {
  readonly area: string;
  readonly lat: number;
  readonly lon: number;
}

/** Longitude and latitude. */
export type Point = readonly [lon: number, lat: number];

export interface AreaShape {
  readonly key: string;
  /** Its stations' cells: convex, closed by their first point, side by side. */
  readonly cells: readonly (readonly Point[])[];
  /** Where it ends: the sides of cells behind which there is no cell of its own. */
  readonly borders: readonly (readonly [Point, Point])[];
}

/** Of the Earth, along the equator. */
const METRES_AROUND = 40_075_017;
const CORNERS = 24;
/** How far the ground reaches around a station: in the distances that are usual between neighbours, and in metres. */
const REACH = 2.8;
const LEAST_REACH_METRES = 450;
const MOST_REACH_METRES = 2_500;
/** Neighbours farther apart than this say nothing of a town's density. */
const SAME_TOWN_METRES = 10_000;

/** On Mercator's map, in metres at the equator: what lies half-way there does so on the screen. */
type Spot = readonly [x: number, y: number];

interface Side {
  readonly from: Spot;
  /** The station behind it; null: the margin. */
  readonly behind: number | null;
}

/** @param places stations that have a position */
export function areaShapes(places: readonly Placed[]): AreaShape[] {
  // Of several stations at one place the first has the ground.
  const seen = new Set<string>();
  const stations = places.filter(({ lat, lon }) => {
    const place = `${lat} ${lon}`;
    if (seen.has(place)) return false;
    seen.add(place);
    return true;
  });
  const points = stations.map(spotOf);
  if (points.length === 0) return [];
  const delaunay = new Delaunay(points.flat());
  const neighbours = points.map((_, index) => [...delaunay.neighbors(index)]);
  const reach = reachOf(stations, points, neighbours);
  const shapes = new Map<string, { cells: Point[][]; borders: [Point, Point][] }>();
  for (const [index, { area, lat }] of stations.entries()) {
    const shape = shapes.get(area) ?? { cells: [], borders: [] };
    shapes.set(area, shape);
    const sides = cellOf(index, points, neighbours[index] ?? [], reach / metresAt(lat));
    const corners = sides.map(({ from }) => pointOf(from));
    if (corners.length < 3) continue;
    shape.cells.push(corners);
    for (const [side, { behind }] of sides.entries()) {
      const [from, to] = [corners[side], corners[(side + 1) % corners.length]];
      if (from === undefined || to === undefined) continue;
      if (behind === null || stations[behind]?.area !== area) shape.borders.push([from, to]);
    }
  }
  return [...shapes].map(([key, shape]) => ({ key, ...shape }));
}

function spotOf({ lat, lon }: Placed): Spot {
  const sine = Math.sin((Math.min(85, Math.max(-85, lat)) * Math.PI) / 180);
  const north = Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI);
  return [(lon / 360) * METRES_AROUND, north * METRES_AROUND];
}

function pointOf([x, y]: Spot): Point {
  const north = Math.atan(Math.sinh((2 * Math.PI * y) / METRES_AROUND));
  return [(x / METRES_AROUND) * 360, (north * 180) / Math.PI];
}

/** How many metres one of the map's is at a latitude. */
function metresAt(lat: number): number {
  return Math.cos((Math.min(85, Math.max(-85, lat)) * Math.PI) / 180);
}

/** Metres around a station that its cell may reach. */
function reachOf(
  stations: readonly Placed[],
  points: readonly Spot[],
  neighbours: readonly (readonly number[])[],
): number {
  const nearest = points
    .map((point, index) => {
      const apart = (neighbours[index] ?? []).map((other) => distance(point, points[other] ?? point));
      return Math.min(...apart) * metresAt(stations[index]?.lat ?? 0);
    })
    .filter((metres) => metres < SAME_TOWN_METRES)
    .toSorted((a, b) => a - b);
  const usual = nearest[Math.floor(nearest.length / 2)] ?? LEAST_REACH_METRES;
  return Math.min(MOST_REACH_METRES, Math.max(LEAST_REACH_METRES, REACH * usual));
}

function distance([ax, ay]: Spot, [bx, by]: Spot): number {
  return Math.hypot(ax - bx, ay - by);
}

/** A disc around the station, cut by the line half-way to each of its neighbours. */
function cellOf(
  index: number,
  points: readonly Spot[],
  neighbours: readonly number[],
  reach: number,
): readonly Side[] {
  const [x, y] = points[index] ?? [0, 0];
  let sides: Side[] = Array.from({ length: CORNERS }, (_, corner) => {
    const angle = (2 * Math.PI * corner) / CORNERS;
    return { from: [x + reach * Math.cos(angle), y + reach * Math.sin(angle)], behind: null };
  });
  for (const other of neighbours) {
    const [ox, oy] = points[other] ?? [x, y];
    if (Math.hypot(ox - x, oy - y) < 2 * reach) sides = cut(sides, [x, y], [ox, oy], other);
  }
  return sides;
}

/** What of a convex cell is nearer to `own` than to `other`. */
function cut(sides: readonly Side[], own: Spot, other: Spot, behind: number): Side[] {
  const middle: Spot = [(own[0] + other[0]) / 2, (own[1] + other[1]) / 2];
  const beyond = ([x, y]: Spot): number =>
    (x - middle[0]) * (other[0] - own[0]) + (y - middle[1]) * (other[1] - own[1]);
  const kept: Side[] = [];
  for (const [index, side] of sides.entries()) {
    const next = sides[(index + 1) % sides.length] ?? side;
    const [here, there] = [beyond(side.from), beyond(next.from)];
    if (here <= 0) kept.push(side);
    if (here <= 0 === there <= 0) continue;
    const share = here / (here - there);
    const from: Spot = [
      side.from[0] + share * (next.from[0] - side.from[0]),
      side.from[1] + share * (next.from[1] - side.from[1]),
    ];
    // Going out, the new side begins here; coming back in, it is the old side that goes on.
    kept.push({ from, behind: here <= 0 ? behind : side.behind });
  }
  return kept;
}
