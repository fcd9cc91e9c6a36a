import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DeltaEvent, Station } from "../../../src/http/api-types.ts";
import { areasOf, inventCity } from "../../support/invented-city.ts";
import { LiveState } from "../../../web/src/live/live-state.ts";

const NOW_MS = 1_795_163_400_000;
const city = inventCity({ stations: 30, areas: 3, nowMs: NOW_MS });
const stations = [...city.stations.values()];
const areas = areasOf(stations);
const NO_CHANGE: DeltaEvent = { areas: [], areas_removed: [], stations: [], stations_removed: [] };

function loaded(): LiveState {
  const state = new LiveState();
  state.takeSnapshot({ part: 1, parts: 1, areas, stations });
  return state;
}

function first(): Station {
  const station = stations[0];
  assert.ok(station);
  return station;
}

describe("the page's state", () => {
  it("shows the parts of the first snapshot as they come", () => {
    const state = new LiveState();
    state.takeSnapshot({ part: 1, parts: 2, areas, stations: stations.slice(0, 10) });
    assert.equal(state.stations.size, 10);
    assert.equal(state.loaded, false);
    state.takeSnapshot({ part: 2, parts: 2, areas: [], stations: stations.slice(10) });
    assert.equal(state.stations.size, 30);
    assert.equal(state.areas.size, areas.length);
    assert.equal(state.loaded, true);
  });

  it("swaps a later snapshot in whole, so that nothing vanishes meanwhile", () => {
    const state = loaded();
    state.takeSnapshot({ part: 1, parts: 2, areas, stations: stations.slice(0, 5) });
    assert.equal(state.stations.size, 30);
    state.takeSnapshot({ part: 2, parts: 2, areas: [], stations: stations.slice(5, 8) });
    assert.equal(state.stations.size, 8);
  });

  it("drops what was begun when a new snapshot begins", () => {
    const state = loaded();
    state.takeSnapshot({ part: 1, parts: 2, areas, stations: stations.slice(0, 5) });
    state.takeSnapshot({ part: 1, parts: 1, areas, stations: stations.slice(0, 3) });
    assert.equal(state.stations.size, 3);
  });

  it("merges a station's change over what it holds: absent stays, null is a value", () => {
    const state = loaded();
    const { key, name } = first();
    const counts = { ...first(), nbr_total: 3, nbr_elec: null };
    const { name: _name, lat: _lat, ...patch } = counts;
    const change = state.takeDelta({ ...NO_CHANGE, stations: [patch] });
    const held = state.stations.get(key);
    assert.equal(held?.nbr_total, 3);
    assert.equal(held.nbr_elec, null);
    assert.equal(held.name, name);
    assert.deepEqual(change.stations, new Set([key]));
  });

  it("removes before it adds, so that a key in both is there", () => {
    const state = loaded();
    const station = first();
    state.takeDelta({ ...NO_CHANGE, stations: [station], stations_removed: [station.key] });
    assert.deepEqual(state.stations.get(station.key), station);
  });

  it("ignores the counts of a station it was never introduced to", () => {
    const state = loaded();
    const { nbr_total, nbr_elec, nbr_meca, nbr_docks, is_installed, is_renting, is_returning, ...rest } =
      first();
    const counts = { nbr_total, nbr_elec, nbr_meca, nbr_docks, is_installed, is_renting, is_returning };
    const { last_reported, observed_at } = rest;
    state.takeDelta({
      ...NO_CHANGE,
      stations: [{ key: "velib:new", ...counts, last_reported, observed_at }],
    });
    assert.equal(state.stations.size, 30);
  });

  it("replaces areas and forgets those that emptied", () => {
    const state = loaded();
    const [gone, changed] = areas;
    assert.ok(gone !== undefined && changed !== undefined);
    state.takeDelta({ ...NO_CHANGE, areas: [{ ...changed, nbr_total: 1 }], areas_removed: [gone.key] });
    assert.equal(state.areas.has(gone.key), false);
    assert.equal(state.areas.get(changed.key)?.nbr_total, 1);
  });

  it("replaces systems one by one", () => {
    const state = loaded();
    state.takeSystems({ now: NOW_MS, systems: [city.system] });
    state.takeSystems({ now: NOW_MS, systems: [{ ...city.system, system_id: "other" }] });
    state.takeSystems({ now: NOW_MS, systems: [{ ...city.system, state: "failing" }] });
    assert.deepEqual(
      [...state.systems].map(([id, { state }]) => [id, state]),
      [
        ["velib", "failing"],
        ["other", "live"],
      ],
    );
  });
});
