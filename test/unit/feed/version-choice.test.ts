/** Of several versions the highest is read, unless a lower one has more in it. */
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { typedTarget } from "../../../src/feed/feed-target.ts";
import { HttpClient } from "../../../src/feed/http-client.ts";
import { HttpFeed } from "../../../src/feed/http-feed.ts";
import { FeedServer, status, type Route } from "../../support/feed-server.ts";

const server = new FeedServer();
let client: HttpClient;
const clock = { ms: 1_760_000_000_000, now: () => clock.ms };

before(async () => {
  await server.listen();
  client = new HttpClient({ userAgent: "velostream-test", now: clock.now });
});
after(async () => {
  await client.close();
  await server.close();
});
beforeEach(() => {
  server.routes.clear();
  server.asked.length = 0;
});

type Files = Readonly<Record<string, Route>>;

function statusOf(stations: number, more: object = {}): object {
  const list = Array.from({ length: stations }, (_, n) => ({
    station_id: `s${n}`,
    num_bikes_available: 1,
    ...more,
  }));
  return { data: { stations: list } };
}

function town(stations = 12): Files {
  return {
    station_status: statusOf(stations, { vehicle_types_available: [{ vehicle_type_id: "e", count: 1 }] }),
    station_information: {
      data: {
        stations: Array.from({ length: stations }, (_, n) => ({ station_id: `s${n}`, lat: 1, lon: 1 })),
      },
    },
    free_bike_status: { data: { bikes: [{ bike_id: "v", lat: 1, lon: 1 }] } },
    vehicle_types: { data: { vehicle_types: [{ vehicle_type_id: "e", propulsion_type: "electric" }] } },
  };
}

/** Serves these versions, each of which lists all of them. */
function serve(versions: Readonly<Record<string, Files>>): void {
  const links = Object.keys(versions).map((version) => ({
    version,
    url: `${server.origin}/${version}/gbfs.json`,
  }));
  for (const [version, files] of Object.entries(versions)) {
    const feeds = ["gbfs_versions", ...Object.keys(files)].map((name) => ({ name, url: name }));
    server.routes.set(`/${version}/gbfs.json`, { version, data: { feeds } });
    server.routes.set(`/${version}/gbfs_versions`, { data: { versions: links } });
    for (const [name, route] of Object.entries(files)) server.routes.set(`/${version}/${name}`, route);
  }
}

/** What is polled, by which version's files, and what was said about the others. */
async function read(version: string, patienceMs = 300) {
  const target = typedTarget(`${server.origin}/${version}/gbfs.json`) ?? assert.fail();
  const source = new HttpFeed({ target, client, clock, patienceMs });
  const poll = await source.poll();
  assert.ok(poll.kind === "changed", JSON.stringify(poll));
  return { source, stations: poll.status.stations.length, status: poll.status, problems: source.problems() };
}

const without = (name: string): Files =>
  Object.fromEntries(Object.entries(town()).filter(([file]) => file !== name));
const WORSE: Readonly<Record<string, Files>> = {
  "whose status is 404": { ...town(), station_status: status(404) },
  "whose status is 500": { ...town(), station_status: status(500) },
  "whose status is a web page": { ...town(), station_status: "<html>" },
  "whose status never comes": { ...town(), station_status: () => undefined },
  "that is empty": town(0),
  "whose stations cannot be used": { ...town(), station_status: statusOf(12, { num_bikes_available: -1 }) },
  "that has half the stations": town(6),
  "that has one station fewer": town(11),
  "that has vehicles alone": {
    vehicle_status: { data: { vehicles: [{ vehicle_id: "v", lat: 1, lon: 1 }] } },
  },
  "without its vehicles": without("free_bike_status"),
  "without information": without("station_information"),
  "whose information is 500": { ...town(), station_information: status(500) },
  "that describes half its stations": {
    ...town(),
    station_information: town(6)["station_information"] ?? {},
  },
  "without types": without("vehicle_types"),
  "that lists nothing to count": { system_information: { data: {} } },
};

for (const [what, files] of Object.entries(WORSE)) {
  test(`a higher version ${what} is passed over, which is said`, async () => {
    serve({ "2.3": town(), "3.0": files });
    const { stations, problems } = await read("2.3");
    assert.equal(stations, 13);
    const [passed, ...others] = problems;
    assert.ok(passed?.flag === "higher_version_unusable" && others.length === 0, JSON.stringify(problems));
    assert.match(passed.message, /offers version 3\.0, but .+ Version 2\.3 is read instead/);
  });

  test(`from a typed version ${what} a lower one is found`, async () => {
    serve({ "2.3": town(), "3.0": files });
    const { stations } = await read("3.0");
    assert.equal(stations, 13);
  });
}

test("a version whose discovery file is gone is passed over", async () => {
  serve({ "2.3": town(), "3.0": town() });
  server.routes.delete("/3.0/gbfs.json");
  const { stations, problems } = await read("2.3");
  assert.deepEqual([stations, problems.length], [13, 1]);
});

test("the highest version is read when it has as much in it, and nothing is said", async () => {
  serve({ "1.1": town(), "2.3": town(), "3.0": town() });
  const { problems } = await read("1.1");
  assert.deepEqual(problems, []);
  assert.equal(server.count("/3.0/station_status"), 2);
});

test("of three versions the one that is typed counts, though two above it are poor", async () => {
  serve({ "1.1": town(), "2.3": town(6), "3.0": town(6) });
  const { stations, problems } = await read("1.1");
  assert.deepEqual([stations, problems.length], [13, 2]);
});

test("a lower version that is poorer changes nothing", async () => {
  serve({ "2.3": town(6), "3.0": town() });
  assert.deepEqual([(await read("2.3")).stations, (await read("3.0")).problems], [13, []]);
});

for (const [what, files] of Object.entries(WORSE)) {
  test(`of a manifest's versions one ${what} is passed over as well`, async () => {
    serve({ "2.3": town(), "3.0": files });
    const url = (version: string) => `${server.origin}/${version}/gbfs.json`;
    const versions = ["3.0", "2.3"].map((version) => ({ version, url: url(version) }));
    const target = { ...(typedTarget(url("3.0")) ?? assert.fail()), versions };
    const source = new HttpFeed({ target, client, clock, patienceMs: 300 });
    const poll = await source.poll();
    assert.ok(poll.kind === "changed", JSON.stringify(poll));
    assert.deepEqual([poll.status.stations.length, source.problems().length], [13, 1]);
  });
}

test("a version that was passed over is looked at again within the hour", async () => {
  serve({ "2.3": town(), "3.0": { ...town(), station_status: status(500) } });
  const { source } = await read("2.3");
  serve({ "2.3": town(), "3.0": town() });
  clock.ms += 3_600_000;
  await source.poll();
  assert.deepEqual(source.problems(), []);
  server.asked.length = 0;
  await source.poll();
  assert.deepEqual([server.count("/3.0/station_status"), server.count("/2.3/station_status")], [1, 0]);
});

test("a version that fails for several polls is left for one that works", async () => {
  serve({ "2.3": town(), "3.0": town() });
  const { source } = await read("2.3");
  for (const name of ["station_status", "free_bike_status"]) server.routes.set(`/3.0/${name}`, status(500));
  let polls = 0;
  while ((await source.poll()).kind === "failed" && polls < 20) polls += 1;
  assert.equal(polls, 5);
  assert.equal(source.problems()[0]?.subject, "3.0");
});
