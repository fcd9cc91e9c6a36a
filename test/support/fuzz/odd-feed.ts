/**
 * Odd feeds against what a careful person would say of them: a small town is served in any version and dialect, its files
 * missing, failing, empty, doubled or renumbered from poll to poll, and after each poll the topic must hold the last
 * believable word on each station and on the vehicles of each area, and nothing listed may be dropped in silence.
 */
import assert from "node:assert/strict";
import { Collection } from "../../../src/domain/collection.ts";
import type { HttpClient, Fetched } from "../../../src/feed/http-client.ts";
import { failureOf } from "../../../src/feed/failures.ts";
import { typedTarget } from "../../../src/feed/feed-target.ts";
import { HttpFeed } from "../../../src/feed/http-feed.ts";
import { below, pick, type FuzzTarget, type Random } from "./target.ts";

const MINUTE_MS = 60_000;
const START_MS = 1_760_000_000_000;
const AREAS = ["north", "south", "east"] as const;
const ORIGIN = "http://odd.example";

interface Station {
  id: string;
  readonly area: string;
  bikes: number;
}

interface Dialect {
  readonly version: "1.0" | "2.3" | "3.0";
  readonly spelling: "plain" | "capitals" | "json";
  readonly languages: boolean;
  readonly split: boolean;
  readonly doubledListing: boolean;
  readonly bareList: boolean;
  readonly numbersAsText: boolean;
  readonly vehicles: boolean;
  readonly worseVersion: "none" | "404" | "empty" | "half";
}

const FAULTS = ["500", "html", "nothing", "half a file", "no list", "404"] as const;
type Fault = (typeof FAULTS)[number] | null;

export const oddFeedTarget: FuzzTarget = {
  name: "odd-feeds",
  open: () => Promise.resolve({ once: oddFeedOnce, close: () => Promise.resolve() }),
};

