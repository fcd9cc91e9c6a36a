/** Discovery files and lists as publishers really write them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeDiscovery } from "../../../src/domain/gbfs/discovery.ts";
import { decodeSystemInformation } from "../../../src/domain/gbfs/system-files.ts";
import { enveloped } from "../../../src/domain/gbfs/envelope.ts";
import { feedName } from "../../../src/domain/gbfs/feed-names.ts";

test("feed names in any spelling are the names that GBFS has", () => {
  for (const [written, meant] of [
    ["Station_Status", "station_status"],
    ["STATION_INFORMATION.JSON", "station_information"],
    [" vehicles_types ", "vehicle_types"],
    ["vehicle_type", "vehicle_types"],
    ["vehicleTypes", "vehicle_types"],
    ["station-status", "station_status"],
    ["station status", "station_status"],
    ["stationStatus.json", "station_status"],
    ["stations_status", "station_status"],
    ["station_statuss", "station_status"],
    ["sation_status", "station_status"],
    ["station_staus", "station_status"],
    ["statoin_status", "station_status"],
    ["free_bikes_status", "free_bike_status"],
    ["freeBikeStatus", "free_bike_status"],
    ["free_vehicle_status", "vehicle_status"],
    ["system_region", "system_regions"],
    ["gbfs_version", "gbfs_versions"],
    ["x_own_extension", "x_own_extension"],
    ["station_availability", "station_availability"],
  ])
    assert.equal(feedName(written ?? ""), meant);
});

function feedsOf(data: unknown): Record<string, readonly string[]> {
  const found = decodeDiscovery({ data });
  return found?.kind === "feeds" ? Object.fromEntries(found.feeds) : {};
}

const entry = (name: string, url = name) => ({ name, url });

test("a language without a file leaves it to the next", () => {
  const full = { feeds: [entry("station_status", "de/s"), entry("system_information", "de/i")] };
  for (const empty of [{ feeds: [] }, { feeds: null }, {}, null, [], "en"])
    assert.deepEqual(feedsOf({ en: empty, de: full }), {
      station_status: ["de/s"],
      system_information: ["de/i"],
    });
  assert.deepEqual(feedsOf({ de: full, en: { feeds: [entry("system_information", "en/i")] } }), {
    station_status: ["de/s"],
    system_information: ["en/i"],
  });
});

test("feeds as a list, an object of URLs, or straight under their language", () => {
  const wanted = { station_status: ["u"] };
  for (const data of [
    { feeds: [entry("station_status", "u")] },
    { en: [entry("station_status", "u")] },
    { feeds: { station_status: "u" } },
    { en: { feeds: { station_status: { url: "u" } } } },
    { en: { station_status: "u" } },
  ])
    assert.deepEqual(feedsOf(data), wanted);
  assert.deepEqual(decodeDiscovery({ feeds: [entry("station_status", "u")] })?.kind, "feeds");
});

test("a name with two URLs has both; the same URL twice is one", () => {
  const feeds = [
    entry("free_bike_status", "e"),
    entry("free_bike_status", "w"),
    entry("Free_Bike_Status", "e"),
  ];
  assert.deepEqual(feedsOf({ en: { feeds } }), { free_bike_status: ["e", "w"] });
});

test("a list of one file without end, of names or of languages without end, costs neither time nor requests", () => {
  const many = (name: (n: number) => string): object[] =>
    Array.from({ length: 100_000 }, (_, n) => entry(name(n), `u${n}`));
  const startedMs = performance.now();
  assert.equal(feedsOf({ en: { feeds: many(() => "station_status") } })["station_status"]?.length, 32);
  const named = feedsOf({ en: { feeds: [...many((n) => `file ${n}`), entry("station_status", "u")] } });
  assert.deepEqual(named["station_status"], ["u"], "a name that GBFS has is read wherever it stands");
  assert.ok(Object.keys(named).length <= 65);
  const languages = Array.from({ length: 100_000 }, (_, n) => [
    `l${n}`,
    { feeds: [entry(`file ${n}`, "u")] },
  ]);
  assert.ok(Object.keys(feedsOf(Object.fromEntries(languages))).length <= 256);
  assert.ok(performance.now() - startedMs < 20_000);
});

test("what is no discovery file is none", () => {
  for (const data of [
    {
      system_id: "s",
      name: "S",
      url: "https://x.example",
      brand_assets: { brand_image_url: "https://x.example" },
    },
    { stations: [{ station_id: "a", name: "A" }] },
    { en: { system_id: "s" } },
    {},
  ])
    assert.deepEqual(feedsOf(data), {});
});

test("a list is found where it stands", () => {
  const stations = [{ station_id: "a" }];
  for (const body of [
    stations,
    { ttl: 1, stations },
    { ttl: 1, data: stations },
    { ttl: 1, data: { stations } },
  ])
    assert.deepEqual((enveloped(body, "stations") as { data: unknown }).data, { stations });
  const bikes = [{ bike_id: "a" }];
  assert.deepEqual((enveloped({ bikes }, "vehicles", "bikes") as { data: unknown }).data, { bikes });
  for (const body of [null, 3, "x", [], [1], {}, { data: [] }, { data: { weather: 1 } }])
    assert.deepEqual(enveloped(body, "stations"), body);
});

test("a licence is a link of the web, or none", () => {
  const url = (license_url: string) => decodeSystemInformation({ data: { license_url } })?.licenseUrl;
  assert.equal(url(" https://x.example/l "), "https://x.example/l");
  for (const text of ["javascript:alert(1)", " JavaScript:0", "data:text/html,x", "x"])
    assert.equal(url(text), null);
});
