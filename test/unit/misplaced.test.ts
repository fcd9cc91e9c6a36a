/** Stations whose position contradicts their area are told apart from those at its edge. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { misplacedStations, type PlacedStation } from "../../src/domain/misplaced.ts";

/** A square of stations, some 300 m apart. */
function quarter(area: string, lat: number, lon: number, side = 5): PlacedStation[] {
  return Array.from({ length: side * side }, (_, at) => ({
    key: `${area}-${at}`,
    area,
    lat: lat + Math.floor(at / side) * 0.003,
    lon: lon + (at % side) * 0.004,
  }));
}
const city = [
  ...quarter("92300", 48.89, 2.28),
  ...quarter("92340", 48.78, 2.31),
  ...quarter("75014", 48.82, 2.32),
];

test("two stations of an area that stand together in another, 12 km away, are misplaced", () => {
  const odd = ["23041", "23042"].map((key, at) => ({
    key,
    area: "92300",
    lat: 48.781 + at * 0.004,
    lon: 2.314,
  }));
  assert.deepEqual([...misplacedStations([...city, ...odd])], ["23041", "23042"]);
});

test("a station at the edge of its area is not, nor one that stands alone in the fields", () => {
  assert.deepEqual([...misplacedStations(city)], []);
  const edge = { key: "edge", area: "92300", lat: 48.87, lon: 2.28 };
  assert.deepEqual([...misplacedStations([...city, edge])], []);
});

test("a part of an area of its own, with stations of its own, is not", () => {
  const exclave = quarter("92300", 48.7, 2.5, 3).map((station) => ({
    ...station,
    key: `far ${station.key}`,
  }));
  assert.deepEqual([...misplacedStations([...city, ...exclave])], []);
});

test("of a handful of stations none can be told to be the odd one", () => {
  const few = quarter("small", 48.6, 2.2, 2);
  assert.deepEqual(
    [...misplacedStations([...city, ...few.slice(1), { ...few[0]!, lat: 48.79, lon: 2.315 }])],
    [],
  );
  assert.deepEqual([...misplacedStations([])], []);
});
