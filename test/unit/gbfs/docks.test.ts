/** Free docks: one number, a sum over types, or a number that nobody counted. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeStationInformation } from "../../../src/domain/gbfs/station-information.ts";
import { decodeStationStatus } from "../../../src/domain/gbfs/station-status.ts";

function docks(station: object, capacity: number | null = null): readonly [number | null, string[]] {
  const stations = [{ station_id: "1", num_bikes_available: 5, ...station }];
  const file = decodeStationStatus({ data: { stations } }, new Map(), () => capacity) ?? assert.fail();
  return [file.stations[0]?.docks ?? null, Object.keys(file.oddities)];
}

test("docks by vehicle type alone are summed", () => {
  const byType = (...counts: unknown[]) => ({
    vehicle_docks_available: counts.map((count) => ({ vehicle_type_ids: ["m"], count })),
  });
  assert.deepEqual(docks(byType(4, 2)), [6, []]);
  assert.deepEqual(docks(byType(0)), [0, []]);
  assert.deepEqual(docks(byType(4, -1)), [null, ["unusable_docks"]]);
  assert.deepEqual(docks(byType()), [null, ["unusable_docks"]]);
  assert.deepEqual(docks(byType(999_999, 2)), [null, ["placeholder_docks"]]);
  assert.deepEqual(docks({ num_docks_available: 3, ...byType(4, 2) }), [3, []], "the total is the total");
  assert.deepEqual(docks({ num_docks_available: -1, ...byType(4, 2) }), [6, ["unusable_docks"]]);
});

test("a placeholder for docks is unknown and counted, whatever its spelling", () => {
  for (const placeholder of [
    9999,
    99_999,
    999_999,
    32_767,
    65_535,
    2_147_483_647,
    4_294_967_295,
    1e9,
    "999999",
  ])
    assert.deepEqual(docks({ num_docks_available: placeholder }), [null, ["placeholder_docks"]]);
  assert.deepEqual(
    docks({ num_docks_available: 9999 - 5 }),
    [null, ["placeholder_docks"]],
    "less the vehicles",
  );
  assert.deepEqual(docks({ num_docks_available: 999 }, 20), [null, ["placeholder_docks"]]);
  assert.deepEqual(
    docks({ num_docks_available: 1000 }, 20),
    [null, ["placeholder_docks"]],
    "far above capacity",
  );
  assert.deepEqual(docks({ num_docks_available: 5000 }, 999_999), [5000, []]);
  assert.deepEqual(docks({ num_docks_available: -1 }), [null, ["unusable_docks"]]);
});

test("many docks are docks: a corral, an old capacity, a capacity of 0", () => {
  assert.deepEqual(docks({ num_docks_available: 300 }, 300), [300, []]);
  assert.deepEqual(docks({ num_docks_available: 300 }), [300, []]);
  assert.deepEqual(docks({ num_docks_available: 300 }, 20), [300, []]);
  assert.deepEqual(docks({ num_docks_available: 1200 }, 1500), [1200, []]);
  assert.deepEqual(docks({ num_docks_available: 600 }, 0), [600, []]);
  assert.deepEqual(docks({ num_docks_available: 999 }, 1004), [999, []]);
});

test("a placeholder for vehicles rejects the station, one for its capacity is no capacity", () => {
  const stations = [999_999, 65_535, 9999].map((count, n) => ({
    station_id: n + 1,
    num_bikes_available: count,
  }));
  const file = decodeStationStatus({ data: { stations } }, new Map());
  assert.deepEqual(
    file?.rejects.map(({ reason }) => reason),
    ["placeholder_count", "placeholder_count", "placeholder_count"],
  );
  const information = decodeStationInformation({
    data: { stations: [{ station_id: 1, lat: 1, lon: 1, capacity: 999_999 }] },
  });
  assert.equal(information?.stations[0]?.capacity, null);
  assert.deepEqual(information?.oddities, { placeholder_capacity: 1 });
});
