/** The grid of polygons answers as a plain scan over every polygon does. */
import { test } from "node:test";
import assert from "node:assert/strict";
import fc from "fast-check";
import { Polygons, type PolygonArea } from "../../src/domain/polygons.ts";

/** Off the borders: there the last bit of a rounding decides, and either side is right. */
const coordinate = fc.integer({ min: -3100, max: 3100 }).map((n) => n / 100 + 0.003_7);
const position = fc.tuple(fc.integer({ min: -30, max: 30 }), fc.integer({ min: -30, max: 30 }));
const ring = fc
  .array(position, { minLength: 3, maxLength: 8 })
  .map((points) => [...points, points[0] ?? ([0, 0] as [number, number])]);

/** Winding-free even-odd test written the long way: count the edges that a ray to the east crosses. */
function scan(areas: readonly PolygonArea[], lat: number, lon: number): string | null {
  for (const { area, rings } of areas) {
    let crossings = 0;
    for (const points of rings) {
      for (let i = 1; i < points.length; i += 1) {
        const [ax, ay] = points[i - 1] ?? [0, 0];
        const [bx, by] = points[i] ?? [0, 0];
        if ((ay > lat && by > lat) || (ay <= lat && by <= lat)) continue;
        if (ax + ((bx - ax) * (lat - ay)) / (by - ay) > lon) crossings += 1;
      }
    }
    if (crossings % 2 === 1) return area;
  }
  return null;
}

test("finds the same area as a scan of every polygon", () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(ring, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 6 }),
      fc.array(fc.tuple(coordinate, coordinate), { maxLength: 40 }),
      (shapes, queries) => {
        const areas = shapes.map((rings, index) => ({ area: String(index), rings }));
        const polygons = new Polygons(areas);
        for (const [lat, lon] of queries) assert.equal(polygons.at(lat, lon), scan(areas, lat, lon));
      },
    ),
    { numRuns: 500 },
  );
});
