/** The simulated feed over HTTP: every dialect decodes, validators hold, faults show and heal, all on a test's clock. */
import assert from "node:assert/strict";
import { request as httpRequest } from "node:http";
import { test, type TestContext } from "node:test";
import { gunzipSync } from "node:zlib";
import { decodeStationInformation } from "../../../src/domain/gbfs/station-information.ts";
import { decodeStationStatus } from "../../../src/domain/gbfs/station-status.ts";
import { decodeVehicleTypes } from "../../../src/domain/gbfs/propulsion.ts";
import { ConfigError, HttpError } from "../../../src/errors.ts";
import { startSimulator, type Simulator, type SimulatorOptions } from "../../../src/simulate/simulator.ts";
import { TestClock } from "../../support/test-clock.ts";

async function simulator(context: TestContext, options: Partial<SimulatorOptions> = {}): Promise<Simulator> {
  const started = await startSimulator({ clock: new TestClock(), stations: 40, ...options });
  context.after(() => started.stop());
  return started;
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** Plain node:http: fetch would undo the compression and hide the bytes. */
function get(from: Simulator, name: string, headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    httpRequest(new URL(`${name}.json`, from.url), { headers, agent: false }, (response) => {
      const parts: Buffer[] = [];
      response.on("data", (part: Buffer) => parts.push(part));
      response.on("error", reject);
      response.on("end", () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(parts),
        }),
      );
    })
      .on("error", reject)
      .end();
  });
}

async function json(from: Simulator, name: string): Promise<Record<string, unknown>> {
  return JSON.parse((await get(from, name)).body.toString()) as Record<string, unknown>;
}

test("speaks Vélib's dialect, to the order of the fields", async (context) => {
  const sim = await simulator(context);
  const status = await json(sim, "station_status");
  assert.deepEqual(Object.keys(status), ["lastUpdatedOther", "ttl", "simulated", "data"]);
  assert.equal(status["ttl"], 3600);
  const [first] = (status["data"] as { stations: Record<string, unknown>[] }).stations;
  assert.deepEqual(Object.keys(first ?? {}), [
    "station_id",
    "num_bikes_available",
    "numBikesAvailable",
    "num_bikes_available_types",
    "num_docks_available",
    "numDocksAvailable",
    "is_installed",
    "is_returning",
    "is_renting",
    "last_reported",
    "stationCode",
    "station_opening_hours",
  ]);
  assert.equal(first?.["station_id"], 213_688_169);
  assert.equal((await get(sim, "vehicle_types")).status, 404, "Vélib' has no vehicle types");
});

for (const dialect of ["velib", "2.3", "3.0"] as const) {
  test(`decodes without a reject in dialect ${dialect}, and adds up to the model`, async (context) => {
    const sim = await simulator(context, { dialect });
    const types =
      dialect === "velib" ? new Map<string, never>() : decodeVehicleTypes(await json(sim, "vehicle_types"));
    const status = decodeStationStatus(await json(sim, "station_status"), types);
    const information = decodeStationInformation(await json(sim, "station_information"));
    assert.ok(status !== null && information !== null);
    assert.deepEqual([status.rejects, information.rejects, status.oddities], [[], [], {}]);
    assert.equal(status.stations.length, 40);
    let bikes = 0;
    for (const station of status.stations) {
      bikes += station.total;
      assert.equal(station.total, (station.electric ?? NaN) + (station.mechanical ?? NaN));
      const place = information.stations.find(({ stationId }) => stationId === station.stationId);
      assert.ok(place !== undefined && place.lat !== null && place.name !== null);
      if (dialect !== "velib") assert.match(place.postCode ?? "", /^(75|92|93|94|95)\d{3}$/);
    }
    assert.equal(bikes, sim.model.docked);
  });

  test(`says in every file of dialect ${dialect} that it is simulated`, async (context) => {
    const sim = await simulator(context, { dialect });
    const discovery = await json(sim, "gbfs");
    const data = discovery["data"] as Record<string, { feeds: { url: string }[] }>;
    const feeds =
      (data as unknown as { feeds?: { url: string }[] }).feeds ?? Object.values(data)[0]?.feeds ?? [];
    assert.ok(feeds.length >= 3);
    for (const { url } of feeds) {
      const file = (await (await fetch(url)).json()) as Record<string, unknown>;
      assert.equal(file["simulated"], true, url);
    }
    assert.match(JSON.stringify(await json(sim, "system_information")), /Métropole \(simulated\)/);
  });
}

test("the same seed and start give the same bytes; another seed gives others", async (context) => {
  const bodies = await Promise.all(
    [1, 1, 2].map(async (seed) => {
      const sim = await simulator(context, { seed, stations: 200 });
      sim.advance(20 * 60_000);
      return (await get(sim, "station_status")).body.toString();
    }),
  );
  assert.equal(bodies[0], bodies[1]);
  assert.notEqual(bodies[0], bodies[2]);
});

