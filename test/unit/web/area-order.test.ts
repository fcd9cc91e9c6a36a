import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { areasOf, inventCity } from "../../support/invented-city.ts";
import { Words } from "../../../web/src/text/format.ts";
import { findStations, orderAreas } from "../../../web/src/view/area-order.ts";

const words = new Words("en");
const { stations } = inventCity({ stations: 200, areas: 12, nowMs: 1_795_163_400_000 });
const areas = areasOf(stations.values());

describe("the table of areas", () => {
  it("sorts names as numbers, up and down", () => {
    const named = ["Q10", "Q2", "Q1"].map((postcode) => ({ ...areas[0]!, postcode, key: postcode }));
    assert.deepEqual(
      orderAreas(named, "", "area", false, words).map(({ key }) => key),
      ["Q1", "Q2", "Q10"],
    );
    assert.deepEqual(
      orderAreas(named, "", "area", true, words).map(({ key }) => key),
      ["Q10", "Q2", "Q1"],
    );
  });

  it("puts areas whose count is unknown last, whichever way it sorts", () => {
    const [a, b, c] = areas;
    const list = [
      { ...a!, nbr_elec: null },
      { ...b!, nbr_elec: 1 },
      { ...c!, nbr_elec: 9 },
    ];
    for (const descending of [true, false]) {
      assert.equal(orderAreas(list, "", "electric", descending, words).at(-1)?.nbr_elec, null);
    }
  });

  it("finds areas by part of their name", () => {
    assert.deepEqual(
      orderAreas(areas, " 7500", "area", false, words).map(({ postcode }) => postcode).length,
      9,
    );
    assert.deepEqual(orderAreas(areas, "nowhere", "area", false, words), []);
  });
});

describe("the search for stations", () => {
  it("finds by number and by name, best first, and says how many there are", () => {
    const [station] = stations.values();
    assert.ok(station?.station_code);
    assert.equal(findStations(stations.values(), station.station_code, 20).found[0]?.key, station.key);
    const { found, matched } = findStations(stations.values(), "ECOLES", 5);
    assert.equal(found.length, 5);
    assert.ok(matched > 5);
    assert.ok(found.every(({ name }) => name?.startsWith("Écoles")));
  });

  it("finds nothing for an empty search", () => {
    assert.deepEqual(findStations(stations.values(), "  ", 5), { found: [], matched: 0 });
  });
});