/** One system, polled a few times. Throws where the topic differs from what is expected. */
export async function oddFeedOnce(random: Random): Promise<void> {
  const chance = (share: number): boolean => random() < share;
  const version = pick(random, ["1.0", "2.3", "3.0"] as const);
  const dialect: Dialect = {
    version,
    spelling: pick(random, ["plain", "plain", "capitals", "json"] as const),
    languages: version !== "3.0",
    split: chance(0.2),
    doubledListing: chance(0.2),
    bareList: chance(0.1),
    numbersAsText: chance(0.2),
    vehicles: version !== "1.0" && chance(0.5),
    worseVersion: version === "2.3" ? pick(random, ["none", "404", "empty", "half"] as const) : "none",
  };
  const stations: Station[] = Array.from({ length: 4 + below(random, 9) }, (_, n) => {
    const area = AREAS[n % AREAS.length] ?? "north";
    return { id: `${area}-${n}`, area, bikes: below(random, 20) };
  });
  const vehicles = new Map<string, number>(AREAS.map((area) => [area, 3 + below(random, 5)]));
  let nowMs = START_MS;
  let files = new Map<string, string>();
  const faults = new Map<string, Fault>();
  const client = {
    scope: () => ({
      trust: (url: URL) => url,
      keepStations: () => true,
      close: () => {},
      get: (url: URL): Promise<Fetched> => Promise.resolve(answer(url, files.get(url.pathname), faults)),
    }),
  } as unknown as HttpClient;
  const target = { ...(typedTarget(`${ORIGIN}/${version}/gbfs.json`) ?? assert.fail()), systemId: "odd" };
  const areaOf = (lat: number | null): string => AREAS[Math.round(lat ?? 0) - 1] ?? "nowhere";
  const feed = new HttpFeed({
    target,
    client,
    clock: { now: () => nowMs },
    // Every file answers at once: on a busy machine no answer may count as late.
    patienceMs: 60_000,
    resolvePosition: (lat) => ({ area: areaOf(lat), rule: "system" }),
  });
  const collection = new Collection({
    systemId: "odd",
    mode: "changes",
    simulated: false,
    resolveArea: (_information, _code, stationId) => ({
      area: AREAS.find((area) => stationId.includes(area)) ?? "nowhere",
      rule: "system",
    }),
  });
  const topic = new Map<string, { area: string; total: number }>();
  const held = new Map<string, { area: string; bikes: number; absent: number }>();
  const heldVehicles = new Map<string, number>();
  let gone: readonly Station[] = [];
  for (let poll = 0; poll < 8; poll += 1, nowMs += MINUTE_MS) {
    for (const station of stations) if (chance(0.4)) station.bikes = below(random, 20);
    for (const area of AREAS)
      if (chance(0.5)) vehicles.set(area, Math.max(1, (vehicles.get(area) ?? 1) + below(random, 3) - 1));
    const renumber = poll > 0 && chance(0.08);
    if (renumber)
      for (const station of stations)
        station.id = `${station.area}-${station.id.split("-")[1] ?? ""}-${poll}`;
    // A station is not served for some polls, or for good.
    if (gone.length > 0 && chance(0.3)) gone = [];
    else if (gone.length === 0 && poll > 0 && !renumber && chance(0.2)) gone = [pick(random, stations)];
    if (renumber) gone = [];
    const cut = poll > 0 && !renumber && chance(0.1) ? pick(random, ["empty", "short"] as const) : null;
    const served =
      cut === "empty" ? [] : stations.filter((one, n) => !gone.includes(one) && (cut === null || n === 0));
    const broken =
      cut === null && chance(0.2)
        ? { station_id: `${AREAS[0]}-broken`, num_bikes_available: -3, num_vehicles_available: -3 }
        : null;
    for (const name of ["station_status", "vehicles", "station_information", "vehicle_types"]) {
      if (faults.get(name) === "404") continue;
      // Information that fails at the start delays the first polls, which is another test's.
      const mayFail = name === "vehicle_types" || poll > 0;
      faults.set(
        name,
        mayFail && !renumber && chance(0.12)
          ? pick(random, name === "station_status" ? FAULTS.slice(0, 5) : FAULTS)
          : null,
      );
    }
    files = filesOf(dialect, stations, served, vehicles, broken, nowMs);
    const answered = await feed.poll();
    const statusFails = faults.get("station_status") !== null;
    const vehiclesFail = !dialect.vehicles || faults.get("vehicles") !== null;
    const told = JSON.stringify({
      poll,
      dialect,
      faults: [...faults],
      cut,
      renumber,
      gone: gone.map(({ id }) => id),
    });
    if (statusFails && vehiclesFail) {
      assert.equal(answered.kind, "failed", told);
      continue;
    }
    assert.ok(
      answered.kind === "changed" || answered.kind === "unchanged",
      `${told} ${JSON.stringify(answered)}`,
    );
    const { status } = answered;
    const unobserved = status.unobserved ?? [];
    assert.deepEqual(
      [unobserved.includes("stations"), dialect.vehicles && unobserved.includes("vehicles")],
      [statusFails, dialect.vehicles && vehiclesFail],
      told,
    );
    if (!statusFails) {
      const listed = served.length + (broken === null ? 0 : 1);
      const docked = status.stations.filter(({ stationId }) =>
        AREAS.some((area) => stationId.startsWith(area)),
      );
      assert.equal(docked.length + status.rejects.length, listed, `nothing is dropped: ${told}`);
    }
    const plan = collection.plan({
      observedAtMs: nowMs,
      stations: status.stations,
      unreadable: new Set(status.rejects.flatMap(({ stationId }) => stationId ?? [])),
      unobserved,
      information: feed.information(),
      partitionCount: 2,
    });
    for (const { key, value } of plan.records) {
      if (value === null) topic.delete(key);
      else {
        const { nbr_total: total, postcode: area } = JSON.parse(value) as {
          nbr_total: number;
          postcode: string;
        };
        topic.set(key, { area, total });
      }
    }
    collection.acknowledge(plan);

    // What a careful person would say.
    if (!statusFails) {
      if (renumber) held.clear();
      for (const { id, area, bikes } of served) held.set(id, { area, bikes, absent: 0 });
      const seen = new Set(served.map(({ id }) => id));
      const complete = [...held.keys()].filter((id) => seen.has(id)).length >= held.size * 0.5;
      for (const [id, one] of held) if (!seen.has(id) && complete && (one.absent += 1) >= 3) held.delete(id);
    }
    if (!vehiclesFail) for (const [area, count] of vehicles) heldVehicles.set(area, count);
    const wanted = new Map<string, number>();
    for (const { area, bikes } of held.values()) wanted.set(area, (wanted.get(area) ?? 0) + bikes);
    for (const [area, count] of heldVehicles) wanted.set(area, (wanted.get(area) ?? 0) + count);
    const sums = new Map<string, number>();
    for (const { area, total } of topic.values()) sums.set(area, (sums.get(area) ?? 0) + total);
    assert.deepEqual(Object.fromEntries(sums), Object.fromEntries(wanted), told);
  }
  await feed.close();
}

function answer(url: URL, text: string | undefined, faults: ReadonlyMap<string, Fault>): Fetched {
  const name =
    url.pathname
      .split("/")
      .at(-1)
      ?.replace(/-?\d*\.json$/, "") ?? "";
  const fault = url.pathname.startsWith("/worse")
    ? null
    : (faults.get(/vehicle_status|bike/.test(name) ? "vehicles" : name) ?? null);
  if (fault === "500") return failureOf("http_500", url);
  if (fault === "404" || text === undefined) return failureOf("http_404", url);
  const served =
    fault === "html"
      ? "<html>"
      : fault === "nothing"
        ? ""
        : fault === "half a file"
          ? text.slice(0, text.length / 2)
          : fault === "no list"
            ? '{"data":{}}'
            : text;
  const bytes = Buffer.byteLength(served);
  return {
    ok: true,
    body: {
      parts: [served],
      bytes,
      transferredBytes: bytes,
      digest: served,
      gzipped: null,
      weight: 0,
      heldBytes: 0,
      share: { take: () => null, give: () => {}, release: () => {} },
    },
    validators: { etag: null, lastModified: null },
    transferredBytes: bytes,
    url: url.href,
    movedForGood: false,
  };
}

