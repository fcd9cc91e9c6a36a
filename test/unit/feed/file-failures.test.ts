/** Any one file of a feed may fail, in any way, at the start or later: it costs what it carries, and is named. */
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { gzipSync } from "node:zlib";
import { typedTarget } from "../../../src/feed/feed-target.ts";
import { HttpClient } from "../../../src/feed/http-client.ts";
import { HttpFeed } from "../../../src/feed/http-feed.ts";
import type { Poll } from "../../../src/ports.ts";
import { FeedServer, status, type Route } from "../../support/feed-server.ts";

const server = new FeedServer();
let client: HttpClient;
const clock = { ms: 1_760_000_000_000, now: () => clock.ms };

before(() => server.listen());
after(() => server.close());
beforeEach(async () => {
  await (client as HttpClient | undefined)?.close();
  client = new HttpClient({
    userAgent: "velostream-test",
    now: clock.now,
    // Wide enough that a busy machine answers within it: only silence runs into it.
    limits: { firstByteMs: 1_600, totalMs: 800 },
  });
  server.routes.clear();
  server.asked.length = 0;
});
after(() => client.close());

const WHOLE: Readonly<Record<string, object>> = {
  system_information: { data: { system_id: "town", name: "Town" } },
  station_information: {
    data: { stations: [{ station_id: "a", name: "A", lat: 1, lon: 1, region_id: "r" }] },
  },
  station_status: {
    data: {
      stations: [
        {
          station_id: "a",
          num_bikes_available: 5,
          vehicle_types_available: [{ vehicle_type_id: "e", count: 5 }],
        },
      ],
    },
  },
  free_bike_status: { data: { bikes: [{ bike_id: "v", lat: 1, lon: 1 }] } },
  vehicle_types: { data: { vehicle_types: [{ vehicle_type_id: "e", propulsion_type: "electric" }] } },
  system_regions: { data: { regions: [{ region_id: "r", name: "North" }] } },
  system_pricing_plans: { data: { plans: [] } },
  system_alerts: { data: { alerts: [] } },
};

const FAILURES: Readonly<Record<string, Route>> = {
  "404": status(404),
  "401": status(401),
  "500": status(500),
  "a web page": "<html>Maintenance</html>",
  nothing: "",
  "JSON that is none of it": { data: { weather: 3 } },
  "half a file": '{"data":{"bikes":[{"bike_id":"v"',
  "half its bytes": (_, response) => {
    response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync("{}".repeat(99)).subarray(0, 20));
  },
  silence: () => undefined,
};

function serve(files: Readonly<Record<string, Route>>): void {
  const feeds = Object.keys(files).map((name) => ({ name, url: `${server.origin}/town/${name}.json` }));
  server.routes.set("/town/gbfs.json", { version: "2.3", data: { en: { feeds } } });
  for (const [name, route] of Object.entries(files)) server.routes.set(`/town/${name}.json`, route);
}

function feed(): HttpFeed {
  const target = typedTarget(`${server.origin}/town/gbfs.json`) ?? assert.fail();
  return new HttpFeed({ target, client, clock, patienceMs: 1_000 });
}

function good(poll: Poll) {
  assert.ok(poll.kind === "changed" || poll.kind === "unchanged", JSON.stringify(poll));
  const stations = poll.status.stations.filter(({ source }) => source["free_floating"] !== true);
  const free = poll.status.stations.filter(({ source }) => source["free_floating"] === true);
  return {
    stations: stations.reduce((sum, { total }) => sum + total, 0),
    free: free.reduce((sum, { total }) => sum + total, 0),
    unobserved: poll.status.unobserved ?? [],
  };
}

/** What a poll must still say without the file. */
const WITHOUT: Readonly<Record<string, ReturnType<typeof good>>> = {
  station_status: { stations: 0, free: 1, unobserved: ["stations"] },
  free_bike_status: { stations: 5, free: 0, unobserved: ["vehicles"] },
};
const NOTHING_LOST = { stations: 5, free: 1, unobserved: [] };

/** Polls until the feed has waited long enough for what places depend on. */
async function polled(source: HttpFeed): Promise<Poll> {
  let poll = await source.poll();
  for (let more = 0; more < 3 && poll.kind === "failed"; more += 1) {
    clock.ms += 120_000;
    poll = await source.poll();
  }
  return poll;
}

