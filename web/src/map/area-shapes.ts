/**
 * An outline of each area, drawn around its stations with some room, so that people find their way without a base map.
 * Pure geometry; the outlines are not administrative borders and do not pretend to be.
 */

export interface Place {
  readonly lat: number;
  readonly lon: number;
}

type Point = readonly [lon: number, lat: number];

const METRES_PER_DEGREE = 111_320;
/** Room around the outermost stations. */
const MARGIN_METRES = 170;
const CORNERS = 12;

/** The closed ring around `places`; null when there is none. */
export function outline(places: readonly Place[]): Point[] | null {
  const first = places[0];
  if (first === undefined) return null;
  const latMargin = MARGIN_METRES / METRES_PER_DEGREE;
  const lonMargin = latMargin / Math.max(0.1, Math.cos((first.lat * Math.PI) / 180));
  const corners: Point[] = [];
  for (const { lat, lon } of convexHull(places.map(({ lat, lon }): Point => [lon, lat])).map(toPlace)) {
    for (let corner = 0; corner < CORNERS; corner += 1) {
      const angle = (2 * Math.PI * corner) / CORNERS;
      corners.push([lon + lonMargin * Math.cos(angle), lat + latMargin * Math.sin(angle)]);
    }
  }
  const ring = convexHull(corners);
  const start = ring[0];
  return start === undefined ? null : [...ring, start];
}

const toPlace = ([lon, lat]: Point): Place => ({ lat, lon });

/** Andrew's monotone chain: counter-clockwise, without repeating the first point. */
export function convexHull(points: readonly Point[]): Point[] {
  const sorted = points.toSorted((a, b) => a[0] - b[0] || a[1] - b[1]);
  if (sorted.length < 3) return sorted;
  return [...halfHull(sorted), ...halfHull(sorted.toReversed())];
}

function halfHull(points: readonly Point[]): Point[] {
  const hull: Point[] = [];
  for (const point of points) {
    for (let last = hull.at(-1), before = hull.at(-2); last !== undefined && before !== undefined;) {
      if (turn(before, last, point) > 0) break;
      hull.pop();
      last = hull.at(-1);
      before = hull.at(-2);
    }
    hull.push(point);
  }
  return hull.slice(0, -1);
}

function turn(a: Point, b: Point, c: Point): number {
  return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
}
