/** A live feed over HTTP: discovery, politeness, and every way in which a fetch can end. */
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { FeedError } from "../../../src/errors.ts";
import { typedTarget } from "../../../src/feed/feed-target.ts";
import { HttpClient } from "../../../src/feed/http-client.ts";
import { HttpFeed } from "../../../src/feed/http-feed.ts";
import type { Poll } from "../../../src/ports.ts";
import { FeedServer, status, type Handler } from "../../support/feed-server.ts";

const server = new FeedServer();
let client: HttpClient;
const clock = { ms: 1_760_000_000_000, now: () => clock.ms };

before(() => server.listen());
after(async () => {
  await client.close();
  await server.close();
});
beforeEach(async () => {
  await (client as HttpClient | undefined)?.close();
  client = new HttpClient({
    userAgent: "velostream-test (+mailto:test@example.org)",
    now: clock.now,
    limits: { firstByteMs: 300, totalMs: 600, compressedBytes: 20_000, decompressedBytes: 100_000 },
  });
  server.routes.clear();
  server.asked.length = 0;
  server.headers.length = 0;
});

function feed(path: string, base = server.origin): HttpFeed {
  const target = typedTarget(base + path);
  assert.ok(target !== null);
  return new HttpFeed({ target, client, clock });
}

const station = (id: string, count: number) => ({
  station_id: id,
  num_bikes_available: count,
  num_docks_available: 1,
});
const statusFile = (...stations: object[]) => ({
  last_updated: 1,
  ttl: 60,
  version: "2.3",
  data: { stations },
});
const information = {
  version: "2.3",
  data: { stations: [{ station_id: "1", name: "One", lat: 1, lon: 2 }] },
};

function serve(files: Record<string, unknown>, prefix = ""): void {
  const feeds = Object.keys(files).map((name) => ({ name, url: `${server.origin}${prefix}/${name}.json` }));
  server.routes.set(`${prefix}/gbfs.json`, { version: "2.3", data: { en: { feeds } } });
  for (const [name, body] of Object.entries(files))
    server.routes.set(`${prefix}/${name}.json`, body as object);
}

function succeeded(poll: Poll) {
  assert.ok(poll.kind === "changed" || poll.kind === "unchanged", JSON.stringify(poll));
  return poll;
}

function failed(poll: Poll) {
  assert.equal(poll.kind, "failed");
  return poll;
}