for (const name of Object.keys(WHOLE)) {
  for (const [how, route] of Object.entries(FAILURES)) {
    test(`${name} that answers with ${how} at the start costs only what it carries`, async () => {
      serve({ ...WHOLE, [name]: route });
      const source = feed();
      const described = await source.describe();
      assert.equal(described.systemId, "town");
      assert.deepEqual(good(await polled(source)), WITHOUT[name] ?? NOTHING_LOST);
      // Nobody reads the prices, and any object may say nothing of a system.
      const reads = name !== "system_pricing_plans";
      const told = reads && !(how.startsWith("JSON") && name === "system_information");
      // Silence ends with the time limit.
      for (let polls = 0; polls < 500 && told && source.problems().length === 0; polls += 1)
        await source.poll();
      const named = source.problems().filter(({ flag }) => flag === "file_unavailable");
      assert.equal(named.length, told ? 1 : 0, JSON.stringify(named));
      for (const { message } of named) {
        assert.ok(message.startsWith(`${name}: `), message);
        assert.ok(message.includes(`/town/${name}.json`), message);
      }
    });
  }

  test(`${name} that fails later costs only what it carries, and is forgotten when it is back`, async () => {
    serve(WHOLE);
    const source = feed();
    await source.describe();
    assert.deepEqual(good(await source.poll()), NOTHING_LOST);
    server.routes.set(`/town/${name}.json`, status(500));
    clock.ms += 25 * 3_600_000;
    await source.poll();
    assert.deepEqual(good(await source.poll()), WITHOUT[name] ?? NOTHING_LOST);
    assert.equal(source.information().get("a")?.name, "A");
    assert.equal(source.regionNames().get("r"), "North");
    serve(WHOLE);
    clock.ms += 3_600_000;
    await source.poll();
    assert.deepEqual(good(await source.poll()), NOTHING_LOST);
    assert.deepEqual(source.problems(), []);
  });
}

test("all status files failing is a failed poll that names the stations' own", async () => {
  serve({ ...WHOLE, station_status: status(500), free_bike_status: status(404) });
  const source = feed();
  await source.describe();
  const poll = await source.poll();
  assert.ok(poll.kind === "failed" && poll.outcome === "http_500");
  assert.match(poll.message, /\/town\/station_status\.json answered HTTP 500/);
});

test("a missing file is not asked for at every poll, and is taken as gone after an hour", async () => {
  serve({ ...WHOLE, free_bike_status: status(404) });
  const source = feed();
  for (let minute = 0; minute < 9; minute += 1) {
    assert.deepEqual(good(await source.poll()).unobserved, ["vehicles"]);
    clock.ms += 60_000;
  }
  assert.equal(server.count("/town/free_bike_status.json"), 1);
  clock.ms += 3_600_000;
  await source.poll();
  assert.deepEqual(good(await source.poll()).unobserved, []);
});

test("an answer that comes after the others serves the next poll", async (context) => {
  let late = Promise.withResolvers<void>();
  serve({
    ...WHOLE,
    free_bike_status: (_, response) =>
      void late.promise.then(() => response.end(JSON.stringify(WHOLE["free_bike_status"]))),
  });
  const patient = new HttpClient({ userAgent: "velostream-test", now: clock.now });
  context.after(() => patient.close());
  const target = typedTarget(`${server.origin}/town/gbfs.json`) ?? assert.fail();
  const source = new HttpFeed({ target, client: patient, clock, patienceMs: 1_000 });
  await source.describe();
  assert.deepEqual(good(await source.poll()), WITHOUT["free_bike_status"]);
  late.resolve();
  late = Promise.withResolvers<void>();
  assert.deepEqual(good(await source.poll()), NOTHING_LOST);
  late.resolve();
});

test("a file that is listed twice is read twice; one of the two may fail", async () => {
  const bikes = (...ids: string[]) => ({
    data: { bikes: ids.map((bike_id) => ({ bike_id, lat: 1, lon: 1 })) },
  });
  const stations = (id: string) => ({ data: { stations: [{ station_id: id, num_bikes_available: 2 }] } });
  const feeds = ["free_bike_status", "station_status"].flatMap((name) =>
    ["east", "west"].map((side) => ({ name, url: `${side}/${name}` })),
  );
  server.routes.set("/town/gbfs.json", { data: { feeds } });
  server.routes.set("/town/east/free_bike_status", bikes("1", "2"));
  server.routes.set("/town/west/free_bike_status", bikes("2", "3"));
  server.routes.set("/town/east/station_status", stations("e"));
  server.routes.set("/town/west/station_status", stations("w"));
  const source = feed();
  assert.deepEqual(good(await source.poll()), { stations: 4, free: 3, unobserved: [] });
  server.routes.set("/town/west/free_bike_status", status(500));
  server.routes.set("/town/west/station_status", status(500));
  const partly = { stations: 2, free: 3, unobserved: ["stations"] };
  assert.deepEqual(good(await source.poll()), partly);
});
