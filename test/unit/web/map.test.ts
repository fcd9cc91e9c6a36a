import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { convexHull, outline } from "../../../web/src/map/area-shapes.ts";
import { tileAddress } from "../../../web/src/map/base-map.ts";
import { graticule, graticuleSpacing } from "../../../web/src/map/graticule.ts";

describe("an area's outline", () => {
  it("holds every one of its stations", () => {
    const place = fc.record({
      lat: fc.double({ min: 48, max: 49, noNaN: true }),
      lon: fc.double({ min: 2, max: 3, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(place, { minLength: 1, maxLength: 40 }), (places) => {
        const ring = outline(places);
        assert.ok(ring !== null && ring.length >= 4);
        assert.deepEqual(ring[0], ring.at(-1));
        for (const { lat, lon } of places) assert.ok(inside([lon, lat], ring), `${lat},${lon}`);
      }),
    );
  });

  it("is nothing where there is no station", () => {
    assert.equal(outline([]), null);
  });

  it("goes around, not through", () => {
    const square = [
      [0, 0],
      [2, 0],
      [2, 2],
      [0, 2],
      [1, 1],
    ] as const;
    assert.deepEqual(convexHull(square), [
      [0, 0],
      [2, 0],
      [2, 2],
      [0, 2],
    ]);
  });
});

function inside([x, y]: readonly [number, number], ring: readonly (readonly [number, number])[]): boolean {
  return ring.slice(1).every((b, index) => {
    const a = ring[index];
    assert.ok(a);
    return (b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0]) >= 0;
  });
}

describe("the base map's first tile", () => {
  it("is the one under the middle of the map", () => {
    const paris = { lng: 2.35, lat: 48.86 };
    assert.equal(tileAddress("https://t/{z}/{x}/{y}.png", 12.7, paris), "https://t/12/2074/1409.png");
    assert.equal(
      tileAddress("https://t/{z}/{x}/{y}.png", 0.2, { lng: -179, lat: -80 }),
      "https://t/0/0/0.png",
    );
    assert.match(tileAddress("https://t/{z}/{x}/{y}.png", 23, paris), /\/19\//);
  });
});

describe("the graticule", () => {
  it("has a handful of lines at any zoom", () => {
    for (const width of [360, 40, 3, 0.4, 0.03]) {
      const bounds = { west: 2, east: 2 + width, south: 48, north: 48 + width / 2 };
      const { meridians, parallels } = graticule(bounds);
      const count = meridians.length + parallels.length;
      assert.ok(count >= 4 && count <= 40, `${count} lines over ${width}°`);
      assert.ok(graticuleSpacing(bounds) <= width);
    }
  });

  it("stays within the view and the world", () => {
    const { meridians, parallels } = graticule({ west: -400, east: 400, south: -89, north: 89 });
    assert.deepEqual([meridians[0], meridians.at(-1)], [-180, 180]);
    assert.ok(parallels.every((latitude) => Math.abs(latitude) <= 85));
    assert.deepEqual(graticule({ west: 2.01, east: 2.02, south: 48.001, north: 48.0019 }).parallels, []);
  });
});
