/**
 * Which named polygon a position lies in: a grid over all polygons names the few candidates, even-odd ray casting
 * decides. Holes and multipolygons are rings like any other: crossing parity counts them right.
 */

/** A closed ring of `[lon, lat]` positions, as in GeoJSON. */
export type Ring = readonly (readonly [number, number])[];

/** One area: every ring of all of its polygons, holes included. */
export interface PolygonArea {
  readonly area: string;
  readonly rings: readonly Ring[];
}

interface Box {
  west: number;
  south: number;
  east: number;
  north: number;
}

interface Indexed {
  readonly area: string;
  readonly box: Box;
  /** `x0 y0 x1 y1 …` per ring: a flat array is several times faster than pairs. */
  readonly rings: readonly Float64Array[];
}

/** Cells per side. */
const GRID = 64;

export class Polygons {
  readonly #box: Box = { west: Infinity, south: Infinity, east: -Infinity, north: -Infinity };
  readonly #cells: (Indexed[] | undefined)[] = [];

  constructor(areas: readonly PolygonArea[]) {
    const indexed = areas.map(index);
    for (const { box } of indexed) grow(this.#box, box);
    for (const area of indexed) {
      const [fromX, toX] = [this.#column(area.box.west), this.#column(area.box.east)];
      const [fromY, toY] = [this.#row(area.box.south), this.#row(area.box.north)];
      for (let y = fromY; y <= toY; y += 1) {
        for (let x = fromX; x <= toX; x += 1) (this.#cells[y * GRID + x] ??= []).push(area);
      }
    }
  }

  /** The area at a position; the first in file order where several overlap; null outside all. */
  at(lat: number, lon: number): string | null {
    const { west, south, east, north } = this.#box;
    if (!(lon >= west && lon <= east && lat >= south && lat <= north)) return null;
    for (const { area, box, rings } of this.#cells[this.#row(lat) * GRID + this.#column(lon)] ?? []) {
      if (lon < box.west || lon > box.east || lat < box.south || lat > box.north) continue;
      if (inside(rings, lon, lat)) return area;
    }
    return null;
  }

  #column(lon: number): number {
    return cell(lon, this.#box.west, this.#box.east);
  }

  #row(lat: number): number {
    return cell(lat, this.#box.south, this.#box.north);
  }
}

function cell(value: number, from: number, to: number): number {
  return to > from ? Math.min(GRID - 1, Math.floor(((value - from) / (to - from)) * GRID)) : 0;
}

function index(area: PolygonArea): Indexed {
  const box: Box = { west: Infinity, south: Infinity, east: -Infinity, north: -Infinity };
  const rings = area.rings.map((ring) => {
    const flat = new Float64Array(ring.length * 2);
    ring.forEach(([lon, lat], at) => {
      flat[at * 2] = lon;
      flat[at * 2 + 1] = lat;
      grow(box, { west: lon, east: lon, south: lat, north: lat });
    });
    return flat;
  });
  return { area: area.area, box, rings };
}

function grow(box: Box, by: Box): void {
  box.west = Math.min(box.west, by.west);
  box.south = Math.min(box.south, by.south);
  box.east = Math.max(box.east, by.east);
  box.north = Math.max(box.north, by.north);
}

/** Even-odd rule over all rings. Edges are half-open in latitude: on a shared border exactly one side counts. */
function inside(rings: readonly Float64Array[], x: number, y: number): boolean {
  let odd = false;
  for (const ring of rings) {
    let xj = ring[ring.length - 2] ?? 0;
    let yj = ring[ring.length - 1] ?? 0;
    for (let i = 0; i < ring.length; i += 2) {
      const xi = ring[i] ?? 0;
      const yi = ring[i + 1] ?? 0;
      if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) odd = !odd;
      xj = xi;
      yj = yi;
    }
  }
  return odd;
}
