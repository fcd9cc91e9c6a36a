import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { readFileSync } from "node:fs";
import type { Area } from "../../../src/http/api-types.ts";
import { areaShapes, type AreaShape, type Point } from "../../../web/src/map/area-cells.ts";
import { SHARE_CLASSES, shareClass } from "../../../web/src/map/area-share.ts";
import { tileAddress } from "../../../web/src/map/base-map.ts";
import { graticule, graticuleSpacing } from "../../../web/src/map/graticule.ts";

describe("an area's ground", () => {
  const town = fc.array(
    fc.record({
      area: fc.constantFrom("north", "east", "south"),
      // A hundredth of a degree apart at least, or at one place.
      lat: fc.integer({ min: 0, max: 30 }).map((step) => 48.8 + step / 500),
      lon: fc.integer({ min: 0, max: 30 }).map((step) => 2.2 + step / 500),
    }),
    { minLength: 1, maxLength: 60 },
  );

  it("holds each of its stations, and no place that another area's ground holds", () => {
    fc.assert(
      fc.property(
        town,
        fc.array(
          fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true })),
          { maxLength: 30 },
        ),
        (stations, spots) => {
          const shapes = areaShapes(stations);
          const areasAt = (point: Point): string[] =>
            shapes.filter(({ cells }) => cells.some((cell) => inside(point, cell))).map(({ key }) => key);
          const taken = new Set<string>();
          for (const { area, lat, lon } of stations) {
            // The first station of a place has it.
            if (!taken.has(`${lat} ${lon}`)) assert.deepEqual(areasAt([lon, lat]), [area]);
            taken.add(`${lat} ${lon}`);
          }
          for (const [x, y] of spots) {
            const areas = areasAt([2.19 + x * 0.08, 48.79 + y * 0.08]);
            assert.ok(areas.length <= 1, areas.join());
          }
        },
      ),
    );
  });

  it("is nothing where there is no station, and a disc around a single one", () => {
    assert.deepEqual(areaShapes([]), []);
    const [shape] = areaShapes([{ area: "a", lat: 48, lon: 2 }]);
    assert.equal(shape?.cells.length, 1);
    assert.equal(shape?.borders.length, shape?.cells[0]?.length);
  });

  it("ends where another area begins, not between stations of its own", () => {
    const row = [0, 1, 2, 3].map((step) => ({
      area: step < 2 ? "west" : "east",
      lat: 48,
      lon: 2 + step / 500,
    }));
    const [west, east] = areaShapes(row);
    const middle = 2 + 1.5 / 500;
    const bordersAt = (shape: AreaShape | undefined, where: number): number =>
      (shape?.borders ?? []).filter((ends) => ends.every(([lon]) => Math.abs(lon - where) < 1e-6)).length;
    assert.deepEqual([bordersAt(west, middle), bordersAt(east, middle)], [1, 1]);
    assert.equal(bordersAt(west, 2 + 0.5 / 500), 0);
  });
});

describe("an area's colour", () => {
  const area = (counts: object): Area =>
    ({ nbr_total: 0, nbr_elec: null, nbr_meca: null, docks: null, capacity: 100, ...counts }) as Area;

  it("says how full it is, and nothing where the feed says nothing", () => {
    for (const [total, expected] of [
      [0, 0],
      [9, 0],
      [10, 1],
      [50, 3],
      [89, 5],
      [90, 6],
      [140, 6],
    ] as const)
      assert.equal(shareClass(area({ nbr_total: total }), "total"), expected, String(total));
    assert.equal(shareClass(area({ nbr_total: 5 }), "electric"), null);
    assert.equal(shareClass(area({ nbr_total: 5, capacity: null }), "total"), null);
    assert.equal(shareClass(area({ docks: 95 }), "docks"), 6);
    assert.equal(shareClass(undefined, "total"), null);
  });

  // Machado, Oliveira and Fernandes 2009, for complete loss of one kind of cone.
  const DEFICIENCIES = {
    protanopia: [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998],
    deuteranopia: [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881],
    tritanopia: [1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.3039],
  } as const;

  for (const [name, matrix] of [
    ["full colour vision", [1, 0, 0, 0, 1, 0, 0, 0, 1]],
    ...Object.entries(DEFICIENCIES),
  ] as const)
    it(`is told apart with ${name}: empty, balanced and full, by day and by night`, () => {
      for (const column of [1, 2]) {
        const colours = Array.from({ length: SHARE_CLASSES }, (_, index) => {
          const found = new RegExp(`--area-share-${index}: light-dark\\((#\\w{6}), (#\\w{6})\\)`).exec(
            tokens,
          );
          return labOf(seenWith(matrix, found?.[column] ?? assert.fail(`--area-share-${index}`)));
        });
        const apart = (a: number, b: number): number =>
          Math.hypot(...[0, 1, 2].map((n) => (colours[a]?.[n] ?? 0) - (colours[b]?.[n] ?? 0)));
        assert.ok(apart(0, 6) > 40, `empty and full: ${apart(0, 6)}`);
        for (const [a, b] of [
          [0, 3],
          [3, 6],
          [0, 2],
          [4, 6],
        ] as const)
          assert.ok(apart(a, b) > 15, `${a} and ${b}: ${apart(a, b)}`);
        for (let index = 1; index < SHARE_CLASSES; index += 1)
          assert.ok(apart(index - 1, index) > 5, `${index - 1} and ${index}`);
      }
    });
});

const tokens = readFileSync(new URL("../../../web/src/styles/tokens.css", import.meta.url), "utf8");

/** Linear red, green and blue of a colour as somebody with such eyes sees it. */
function seenWith(matrix: readonly number[], hex: string): number[] {
  const rgb = [1, 3, 5].map((at) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return [0, 3, 6].map((row) => {
    const sum = rgb.reduce((total, value, column) => total + value * (matrix[row + column] ?? 0), 0);
    return Math.min(1, Math.max(0, sum));
  });
}

/** CIE L*a*b* (D65): distances in it are about those that people see. */
function labOf([r = 0, g = 0, b = 0]: readonly number[]): [number, number, number] {
  const x = (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.95047;
  const y = 0.2126 * r + 0.7152 * g + 0.0722 * b;
  const z = (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.08883;
  const [fx, fy, fz] = [x, y, z].map((t) => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116)) as [
    number,
    number,
    number,
  ];
  return [116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)];
}

/** Whether a convex cell, in either direction, holds a point; its own edge is half-way between two. */
function inside([x, y]: Point, cell: readonly Point[]): boolean {
  const turns = cell.map((a, index) => {
    const b = cell[(index + 1) % cell.length] ?? a;
    return (b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0]);
  });
  return turns.every((turn) => turn > 1e-12) || turns.every((turn) => turn < -1e-12);
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
