/** The corpus of URLs by which a stranger would reach what is not theirs: every one is refused, at every step. */
import assert from "node:assert/strict";
import type { LookupAddress } from "node:dns";
import { after, before, beforeEach, test } from "node:test";
import { HttpClient } from "../../../src/feed/http-client.ts";
import { HttpFeed } from "../../../src/feed/http-feed.ts";
import { typedTarget } from "../../../src/feed/feed-target.ts";
import { guardedLookup, isPublicAddress, refusal, STRICT_POLICY } from "../../../src/feed/url-guard.ts";
import { FeedServer, status } from "../../support/feed-server.ts";

const REFUSED = [
  // Loopback in every spelling
  "https://127.0.0.1/",
  "https://127.1/",
  "https://127.0.1/",
  "https://2130706433/",
  "https://0x7f000001/",
  "https://0x7f.0.0.1/",
  "https://0177.0.0.1/",
  "https://017700000001/",
  "https://127.0.0.1./",
  "https://127.255.255.254/",
  "https://１２７.0.0.1/",
  "https://127。0。0。1/",
  "https://①②⑦.0.0.1/",
  "https://%31%32%37.0.0.1/",
  "https://localhost/",
  "https://LOCALHOST./",
  "https://feed.localhost/",
  "https://[::1]/",
  "https://[0:0:0:0:0:0:0:1]/",
  "https://[::ffff:127.0.0.1]/",
  "https://[::ffff:7f00:1]/",
  "https://[::127.0.0.1]/",
  "https://[64:ff9b::7f00:1]/",
  "https://[2002:7f00:1::]/",
  "https://[2001:0:7f00:1::]/",
  // Metadata services
  "https://169.254.169.254/latest/meta-data/",
  "https://[fd00:ec2::254]/",
  "https://[::ffff:169.254.169.254]/",
  "https://100.100.100.200/",
  "https://2852039166/",
  "https://168.63.129.16/machine?comp=goalstate",
  "https://[::ffff:168.63.129.16]/",
  "https://192.80.8.124/metadata",
  "https://161.26.0.10/",
  "https://166.9.1.1/",
  // Private, reserved, not an address of anyone
  "https://10.0.0.1/",
  "https://172.16.0.1/",
  "https://192.168.1.1/",
  "https://100.64.0.1/",
  "https://198.18.0.1/",
  "https://192.0.2.1/",
  "https://192.0.0.1/",
  "https://0.0.0.0/",
  "https://0/",
  "https://224.0.0.1/",
  "https://240.0.0.1/",
  "https://255.255.255.255/",
  "https://[::]/",
  "https://[fe80::1]/",
  "https://[fc00::1]/",
  "https://[fec0::1]/",
  "https://[ff02::1]/",
  "https://[2001:db8::1]/",
  // Another scheme
  "http://example.com/",
  "file:///etc/passwd",
  "ftp://example.com/",
  "gopher://example.com:11211/",
  "data:application/json,{}",
  "javascript:0",
  "blob:https://example.com/x",
  // Userinfo tricks
  "https://user:password@example.com/",
  "https://example.com@127.0.0.1/",
  "https://example.com:443@127.0.0.1/",
  "https://127.0.0.1:443\\@example.com/",
  "https://127.0.0.1#@example.com/",
  "https://127.0.0.1?@example.com/",
];

for (const text of REFUSED) {
  test(`refuses ${text} from a stranger`, () => {
    const url = URL.parse(text);
    // A URL that cannot be parsed is not fetched either.
    assert.ok(url === null || refusal(url, STRICT_POLICY) !== null);
  });
}

test("lets a stranger name a public host", () => {
  for (const text of [
    "https://gbfs.example.com/gbfs.json",
    "https://8.8.8.8/",
    "https://[2606:4700::1111]/",
    "https://localhost.example.com/",
  ]) {
    assert.equal(refusal(new URL(text), STRICT_POLICY), null, text);
  }
});

test("knows public addresses from all others", () => {
  assert.ok(["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"].every(isPublicAddress));
  assert.ok(!["", "x", "127.0.0.1", "::7f00:1", "5f00::1", "3fff::1", "4000::1"].some(isPublicAddress));
});

/** A resolver that gives these answers, one after the other. */
function resolver(...answers: string[][]): Parameters<typeof guardedLookup>[0] {
  let n = 0;
  const resolve = (_host: string, _options: object, callback: (e: null, a: LookupAddress[]) => void) => {
    const addresses = answers[Math.min(n, answers.length - 1)] ?? [];
    n += 1;
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
    );
  };
  return resolve as unknown as Parameters<typeof guardedLookup>[0];
}

function lookUp(resolve: Parameters<typeof guardedLookup>[0], all: boolean): Promise<unknown> {
  return new Promise((settle) => {
    guardedLookup(resolve)("feed.example", { all }, (error, address) => settle(error?.message ?? address));
  });
}

