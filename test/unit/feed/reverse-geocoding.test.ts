/** Postal codes by IGN's geocoder: asked once a station and place, within its limits, kept on disk. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, appendFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { HttpClient } from "../../../src/feed/http-client.ts";
import { ReverseGeocoder } from "../../../src/feed/reverse-geocoding.ts";
import { FeedServer, status } from "../../support/feed-server.ts";
import { silentLogger } from "../../support/silent.ts";

const server = new FeedServer();
const folder = mkdtempSync(join(tmpdir(), "velostream-geocoder-"));
let client: HttpClient;
before(async () => {
  await server.listen();
  client = new HttpClient({ userAgent: "velostream-test", now: Date.now });
});
after(async () => {
  await client.close();
  await server.close();
  rmSync(folder, { recursive: true });
});

/** A clock whose sleeps pass at once, and are written down. */
function fastClock() {
  const sleeps: number[] = [];
  let nowMs = 0;
  return {
    sleeps,
    now: () => nowMs,
    sleep: (durationMs: number) => {
      sleeps.push(durationMs);
      nowMs += durationMs;
      return Promise.resolve();
    },
  };
}

const path = (lat: number, lon: number) => `/reverse?lon=${lon}&lat=${lat}&index=address&limit=1`;
const address = (postcode: unknown) => ({
  type: "FeatureCollection",
  features: [{ properties: { postcode } }],
});

function geocoder(name: string, clock = fastClock()): ReverseGeocoder {
  const url = `${server.origin}/reverse`;
  return new ReverseGeocoder({
    client,
    cacheFile: join(folder, name, "postcodes"),
    url,
    clock,
    logger: silentLogger,
  });
}

test("answers at a later poll, asks once, and keeps the answer for the next run", async () => {
  server.routes.set(path(48.865983, 2.275725), address("75116"));
  const first = geocoder("kept");
  assert.equal(first.postcode("213688169", 48.865983, 2.275725), null);
  assert.equal(first.postcode("213688169", 48.865983, 2.275725), null);
  await first.idle();
  assert.equal(first.postcode("213688169", 48.865983, 2.275725), "75116");
  assert.equal(server.asked.length, 1);
  assert.equal(
    readFileSync(join(folder, "kept", "postcodes"), "utf8"),
    '["213688169",48.865983,2.275725,"75116"]\n',
  );
  appendFileSync(join(folder, "kept", "postcodes"), '["half a li');
  const second = geocoder("kept");
  assert.equal(second.postcode("213688169", 48.865983, 2.275725), "75116");
  assert.equal(second.postcode("213688169", 48.9, 2.3), null, "a station that moved is asked for again");
  await second.close();
});

test("never asks more than 40 times a second", async () => {
  server.asked.length = 0;
  const clock = fastClock();
  const one = geocoder("pace", clock);
  for (let n = 0; n < 100; n += 1) {
    server.routes.set(path(48 + n / 100, 2), address("75001"));
    one.postcode(String(n), 48 + n / 100, 2);
  }
  await one.idle();
  assert.equal(server.asked.length, 100);
  assert.ok(clock.now() >= (100 / 40) * 1000 - 1, `${clock.now()} ms for 100 requests`);
});

test("where no address is near, the next rule stands in for good; a failure is tried again later", async () => {
  server.asked.length = 0;
  server.routes.set(path(1, 1), { features: [] });
  let calls = 0;
  server.routes.set(path(2, 2), (request, response) => {
    calls += 1;
    if (calls === 1) status(503)(request, response);
    else response.end(JSON.stringify(address("93200")));
  });
  const clock = fastClock();
  const one = geocoder("failures", clock);
  one.postcode("a", 1, 1);
  one.postcode("b", 2, 2);
  await one.idle();
  assert.equal(one.postcode("a", 1, 1), null);
  assert.equal(one.postcode("b", 2, 2), "93200");
  await one.idle();
  assert.equal(server.count(path(1, 1)), 1);
  assert.ok(clock.sleeps.includes(30_000));
});
