/** A feed that lists a station twice: the first stands, all the way to what is published. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Collection } from "../../src/domain/collection.ts";
import { decodeStationStatus } from "../../src/domain/gbfs/station-status.ts";

test("the first of two records with one id is published, though the second is rejected", () => {
  const collection = new Collection({
    systemId: "otp",
    mode: "changes",
    simulated: false,
    resolveArea: () => ({ area: "otp", rule: "system" }),
  });
  const stations = [
    { station_id: "1", num_bikes_available: 10 },
    { station_id: "2", num_bikes_available: 8 },
    { station_id: "1", num_bikes_available: 3 },
  ];
  const status = decodeStationStatus({ data: { stations } }, new Map()) ?? assert.fail();
  const unreadable = new Set(status.rejects.flatMap(({ stationId }) => stationId ?? []));
  const observed = {
    stations: status.stations,
    unreadable,
    information: new Map<string, never>(),
    partitionCount: 1,
  };
  const first = collection.plan({ ...observed, observedAtMs: 1 });
  assert.deepEqual(
    first.records.map(({ value }) => (JSON.parse(value ?? "null") as { nbr_total: number }).nbr_total),
    [10, 8],
  );
  collection.acknowledge(first);
  assert.deepEqual(
    collection.plan({ ...observed, observedAtMs: 2 }).records,
    [],
    "and is neither repeated nor retired",
  );
});