function filesOf(
  dialect: Dialect,
  stations: readonly Station[],
  served: readonly Station[],
  vehicles: ReadonlyMap<string, number>,
  broken: object | null,
  nowMs: number,
): Map<string, string> {
  const { version, spelling, languages } = dialect;
  const files = new Map<string, string>();
  const head = { last_updated: Math.floor(nowMs / 1000), ttl: 0, ...(version === "1.0" ? {} : { version }) };
  const records = served.map(({ id, bikes }) => {
    const count = dialect.numbersAsText ? String(bikes) : bikes;
    return version === "3.0"
      ? { station_id: id, num_vehicles_available: count }
      : { station_id: id, num_bikes_available: count };
  });
  if (broken !== null) records.push(broken as (typeof records)[number]);
  const put = (path: string, body: unknown): void =>
    void files.set(`/${version}/${path}`, JSON.stringify(body));
  const middle = dialect.split && records.length > 1 ? 1 + Math.floor(records.length / 2) : records.length;
  const list = (part: readonly object[]): unknown =>
    dialect.bareList && part.length > 0 ? part : { ...head, data: { stations: part } };
  put("station_status-1.json", list(records.slice(0, middle)));
  if (dialect.split) put("station_status-2.json", { ...head, data: { stations: records.slice(middle) } });
  const places = stations.map(({ id, area }, n) => ({
    station_id: id,
    name: `Station ${n}`,
    lat: 40 + n / 100,
    lon: 2,
    region_id: area,
  }));
  put("station_information.json", { ...head, data: { stations: places } });
  put("vehicle_types.json", {
    ...head,
    data: { vehicle_types: [{ vehicle_type_id: "e", form_factor: "bicycle", propulsion_type: "electric" }] },
  });
  const free = [...vehicles].flatMap(([area, count]) =>
    Array.from({ length: count }, (_, n) => ({
      [version === "3.0" ? "vehicle_id" : "bike_id"]: `${area}-v${n}`,
      lat: AREAS.indexOf(area as (typeof AREAS)[number]) + 1,
      lon: 2,
      is_reserved: false,
      is_disabled: false,
      vehicle_type_id: "e",
    })),
  );
  const docked = stations
    .slice(0, 1)
    .map(({ id }) => ({ ...free[0], vehicle_id: "docked", bike_id: "docked", station_id: id }));
  const vehicleFile = version === "3.0" ? "vehicle_status" : "free_bike_status";
  if (dialect.vehicles)
    put(`${vehicleFile}.json`, {
      ...head,
      data: { [version === "3.0" ? "vehicles" : "bikes"]: [...free, ...docked] },
    });
  const spelt = (name: string): string =>
    spelling === "capitals" ? name.toUpperCase() : spelling === "json" ? `${name}.json` : name;
  const link = (name: string, path = `${name}.json`) => ({
    name: spelt(name),
    url: `${ORIGIN}/${version}/${path}`,
  });
  const status = link("station_status", "station_status-1.json");
  const feeds = [
    status,
    ...(dialect.doubledListing ? [status] : []),
    ...(dialect.split ? [link("station_status", "station_status-2.json")] : []),
    link("station_information"),
    link("vehicle_types"),
    ...(dialect.vehicles ? [link(vehicleFile)] : []),
    ...(dialect.worseVersion === "none" ? [] : [{ name: "gbfs_versions", url: `${ORIGIN}/versions.json` }]),
  ];
  put("gbfs.json", { ...head, data: languages ? { en: { feeds: [] }, nl: { feeds } } : { feeds } });
  const link3 = `${ORIGIN}/worse/gbfs.json`;
  files.set(
    "/versions.json",
    JSON.stringify({
      data: {
        versions: [
          { version: "3.0", url: link3 },
          { version: "2.3", url: `${ORIGIN}/2.3/gbfs.json` },
        ],
      },
    }),
  );
  files.set(
    "/worse/gbfs.json",
    JSON.stringify({
      version: "3.0",
      data: { feeds: [{ name: "station_status", url: `${ORIGIN}/worse/s.json` }] },
    }),
  );
  if (dialect.worseVersion !== "404" && dialect.worseVersion !== "none") {
    const half = dialect.worseVersion === "half" ? records.slice(0, Math.floor(records.length / 2)) : [];
    files.set("/worse/s.json", JSON.stringify({ data: { stations: half } }));
  }
  return files;
}