test("a name that resolves to anything but public addresses is refused, mixed answers too", async () => {
  for (const answer of [
    ["127.0.0.1"],
    ["10.1.2.3"],
    ["::1"],
    ["::ffff:10.0.0.1"],
    ["8.8.8.8", "127.0.0.1"],
    [],
  ]) {
    assert.match(String(await lookUp(resolver(answer), true)), /not public/);
  }
});

test("the address that was checked is the one that is connected to: rebinding gains nothing", async () => {
  const rebinding = resolver(["8.8.8.8"], ["127.0.0.1"]);
  assert.equal(await lookUp(rebinding, false), "8.8.8.8");
  assert.match(String(await lookUp(rebinding, false)), /not public/);
});

const server = new FeedServer();
const inner = new FeedServer();
let client: HttpClient;

before(async () => {
  await server.listen();
  await inner.listen();
  inner.routes.set("/secret", { secret: true });
});
after(async () => {
  await server.close();
  await inner.close();
});
beforeEach(() => {
  inner.asked.length = 0;
  client = new HttpClient({
    userAgent: "velostream-test",
    now: Date.now,
    lookup: guardedLookup(resolver(["127.0.0.1"])),
  });
});

test("a redirect from a trusted server to a private address is not followed, however long the chain", async () => {
  const port = inner.url("/").port;
  for (const location of [
    `${inner.origin}/secret`,
    `https://localhost:${port}/secret`,
    `https://rebound.example:${port}/secret`,
    `https://2130706433:${port}/secret`,
    `http://[::ffff:127.0.0.1]:${port}/secret`,
    "http://169.254.169.254/latest/meta-data/",
    "file:///etc/passwd",
    "//127.0.0.1:1/x",
  ]) {
    server.routes.set("/1", status(302, { location: "/2" }));
    server.routes.set("/2", status(307, { location: "/3" }));
    server.routes.set("/3", status(301, { location }));
    const scope = client.scope();
    const answer = await scope.get(scope.trust(server.url("/1")), null);
    assert.ok(!answer.ok && answer.outcome === "blocked_url", location);
    assert.match(answer.message, /--allow-private-addresses/);
  }
  assert.deepEqual(inner.asked, []);
  await client.close();
});

test("a redirect that led elsewhere and comes back brings no secret to any other file", async () => {
  const open = new HttpClient({
    userAgent: "velostream-test",
    now: Date.now,
    policy: { allowPrivateAddresses: true, allowInsecureHttp: true },
  });
  server.routes.set("/typed", status(301, { location: `${inner.origin}/back` }));
  server.routes.set("/other", { data: {} });
  const scope = open.scope();
  const url = scope.trust(server.url("/typed"), { authorization: "Bearer secret" });
  for (const [back, carried] of [
    ["/other", undefined],
    ["/typed?again", "Bearer secret"],
  ] as const) {
    inner.routes.set("/back", status(301, { location: `${server.origin}${back}` }));
    server.asked.length = 0;
    server.headers.length = 0;
    server.routes.set("/typed?again", { data: {} });
    const answer = await scope.get(url, null);
    assert.equal(server.headers[server.asked.indexOf(back)]?.authorization, carried, back);
    assert.ok(answer.ok && !answer.movedForGood);
    assert.equal(inner.headers.at(-1)?.authorization, undefined);
  }
  await open.close();
});

test("a discovery file cannot send requests to private addresses, nor to the origin that another feed's user typed", async () => {
  const port = inner.url("/").port;
  const other = client.scope();
  other.trust(inner.url("/"), { authorization: "Bearer secret" });
  for (const url of [
    `${inner.origin}/secret`,
    `https://rebound.example:${port}/secret`,
    "https://10.0.0.1/s",
  ]) {
    server.routes.set("/gbfs.json", { data: { feeds: [{ name: "station_status", url }] } });
    const target = typedTarget(`${server.origin}/gbfs.json`) ?? assert.fail();
    const poll = await new HttpFeed({ target, client, clock: { now: Date.now } }).poll();
    assert.ok(poll.kind === "failed" && poll.outcome === "blocked_url", url);
  }
  assert.deepEqual(inner.asked, []);
  await client.close();
});

test("what the user typed is trusted: http, loopback, and all on the same origin", async () => {
  server.routes.set("/gbfs.json", { data: { feeds: [{ name: "station_status", url: "status" }] } });
  server.routes.set("/status", { data: { stations: [] } });
  const target = typedTarget(`${server.origin}/gbfs.json`) ?? assert.fail();
  const poll = await new HttpFeed({ target, client, clock: { now: Date.now } }).poll();
  assert.equal(poll.kind, "changed");
  await client.close();
});
