import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Station } from "../../../src/http/api-types.ts";
import { inventCity } from "../../support/invented-city.ts";
import { StationPacker, UnpackedStations } from "../../../web/src/map/station-parcel.ts";

const invented = [...inventCity({ stations: 4, areas: 2, nowMs: 1_795_163_400_000 }).stations.values()];
const first = invented[0];
assert.ok(first);
const station: Station = { ...first, lat: 48.85, lon: 2.35 };
const { key } = station;

/** The properties the worker holds after each of `steps` has travelled. */
function travelled(...steps: readonly Station[]): Record<string, unknown> | undefined {
  const packer = new StationPacker();
  const unpacked = new UnpackedStations();
  let held = unpacked.take(packer.packAll(new Map()));
  for (const step of steps) {
    const parcel = packer.pack([step.key], new Map([[step.key, step]]));
    if (parcel !== null) held = unpacked.take(parcel);
  }
  return held[0] === undefined ? undefined : { ...held[0].properties };
}

describe("stations on their way to the map", () => {
  it("carry their counts and their size", () => {
    const counts = { nbr_total: 10, nbr_elec: 4, nbr_meca: 6, nbr_docks: 28, capacity: 40, is_renting: true };
    assert.deepEqual(travelled({ ...station, ...counts }), {
      key,
      system: station.system_id,
      total: 10,
      electric: 4,
      mechanical: 6,
      docks: 28,
      capacity: 40,
      closed: 0,
    });
  });

  it("never exceed their capacity, even when a feed reports more bikes than docks, or no capacity", () => {
    for (const capacity of [0, null, 5]) {
      const shown = travelled({ ...station, nbr_total: 12, nbr_elec: 4, nbr_docks: 0, capacity });
      assert.equal(shown?.["capacity"], 12);
    }
  });

  it("say that a count is unknown rather than zero", () => {
    assert.equal(travelled({ ...station, nbr_elec: null })?.["electric"], null);
  });

  it("are left out while they have no place", () => {
    assert.equal(travelled({ ...station, lat: null }), undefined);
    assert.equal(travelled(station, { ...station, lat: null }), undefined);
    assert.equal(travelled({ ...station, lat: null }, station)?.["key"], key);
  });

  it("do not travel when nothing changed that the map shows", () => {
    const packer = new StationPacker();
    packer.packAll(new Map([[key, station]]));
    const later = { ...station, observed_at: station.observed_at + 1, name: "Elsewhere" };
    assert.equal(packer.pack([key], new Map([[key, later]])), null);
    assert.equal(packer.pack(["velib:unknown"], new Map([[key, later]])), null);
  });

  it("arrive as they are, whatever came, changed, moved and went in whatever order", () => {
    const one = fc.record({
      key: fc.constantFrom(...invented.map((held) => held.key)),
      system_id: fc.constantFrom("velib", "other"),
      nbr_total: fc.nat(60),
      nbr_elec: fc.option(fc.nat(30)),
      nbr_docks: fc.option(fc.nat(60)),
      capacity: fc.option(fc.nat(60)),
      is_renting: fc.option(fc.boolean()),
      lat: fc.option(fc.constantFrom(48.1, 48.2)),
      lon: fc.constantFrom(2.1, 2.2),
    });
    const step = fc.oneof(
      fc.record({ kind: fc.constant("change" as const), patches: fc.array(one, { maxLength: 4 }) }),
      fc.record({ kind: fc.constant("go" as const), keys: fc.array(one.map((held) => held.key)) }),
      fc.record({ kind: fc.constant("anew" as const) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const stations = new Map<string, Station>();
        const packer = new StationPacker();
        const unpacked = new UnpackedStations();
        let held = unpacked.take(packer.packAll(stations));
        for (const taken of steps) {
          const keys: string[] = [];
          if (taken.kind === "change") {
            for (const patch of taken.patches) stations.set(patch.key, { ...station, ...patch });
            keys.push(...taken.patches.map((patch) => patch.key));
          } else if (taken.kind === "go") {
            for (const gone of taken.keys) stations.delete(gone);
            keys.push(...taken.keys);
          }
          const parcel = taken.kind === "anew" ? packer.packAll(stations) : packer.pack(keys, stations);
          if (parcel !== null) held = unpacked.take(parcel);
        }
        const whole = new UnpackedStations().take(new StationPacker().packAll(stations));
        const byId = (a: { id: string }, b: { id: string }): number => (a.id < b.id ? -1 : 1);
        assert.deepEqual(held.toSorted(byId), whole.toSorted(byId));
        assert.equal(packer.size, whole.length);
      }),
    );
  });
});