test("finds the files through gbfs.json, whatever its language, and polls them", async () => {
  server.routes.set("/gbfs.json", {
    version: "1.0",
    data: {
      nb: {
        feeds: [
          { name: "station_status.json", url: "/files/status" },
          { name: "station_information", url: `${server.origin}/files/info` },
          { name: "system_information", url: "files/system" },
        ],
      },
    },
  });
  server.routes.set("/files/status", statusFile(station("1", 3)));
  server.routes.set("/files/info", information);
  server.routes.set("/files/system", { data: { system_id: "oslo", name: "Oslo", timezone: "Europe/Oslo" } });
  const source = feed("/gbfs.json");
  const described = await source.describe();
  assert.deepEqual([described.systemId, described.name, described.simulated], ["oslo", "Oslo", false]);
  const poll = succeeded(await source.poll());
  assert.equal(poll.kind, "changed");
  assert.equal(poll.status.stations[0]?.total, 3);
  assert.equal(source.information().get("1")?.name, "One");
  assert.match(server.headers[0]?.["user-agent"] ?? "", /^velostream-test \(\+mailto/);
});

test("takes a station_status.json alone, with the files beside it where they exist", async () => {
  server.routes.set("/rouen/station_status.json", statusFile(station("1", 3)));
  server.routes.set("/rouen/station_information.json", information);
  const source = feed("/rouen/station_status.json");
  assert.equal((await source.describe()).systemId, "rouen");
  assert.equal(succeeded(await source.poll()).status.stations.length, 1);
  assert.equal(source.information().size, 1);
  assert.equal(succeeded(await source.poll()).kind, "unchanged");
  assert.equal(server.count("/rouen/station_information.json"), 1, "information has its own slower schedule");
});

test("knows Vélib' by its dialect, at whatever address", async () => {
  const velib = { ...station("213688169", 5), numBikesAvailable: 5, stationCode: "16107" };
  server.routes.set("/station_status.json", { lastUpdatedOther: 1, ttl: 3600, data: { stations: [velib] } });
  const described = await feed("/station_status.json").describe();
  assert.deepEqual([described.systemId, described.name], ["velib", "Vélib' Métropole"]);
});

test("Vélib' under another name keeps its station codes", async () => {
  const velib = { ...station("213688169", 5), numBikesAvailable: 5, stationCode: "16107" };
  server.routes.set("/station_status.json", { lastUpdatedOther: 1, ttl: 3600, data: { stations: [velib] } });
  const target = typedTarget(`${server.origin}/station_status.json`) ?? assert.fail();
  const source = new HttpFeed({ target: { ...target, systemId: "velib-2022" }, client, clock });
  assert.equal((await source.describe()).systemId, "velib-2022");
  assert.equal(source.usesVelibCodes, true);
});

test("says that a simulated feed is simulated", async () => {
  serve({
    system_information: { simulated: true, data: { system_id: "s", name: "S" } },
    station_status: statusFile(),
  });
  assert.equal((await feed("/gbfs.json").describe()).simulated, true);
});

test("prefers the highest version that gbfs_versions leads to and that is understood", async () => {
  const versions = ["1.1", "2.3", "3.0", "3.1-RC3", "4.0", "latest"].map((version) => ({
    version,
    url: `${server.origin}/v${version}/gbfs.json`,
  }));
  serve({ gbfs_versions: { data: { versions } }, station_status: statusFile(station("1", 1)) });
  serve({ station_status: statusFile(station("1", 3)) }, "/v3.0");
  assert.equal(succeeded(await feed("/gbfs.json").poll()).status.stations[0]?.total, 3);
});

test("stays with the version at hand when a better one leads nowhere", async () => {
  const versions = [{ version: "3.0", url: `${server.origin}/absent` }];
  serve({ gbfs_versions: { data: { versions } }, station_status: statusFile(station("1", 1)) });
  assert.equal(succeeded(await feed("/gbfs.json").poll()).status.stations[0]?.total, 1);
});

test("asks conditionally, and a 304 is an observation of every station again", async () => {
  const conditional: Handler = (request, response) => {
    if (request.headers["if-none-match"] === '"a"') {
      response.writeHead(304).end();
      return;
    }
    response.writeHead(200, { etag: '"a"', "last-modified": "Sat, 18 Oct 2025 09:09:16 GMT" });
    response.end(JSON.stringify(statusFile(station("1", 3))));
  };
  server.routes.set("/station_status.json", conditional);
  const source = feed("/station_status.json");
  succeeded(await source.poll());
  clock.ms += 1000;
  const again = succeeded(await source.poll());
  assert.deepEqual(
    [again.kind, again.observedAtMs, again.status.stations.length],
    ["unchanged", clock.ms, 1],
  );
  const last = server.headers[server.asked.lastIndexOf("/station_status.json")];
  assert.equal(last?.["if-modified-since"], "Sat, 18 Oct 2025 09:09:16 GMT");
  assert.equal(source.traffic.notModified, 1);
  assert.ok(source.traffic.savedBytes > 50);
});

/** Answers with 304 as long as what is served is what the client has. */
function conditionally(body: () => object): Handler {
  return (request, response) => {
    const text = JSON.stringify(body());
    const etag = `"${text.length}-${text}"`.replaceAll(/[^\w"-]/g, "");
    if (request.headers["if-none-match"] === etag) response.writeHead(304).end();
    else response.writeHead(200, { etag }).end(text);
  };
}

test("an unchanged file is read once: the next polls are the same observations again", async () => {
  let [status, told] = [statusFile(station("1", 3)), information as object];
  serve({ station_status: conditionally(() => status), station_information: conditionally(() => told) });
  const source = feed("/gbfs.json");
  const first = succeeded(await source.poll());
  clock.ms += 60_000;
  const second = succeeded(await source.poll());
  assert.equal(second.status.stations[0], first.status.stations[0], "not decoded again");
  assert.deepEqual([second.kind, second.observedAtMs], ["unchanged", clock.ms]);
  // What it is decoded with has changed: 1,000 docks of a station for 20 are a placeholder.
  status = statusFile({ ...station("1", 3), num_docks_available: 1_000 });
  clock.ms += 60_000;
  assert.equal(succeeded(await source.poll()).status.stations[0]?.docks, 1_000);
  told = {
    version: "2.3",
    data: { stations: [{ station_id: "1", name: "One", lat: 1, lon: 2, capacity: 20 }] },
  };
  clock.ms += 2 * 3_600_000;
  for (let polls = 0; polls < 3; polls += 1) {
    clock.ms += 60_000;
    await source.poll();
  }
  const later = succeeded(await source.poll());
  assert.deepEqual([later.status.stations[0]?.docks, later.kind], [null, "unchanged"]);
  // And the file itself, of course.
  status = statusFile(station("1", 4));
  assert.equal(succeeded(await source.poll()).status.stations[0]?.total, 4);
});

test("where there is no room to keep what was decoded, or vehicles beside it, it is decoded again", async () => {
  const stations = Array.from({ length: 6 }, (_, n) => station(String(n), n));
  serve({ station_status: conditionally(() => statusFile(...stations)) });
  const room = new HttpClient({ userAgent: "velostream-test", now: clock.now, limits: {} });
  assert.ok(room.keptDecoded.keep(room, "another", 9_998));
  const target = typedTarget(`${server.origin}/gbfs.json`);
  assert.ok(target !== null);
  const source = new HttpFeed({ target, client: room, clock });
  const first = succeeded(await source.poll());
  clock.ms += 60_000;
  const second = succeeded(await source.poll());
  assert.notEqual(second.status.stations[0], first.status.stations[0]);
  assert.deepEqual(second.status, first.status);
  await room.close();
  serve({
    station_status: conditionally(() => statusFile(...stations)),
    vehicle_status: { version: "3.0", data: { vehicles: [] } },
  });
  const both = feed("/gbfs.json");
  const one = succeeded(await both.poll()).status.stations[0];
  clock.ms += 60_000;
  assert.notEqual(succeeded(await both.poll()).status.stations[0], one, "each poll asks what vehicles say");
});

test("a 304 to one who has nothing is a failure that says so", async () => {
  server.routes.set("/station_status.json", (_request, response) => void response.writeHead(304).end());
  await assert.rejects(feed("/station_status.json").describe(), /answered HTTP 304\. It is tried again/);
});

test("a header or last_reported that moves alone is no change", async () => {
  const at = (n: number, count: number) => ({
    ...statusFile({ ...station("1", count), last_reported: n }, station("2", 2)),
    last_updated: n,
  });
  server.routes.set("/station_status.json", at(1, 3));
  const source = feed("/station_status.json");
  assert.equal(succeeded(await source.poll()).kind, "changed");
  server.routes.set("/station_status.json", at(2, 3));
  const moved = succeeded(await source.poll());
  assert.deepEqual([moved.kind, moved.status.lastUpdatedMs], ["unchanged", 2000]);
  server.routes.set("/station_status.json", at(2, 4));
  assert.equal(succeeded(await source.poll()).kind, "changed");
});

test("understands gzip and brotli, and refuses a bomb", async () => {
  const body = JSON.stringify(statusFile(station("1", 3)));
  const encoded =
    (encoding: string, bytes: Buffer): Handler =>
    (_, response) =>
      void response.writeHead(200, { "content-encoding": encoding }).end(bytes);
  for (const [encoding, bytes] of [
    ["gzip", gzipSync(body)],
    ["br", brotliCompressSync(body)],
  ] as const) {
    server.routes.set("/station_status.json", encoded(encoding, bytes));
    assert.equal(succeeded(await feed("/station_status.json").poll()).transferredBytes, bytes.length);
  }
  const bomb = gzipSync(Buffer.alloc(200_000, " "));
  assert.ok(bomb.length < 1000);
  server.routes.set("/station_status.json", encoded("gzip", bomb));
  assert.equal(failed(await feed("/station_status.json").poll()).outcome, "too_large");
  server.routes.set("/station_status.json", encoded("gzip", gzipSync(body).subarray(0, 40)));
  assert.equal(failed(await feed("/station_status.json").poll()).outcome, "truncated");
  server.routes.set("/station_status.json", encoded("gzip", Buffer.from([0x1f, 0x8b, 1, 2, 3, 4, 5, 6, 7])));
  assert.equal(failed(await feed("/station_status.json").poll()).outcome, "bad_encoding");
});

const stalled: Handler = () => undefined;
const trickle: Handler = (_, response) => {
  response.writeHead(200);
  const timer = setInterval(() => response.write(" "), 50);
  response.on("close", () => clearInterval(timer));
};
const cut: Handler = (_, response) => {
  response.writeHead(200, { "content-length": "1000" });
  response.write("{");
  setImmediate(() => response.destroy());
};
const gzipTrickle: Handler = (_, response) => {
  response.writeHead(200, { "content-encoding": "gzip" });
  const bytes = gzipSync(" ".repeat(100), { level: 0 });
  let at = 0;
  const timer = setInterval(() => response.write(bytes.subarray(at, (at += 1))), 50);
  response.on("close", () => clearInterval(timer));
};
const gzipCut: Handler = (_, response) => {
  response.writeHead(200, { "content-encoding": "gzip", "content-length": "1000" });
  response.write(gzipSync("{}").subarray(0, 10));
  setImmediate(() => response.destroy());
};
const endless: Handler = (_, response) => {
  response.writeHead(200);
  const write = () => {
    if (!response.destroyed) response.write(" ".repeat(10_000), () => setImmediate(write));
  };
  write();
};

const announcing: Handler = (_, response) => {
  const announce = () => {
    if (response.destroyed) return;
    response.writeProcessing();
    setImmediate(announce);
  };
  announce();
};
const slowRedirects: Handler = (_, response) => {
  // Each within the limit of a request, together beyond that of all.
  setTimeout(() => response.writeHead(302, { location: "/station_status.json" }).end(), 250);
};

const FAILURES: [string, string | object, RegExp][] = [
  ["http_503", status(503), /answered HTTP 503/],
  ["http_429", status(429), /asks for fewer requests/],
  ["http_403", status(403), /refuses access \(HTTP 403\)/],
  ["http_404", status(404), /has no \/station_status\.json \(HTTP 404\)/],
  ["http_410", status(410), /gone for good/],
  ["not_json", "<!doctype html><h1>Maintenance</h1>", /a web page/],
  ["not_json", "", /nothing at all/],
  ["not_json", '{"data":{"stations":[{"station_id":"1"', /cut short/],
  [
    "not_json",
    '{"data":{"stations":[{"station_id":"1","lat":NaN}]}}',
    /it holds NaN or Infinity where a number/,
  ],
  ["not_json", '{"data":{"stations":[{"station_id":"1","lat": -Infinity }]}}', /it holds NaN or Infinity/],
  ["not_json", '{"data":{"stations":[{"station_id":1 2}]}}', /damaged near character \d+/],
  ["not_gbfs", { data: { bikes: 3 } }, /not GBFS/],
  ["not_gbfs", "[]", /not GBFS/],
  ["not_gbfs", "null", /not GBFS/],
  ["timeout", stalled, /did not answer in time/],
  ["timeout", trickle, /did not answer in time/],
  ["reset", cut, /closed the connection/],
  ["timeout", gzipTrickle, /did not answer in time/],
  ["reset", gzipCut, /closed the connection/],
  ["too_large", endless, /more than is accepted/],
  ["not_http", announcing, /did not answer in HTTP \(for \/station_status\.json\)/],
  ["timeout", slowRedirects, /did not answer in time/],
  ["redirect_loop", status(302, { location: "/station_status.json" }), /in circles/],
];

for (const [outcome, route, message] of FAILURES) {
  test(`a failure is a value: ${outcome} (${message.source}), and the next good answer is taken`, async () => {
    server.routes.set("/station_status.json", route);
    const source = feed("/station_status.json");
    const poll = failed(await source.poll());
    assert.equal(poll.outcome, outcome);
    assert.match(poll.message, message);
    assert.ok(poll.message.includes("127.0.0.1"), "names the host");
    server.routes.set("/station_status.json", statusFile(station("1", 3)));
    assert.equal(succeeded(await source.poll()).kind, "changed");
  });
}

test("names what to do when a host cannot be resolved or refuses", async () => {
  const unresolved = failed(await feed("/gbfs.json", "http://feed.invalid").poll());
  assert.equal(unresolved.outcome, "dns");
  assert.match(
    unresolved.message,
    /^feed\.invalid could not be resolved \(for \/gbfs\.json\)\. .*npm run demo.*replay PATH/,
  );
  const refused = failed(await feed("/gbfs.json", "http://127.0.0.1:1").poll());
  assert.equal(refused.outcome, "refused");
  await assert.rejects(
    feed("/gbfs.json", "http://feed.invalid").describe(),
    (error: unknown) => error instanceof FeedError && error.retryable,
  );
});

test("never prints the credentials of a URL, and sends them as a header to that origin alone", async () => {
  const other = await new FeedServer().listen();
  other.routes.set("/status", statusFile());
  server.routes.set("/gbfs.json", {
    data: { feeds: [{ name: "station_status", url: "/moved" }] },
  });
  server.routes.set("/moved", status(302, { location: `${other.origin}/status` }));
  // Strangers' rules are another test's; here the other server may be asked.
  await client.close();
  client = new HttpClient({
    userAgent: "velostream-test",
    now: clock.now,
    policy: { allowPrivateAddresses: true, allowInsecureHttp: true },
  });
  const source = feed("/gbfs.json", server.origin.replace("http://", "http://me:secret@"));
  await source.poll();
  assert.equal(server.headers[0]?.authorization, `Basic ${Buffer.from("me:secret").toString("base64")}`);
  assert.deepEqual(other.asked, ["/status"]);
  assert.equal(other.headers[0]?.authorization, undefined);
  server.routes.set("/gbfs.json", status(500));
  const poll = failed(await feed("/gbfs.json", server.origin.replace("http://", "http://me:secret@")).poll());
  assert.ok(!poll.message.includes("secret"));
  await other.close();
});

test("obeys Retry-After in seconds and as a date", async () => {
  server.routes.set("/station_status.json", status(429, { "retry-after": "120" }));
  assert.equal(failed(await feed("/station_status.json").poll()).retryAfterMs, 120_000);
  const date = new Date(clock.ms + 60_000).toUTCString();
  server.routes.set("/station_status.json", status(503, { "retry-after": date }));
  assert.equal(failed(await feed("/station_status.json").poll()).retryAfterMs, 60_000 - (clock.ms % 1000));
  server.routes.set("/station_status.json", status(503, { "retry-after": "soon" }));
  assert.equal(failed(await feed("/station_status.json").poll()).retryAfterMs, null);
});

test("looks only slowly at a feed that is gone, and asks discovery again where it went", async () => {
  serve({ station_status: status(410) });
  const source = feed("/gbfs.json");
  assert.equal(failed(await source.poll()).retryAfterMs, 6 * 3_600_000);
  serve({ station_status: status(404) });
  assert.equal(failed(await source.poll()).retryAfterMs, null);
  assert.equal(failed(await source.poll()).retryAfterMs, null);
  assert.equal(failed(await source.poll()).retryAfterMs, 3_600_000);
  server.routes.set("/gbfs.json", { data: { feeds: [{ name: "station_status", url: "/new" }] } });
  server.routes.set("/new", statusFile(station("1", 1)));
  assert.equal(succeeded(await source.poll()).status.stations.length, 1);
});

test("a feed that is gone before it was ever known is looked at slowly too", async () => {
  server.routes.set("/gbfs.json", status(410));
  await assert.rejects(
    feed("/gbfs.json").describe(),
    (error: unknown) => error instanceof FeedError && error.details["retryAfterMs"] === 6 * 3_600_000,
  );
});

test("hands on the publisher's alerts", async () => {
  serve({
    station_status: statusFile(station("1", 1)),
    system_alerts: { data: { alerts: [{ alert_id: "a", summary: "Closed", station_ids: ["1"] }] } },
  });
  const source = feed("/gbfs.json");
  await source.poll();
  assert.deepEqual(
    source.alerts().map(({ alertId, summary, stationIds }) => [alertId, summary, stationIds]),
    [["a", "Closed", ["1"]]],
  );
});

test("follows a permanent redirect once, and asks there from then on", async () => {
  server.routes.set("/station_status.json", status(301, { location: "/new" }));
  server.routes.set("/new", statusFile());
  const source = feed("/station_status.json");
  await source.poll();
  await source.poll();
  assert.equal(server.count("/station_status.json"), 1);
  assert.equal(server.count("/new"), 2);
});

test("waits for station_information at first, goes on without it when it stays away", async () => {
  serve({ station_status: statusFile(station("1", 3)), station_information: status(500) });
  const source = feed("/gbfs.json");
  assert.equal(failed(await source.poll()).outcome, "http_500");
  clock.ms += 120_000;
  assert.equal(failed(await source.poll()).outcome, "http_500");
  clock.ms += 300_000;
  assert.equal(succeeded(await source.poll()).status.stations.length, 1);
});

test("a station that the information does not know has it read again, before the station is counted", async () => {
  serve({ station_status: statusFile(station("1", 3)), station_information: information });
  const source = feed("/gbfs.json");
  await source.poll();
  const two = { version: "2.3", data: { stations: [{ station_id: "2", name: "Two", lat: 1, lon: 2 }] } };
  server.routes.set("/station_information.json", two);
  server.routes.set("/station_status.json", statusFile(station("2", 3)));
  clock.ms += 60_000;
  await source.poll();
  assert.equal(source.information().get("2")?.name, "Two");
  assert.equal(server.count("/station_information.json"), 2);
});

test("information that never knows a station is not read for it at every poll", async () => {
  serve({ station_status: statusFile(station("1", 3)), station_information: information });
  const source = feed("/gbfs.json");
  const poll = async (...ids: string[]): Promise<number> => {
    server.routes.set("/station_status.json", statusFile(...ids.map((id) => station(id, 3))));
    clock.ms += 10_000;
    await source.poll();
    return server.count("/station_information.json");
  };
  await poll("1");
  for (let n = 0; n < 20; n += 1) assert.equal(await poll("1", "2"), 2, "the same station, once");
  server.asked.length = 0;
  // Other ids at every poll for an hour: a minute, then two, four and five minutes apart.
  let asked = 0;
  for (let n = 0; n < 360; n += 1) asked = await poll("1", `x${n}`);
  assert.ok(asked >= 10 && asked <= 16, String(asked));
});

test("a file that failed is not asked before its time for a station's sake", async () => {
  serve({ station_status: statusFile(station("1", 3)), station_information: information });
  const source = feed("/gbfs.json");
  await source.poll();
  server.routes.set("/station_information.json", status(503, { "retry-after": "3600" }));
  server.routes.set("/station_status.json", statusFile(station("2", 3)));
  clock.ms += 60_000;
  await source.poll();
  server.routes.set("/station_status.json", statusFile(station("3", 3)));
  clock.ms += 60_000;
  await source.poll();
  assert.equal(server.count("/station_information.json"), 2);
});

test("counts the vehicles that stand by themselves, electric or not by their type, docked ones once", async () => {
  const vehicle = (id: string, type: string, more: object = {}) => ({
    vehicle_id: id,
    lat: 1,
    lon: 2,
    is_reserved: false,
    is_disabled: false,
    vehicle_type_id: type,
    ...more,
  });
  const types = [
    { vehicle_type_id: "e", propulsion_type: "electric_assist" },
    { vehicle_type_id: "m", propulsion_type: "human" },
  ];
  const vehicles = [
    vehicle("a", "e"),
    vehicle("b", "m"),
    vehicle("c", "m", { is_reserved: true }),
    vehicle("d", "e", { is_disabled: true }),
    vehicle("e", "e", { station_id: "1" }),
    vehicle("f", "e", { station_id: "elsewhere", lat: undefined, lon: undefined }),
    vehicle("a", "e"),
  ];
  serve({
    station_status: statusFile(station("1", 3)),
    vehicle_types: { data: { vehicle_types: types } },
    vehicle_status: { version: "3.0", data: { vehicles } },
  });
  const poll = succeeded(await feed("/gbfs.json").poll());
  const free = poll.status.stations.find(({ stationId }) => stationId.startsWith("free-floating:"));
  assert.deepEqual([free?.total, free?.electric, free?.mechanical], [2, 1, 1]);
  assert.equal(poll.status.oddities["repeated_vehicle"], 1);
  assert.equal(poll.status.oddities["vehicle_at_unlisted_station"], 1);
});

test("a discovery file without status files is told as such", async () => {
  serve({ system_information: {}, geofencing_zones: {} });
  await assert.rejects(feed("/gbfs.json").describe(), (error: unknown) => {
    assert.ok(error instanceof FeedError && error.code === "VELOSTREAM_FEED_INVALID");
    assert.match(
      error.message,
      /gbfs\.json lists no station or vehicle status \(only system_information, geofencing_zones\)/,
    );
    assert.doesNotMatch(error.message, /not GBFS/);
    return true;
  });
});

test("beside a typed status file its neighbours are found, under its own spelling", async () => {
  const regions = { data: { regions: [{ region_id: "r", name: "North" }] } };
  const bikes = { data: { bikes: [{ bike_id: "v", lat: 1, lon: 1 }] } };
  for (const [folder, spelt] of [
    ["/a", (name: string) => `${name}.json`],
    ["/b", (name: string) => name],
    ["/c", (name: string) => `${name.replaceAll("_", "-")}.json`],
  ] as const) {
    server.routes.set(`${folder}/${spelt("station_status")}`, statusFile(station("1", 3)));
    server.routes.set(`${folder}/${spelt("station_information")}`, information);
    server.routes.set(`${folder}/${spelt("system_regions")}`, regions);
    server.routes.set(`${folder}/${spelt("free_bike_status")}`, bikes);
    const source = feed(`${folder}/${spelt("station_status")}`);
    await source.describe();
    assert.equal(succeeded(await source.poll()).status.stations.length, 2);
    assert.equal(source.regionNames().get("r"), "North");
    assert.deepEqual(source.problems(), [], "what was only looked for may be missing");
  }
});

test("a bare array of stations is read, and so is a typed file of vehicles", async () => {
  server.routes.set("/stations", [station("1", 3)]);
  assert.equal(succeeded(await feed("/stations").poll()).status.stations[0]?.total, 3);
  server.routes.set("/x/free_bike_status.json", { data: { bikes: [{ bike_id: "v", lat: 1, lon: 1 }] } });
  assert.equal(succeeded(await feed("/x/free_bike_status.json").poll()).status.stations[0]?.total, 1);
});

test("a number that JSON does not have is told as such", async () => {
  for (const number of ["NaN", "-Infinity", " Infinity ", "undefined"]) {
    server.routes.set("/station_status.json", `{"data":{"stations":[{"station_id":"1","lat":${number}}]}}`);
    const poll = failed(await feed("/station_status.json").poll());
    assert.match(
      poll.message,
      /station_status\.json answered something that is not JSON \(it holds NaN or Infinity/,
    );
  }
});
