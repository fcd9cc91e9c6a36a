/** From station to area: every rule, their order, and what a bad areas file is told. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { AreaResolver } from "../../src/domain/areas.ts";
import type { StationInformation } from "../../src/record/station.ts";
import { ConfigError } from "../../src/errors.ts";
import { readAreasFile } from "../../src/feed/areas-file.ts";
import communes from "@etalab/decoupage-administratif/data/communes.json" with { type: "json" };
import { areaOfVelibCode, COMMUNES, normalisePostcode } from "../../src/velib/velib-areas.ts";

const folder = mkdtempSync(join(tmpdir(), "velostream-areas-"));
after(() => rmSync(folder, { recursive: true }));

let files = 0;
function file(content: string | object): string {
  const path = join(folder, `areas-${(files += 1)}`);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

function information(fields: Partial<StationInformation>): StationInformation {
  const nothing = { name: null, lat: null, lon: null, capacity: null, postCode: null, regionId: null };
  return { stationId: "1", stationCode: null, ...nothing, ...fields };
}

function square(area: string, west: number, south: number, size: number, hole = false) {
  const ring = (w: number, s: number, d: number) => [
    [w, s],
    [w + d, s],
    [w + d, s + d],
    [w, s + d],
    [w, s],
  ];
  const rings = hole
    ? [ring(west, south, size), ring(west + 0.25, south + 0.25, 0.5)]
    : [ring(west, south, size)];
  return { type: "Feature", properties: { area }, geometry: { type: "Polygon", coordinates: rings } };
}

const velib = { systemId: "velib", areaOfStationCode: areaOfVelibCode, normalisePostcode };

test("the postal codes of the communes that Vélib' serves are the government's", () => {
  const list = communes as readonly { readonly code: string; readonly codesPostaux?: readonly string[] }[];
  assert.equal(COMMUNES.length, 67);
  for (const [prefix, inseeCode, postcode] of COMMUNES) {
    const first = list.find(({ code, codesPostaux }) => code === inseeCode && codesPostaux !== undefined);
    assert.equal(postcode, first?.codesPostaux?.[0], prefix);
  }
});

test("reads a Vélib' station code as its postal code, suffix or not", () => {
  const { resolve } = new AreaResolver(velib);
  const expected = {
    16107: "75016",
    32017: "93200",
    "8050_relais": "75008",
    "92006_Relais": "92000",
    1001: "75001",
    20999: "75020",
    21000: "92100",
    51001: "95100",
    43101: "94310",
    "43103_relais": "94310",
    23040: "92300",
    23041: "92340",
    "23042_relais": "92340",
  };
  for (const [code, area] of Object.entries(expected)) {
    assert.deepEqual(resolve(undefined, code, "9"), { area, rule: "station_code" }, code);
  }
});

test("counts a Vélib' station in `unknown` when nothing tells its area, and never drops it", () => {
  const { resolve } = new AreaResolver(velib);
  for (const code of [null, "", "999", "99999", "320171", "relais", "-1", "٣٢٠١٧"]) {
    assert.deepEqual(resolve(undefined, code, "9"), { area: "unknown", rule: "unknown" }, String(code));
  }
});

test("asks the feed's post_code first, then the areas file, then the geocoder, then the code", () => {
  const inParis = information({ lat: 48.5, lon: 2.5, postCode: " 75116 " });
  const areasFile = readAreasFile(
    file({ type: "FeatureCollection", features: [square("centre", 2, 48, 1)] }),
  );
  const geocoded = { postcode: () => "94000" };
  const all = new AreaResolver({ ...velib, areasFile, geocoded });
  assert.deepEqual(all.resolve(inParis, "32017", "1"), { area: "75016", rule: "feed_post_code" });
  const unserved = { ...inParis, postCode: null };
  assert.deepEqual(all.resolve(unserved, "32017", "1"), { area: "centre", rule: "areas_file" });
  const outside = { ...unserved, lon: 9 };
  assert.deepEqual(all.resolve(outside, "32017", "1"), { area: "94000", rule: "reverse_geocoding" });
  const unplaced = { ...outside, lat: null, lon: null };
  assert.deepEqual(all.resolve(unplaced, "32017", "1"), { area: "93200", rule: "station_code" });
});

test("gives other systems their regions, else one area for the system", () => {
  const { resolve } = new AreaResolver({ systemId: "oslo" });
  assert.deepEqual(resolve(information({ regionId: "3" }), null, "1"), { area: "3", rule: "region" });
  assert.deepEqual(resolve(information({}), null, "1"), { area: "oslo", rule: "system" });
  assert.deepEqual(resolve(undefined, null, "1"), { area: "oslo", rule: "system" });
});

test("ignores a post_code that is no key: blank, or as long as a page", () => {
  const { resolve } = new AreaResolver({ systemId: "oslo" });
  for (const postCode of ["", "  ", "x".repeat(101)]) {
    assert.equal(resolve(information({ postCode }), null, "1").rule, "system");
  }
});

test("knows holes, multipolygons and shared borders", () => {
  const multi = square("b", 10, 10, 1);
  const areas = readAreasFile(
    file({
      type: "FeatureCollection",
      features: [
        square("a", 0, 0, 1, true),
        square("right of a", 1, 0, 1),
        {
          ...multi,
          geometry: {
            type: "MultiPolygon",
            coordinates: [multi.geometry.coordinates, square("", 20, 20, 1).geometry.coordinates],
          },
        },
      ],
    }),
  );
  assert.equal(areas.at(0.1, 0.1), "a");
  assert.equal(areas.at(0.5, 0.5), null);
  assert.equal(areas.at(10.5, 10.5), "b");
  assert.equal(areas.at(20.5, 20.5), "b");
  assert.equal(areas.at(15, 15), null);
  assert.equal(areas.at(0.9, 1), "right of a");
  assert.equal(areas.at(NaN, 1), null);
});

test("reads areas per station from CSV, by id or code, with any usual separator", () => {
  for (const text of [
    "station_id,area\n7,nord\n16107,sud\n",
    "\uFEFFStation_Code;Postcode\n7;nord\n16107;sud\n",
  ]) {
    const areas = readAreasFile(file(text));
    assert.equal(areas.find(undefined, null, "7"), "nord");
    assert.equal(areas.find(undefined, "16107", "213688169"), "sud");
    assert.equal(areas.find(information({ stationCode: "16107" }), null, "x"), "sud");
    assert.equal(areas.find(undefined, null, "8"), null);
  }
});

test("an areas file that cannot be used is a configuration error that names file, place and remedy", () => {
  const features = (...list: unknown[]) => ({ type: "FeatureCollection", features: list });
  const good = square("a", 0, 0, 1);
  const bad: [string, string | object, RegExp][] = [
    ["not JSON", "{", /is not JSON/],
    ["no features", { type: "FeatureCollection", features: [] }, /no GeoJSON FeatureCollection/],
    [
      "no known property",
      features({ ...good, properties: { colour: "red" } }),
      /it has colour.*--areas-property/,
    ],
    [
      "a property missing",
      features(good, { ...good, properties: { area: " " } }),
      /"area" is missing in feature 1/,
    ],
    [
      "a point",
      features({ ...good, geometry: { type: "Point", coordinates: [1, 2] } }),
      /feature 0 .* is "Point"/,
    ],
    ["no geometry", features({ ...good, geometry: null }), /is null, not a Polygon/],
    [
      "too short a ring",
      features({ ...good, geometry: { type: "Polygon", coordinates: [[[0, 0]]] } }),
      /malformed/,
    ],
    ["metres", features(square("a", 650_000, 0, 1)), /not degrees.*4326/],
    ["no columns", "a,b\n1,2\n", /Line 1 .* must name its columns/],
    ["no row that can be used", "station_id,area\n7,\n,nord\n", /gives no station an area/],
    ["two areas", "station_id,area\n7,nord\n7,sud\n", /Station 7 gets sud on line 3 .* but nord before/],
  ];
  for (const [what, content, message] of bad) {
    const path = file(content);
    assert.throws(
      () => readAreasFile(path),
      (error: Error) =>
        error instanceof ConfigError && message.test(error.message) && error.message.includes(path),
      what,
    );
  }
  assert.throws(() => readAreasFile(join(folder, "absent")), /cannot be read \(ENOENT\)/);
});