test("answers 304 until the content changes, by ETag and by date", async (context) => {
  const clock = new TestClock();
  const sim = await simulator(context, { clock, changePeriodMs: 60_000, stations: 200 });
  const first = await get(sim, "station_status");
  const etag = String(first.headers["etag"]);
  const modified = String(first.headers["last-modified"]);
  await clock.advance(59_999);
  assert.equal((await get(sim, "station_status", { "if-none-match": etag })).status, 304);
  assert.equal((await get(sim, "station_status", { "if-modified-since": modified })).status, 304);
  await clock.advance(1);
  const second = await get(sim, "station_status", { "if-none-match": etag, "if-modified-since": modified });
  assert.equal(second.status, 200);
  assert.notDeepEqual(second.body, first.body);
  assert.equal((await get(sim, "station_status", { "if-modified-since": modified })).status, 200);
});

test("compresses when asked to", async (context) => {
  const sim = await simulator(context, { stations: 200 });
  const plain = await get(sim, "station_status");
  const gzipped = await get(sim, "station_status", { "accept-encoding": "gzip, br" });
  assert.equal(gzipped.headers["content-encoding"], "gzip");
  assert.ok(gzipped.body.length * 5 < plain.body.length);
  assert.deepEqual(gunzipSync(gzipped.body), plain.body);
});

test("shows each fault in station_status alone, and heals", async (context) => {
  const sim = await simulator(context, { fault: "5xx" });
  const down = await get(sim, "station_status");
  assert.deepEqual([down.status, down.headers["retry-after"]], [503, "5"]);
  assert.equal((await get(sim, "gbfs")).status, 200);
  sim.setFault("html");
  const page = await get(sim, "station_status");
  assert.deepEqual([page.status, page.headers["content-type"]], [200, "text/html; charset=utf-8"]);
  sim.setFault("truncated");
  const half = await get(sim, "station_status");
  assert.equal(half.status, 200);
  assert.throws(() => JSON.parse(half.body.toString()) as unknown, SyntaxError);
  sim.setFault("missing-stations");
  const few = decodeStationStatus(await json(sim, "station_status"), new Map());
  assert.equal(few?.stations.length, 14);
  sim.setFault("html", ["gbfs", "station_status"]);
  assert.match((await get(sim, "gbfs")).body.toString(), /^<!doctype html>/);
  sim.setFault(null);
  assert.equal(decodeStationStatus(await json(sim, "station_status"), new Map())?.stations.length, 40);
});

test("a slow feed answers whole, thirty seconds late", async (context) => {
  const clock = new TestClock();
  const sim = await simulator(context, { clock, fault: "slow" });
  const pending = get(sim, "station_status");
  while (clock.sleeping === 0) await new Promise((resolve) => setImmediate(resolve));
  await clock.advance(30_000);
  assert.equal((await pending).status, 200);
});

test("a stalled feed sends a beginning and no end, and stops when told to", async (context) => {
  const sim = await simulator(context, { fault: "stalled" });
  const beginning = await new Promise<Buffer>((resolve, reject) => {
    const asked = httpRequest(new URL("station_status.json", sim.url), { agent: false }, (response) => {
      response.once("data", (part: Buffer) => {
        resolve(part);
        asked.destroy();
      });
    });
    asked.on("error", reject).end();
  });
  assert.equal(beginning.length, 100);
});

test("a city that slept through many changes wakes at the right hour with its bikes", async (context) => {
  const sim = await simulator(context, { stations: 100, changePeriodMs: 1000 });
  const bikes = sim.model.docked + sim.model.inFlight;
  const before = sim.model.cityTimeMs;
  sim.advance(7 * 86_400_000);
  assert.equal(sim.model.docked + sim.model.inFlight, bikes);
  assert.equal(sim.model.cityTimeMs - before, 7 * 86_400_000);
});

test("city time runs faster than the clock by its speed", async (context) => {
  const sim = await simulator(context, { changePeriodMs: 5000, speed: 600 });
  const before = sim.model.cityTimeMs;
  sim.advance(60_000);
  assert.equal(sim.model.cityTimeMs - before, 36_000_000);
});

test("a taken port and numbers out of range are errors that say what to do", async (context) => {
  const sim = await simulator(context);
  await assert.rejects(simulator(context, { port: sim.port }), (error: unknown) => {
    assert.ok(error instanceof HttpError);
    assert.match(error.message, /--port/);
    return true;
  });
  for (const wrong of [{ stations: 0 }, { stations: 100_001 }, { speed: Infinity }, { changePeriodMs: 1 }])
    await assert.rejects(simulator(context, wrong), ConfigError);
});

test("refuses other methods and names the feed for other paths", async (context) => {
  const sim = await simulator(context);
  assert.equal((await fetch(sim.url, { method: "POST" })).status, 405);
  const lost = await fetch(new URL("/", sim.url));
  assert.deepEqual([lost.status, (await lost.text()).includes("/gbfs.json")], [404, true]);
});
