/** Requests made to harm: what the server refuses, with its own answer and guards each time, and who still gets in. */
import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { setImmediate } from "node:timers/promises";
import { StorageError } from "../../../src/errors.ts";
import { clientOf } from "../../../src/http/client-address.ts";
import { HISTORY_LIMITS, HistoryGate } from "../../../src/http/history-gate.ts";
import { hostCheck } from "../../../src/http/host-check.ts";
import { knownTimezone, webAddress } from "../../../src/http/publisher-text.ts";
import { isAmong, LIMITS } from "../../../src/http/security.ts";
import type { ServerOptions } from "../../../src/http/server.ts";
import type { Problem } from "../../../src/http/api-types.ts";
import { exampleServer } from "../../support/api-server.ts";
import { TestClock } from "../../support/test-clock.ts";

/** An example server that listens, and raw text said to it. */
async function listening(context: TestContext, options: Partial<ServerOptions> = {}) {
  const server = await exampleServer(options);
  await server.app.listen({ host: "127.0.0.1", port: 0 });
  context.after(async () => {
    server.app.server.closeAllConnections();
    await server.app.close();
  });
  const { port } = server.app.server.address() as { port: number };
  const open = (): Promise<Socket> =>
    new Promise((resolve, reject) => {
      const socket = connect(port, "127.0.0.1", () => resolve(socket));
      socket.on("error", reject);
      socket.on("error", () => {});
    });
  const say = async (text: string): Promise<string> => {
    const socket = await open();
    let answer = "";
    socket.on("data", (chunk) => (answer += chunk.toString()));
    socket.write(text);
    await new Promise((resolve) => socket.on("close", resolve));
    return answer;
  };
  return { ...server, port, open, say };
}

function problemIn(answer: string): Problem {
  assert.match(answer, /content-type: application\/problem\+json/i);
  return JSON.parse(answer.slice(answer.indexOf("\r\n\r\n") + 4)) as Problem;
}

test("answers before the framework has a request are ours too, with every guard", async (context) => {
  const { say } = await listening(context);
  const host = "Host: localhost\r\nConnection: close\r\n";
  const early: readonly (readonly [string, number])[] = [
    ["\x16\x03\x01\x02\x00rubbish\r\n\r\n", 400],
    ["BREW /pot HTTP/1.1\r\nHost: localhost\r\n\r\n", 400],
    [`GET /%zz HTTP/1.1\r\n${host}\r\n`, 400],
    [`GET /api/v1/areas/%E0%A4%A HTTP/1.1\r\n${host}\r\n`, 400],
    [`GET /api/v1/areas/${"a".repeat(400)} HTTP/1.1\r\n${host}\r\n`, 413],
    [`GET / HTTP/1.1\r\n${host}X: ${"a".repeat(10_000)}\r\n\r\n`, 431],
    ["GET / HTTP/1.1\r\nConnection: close\r\n\r\n", 400],
    [`GET / HTTP/9.1\r\n${host}\r\n`, 400],
    [`PROPFIND / HTTP/1.1\r\n${host}\r\n`, 405],
    [`TRACE / HTTP/1.1\r\n${host}\r\n`, 405],
    ["CONNECT x:1 HTTP/1.1\r\nHost: localhost\r\n\r\n", 405],
    [`GET / HTTP/1.1\r\n${host}Expect: the-unexpected\r\n\r\n`, 417],
    [`POST /api/v1/areas HTTP/1.1\r\n${host}Content-Length: 9999\r\n\r\n`, 405],
    [`GET / HTTP/1.1\r\n${host}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`, 400],
  ];
  for (const [text, status] of early) {
    const answer = await say(text);
    const what = JSON.stringify(text.slice(0, 60));
    assert.equal(Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]), status, `${what}: ${answer.slice(0, 300)}`);
    assert.match(answer, /content-security-policy: default-src 'none'/i, what);
    assert.match(answer, /x-content-type-options: nosniff/i, what);
    assert.match(answer, /referrer-policy: no-referrer/i, what);
    assert.equal(problemIn(answer).status, status === 431 ? 431 : status, what);
  }
});

test("a request means this server by localhost, a loopback address or a name it was told, and no other", () => {
  const check = hostCheck({ host: "192.0.2.7", allowHosts: ["Bikes.Example.org"] });
  const status = (...hosts: readonly string[]): number => {
    try {
      check({ rawHeaders: hosts.flatMap((host) => ["Host", host]), httpVersion: "1.1" });
      return 200;
    } catch (error) {
      return (error as { code: string }).code === "VELOSTREAM_HTTP_HOST" ? 421 : 400;
    }
  };
  const ours = [
    "localhost",
    "LOCALHOST:8080",
    "localhost.",
    "localhost.:80",
    "127.0.0.1",
    "127.0.0.1:1",
    "127.8.9.1",
    "[::1]",
    "[::1]:8080",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "192.0.2.7:8080",
    "bikes.example.org",
    "BIKES.example.ORG.:443",
  ];
  for (const host of ours) assert.equal(status(host), 200, host);
  const others = [
    "evil.example",
    "evil.example:8080",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "xlocalhost",
    "192.0.2.8",
    "[::2]",
    "0.0.0.0",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "example.org",
    "x.bikes.example.org",
    "localhost%2eevil",
    "192.0.2.7.nip.io",
  ];
  for (const host of others) assert.equal(status(host), 421, host);
  for (const host of [
    "",
    ":80",
    "a b",
    "localhost:x",
    "localhost:80:80",
    "user@localhost",
    "localhost/",
    "[::1",
    "[localhost]",
    "http://localhost",
    "localhost,evil.example",
    ".",
  ])
    assert.equal(status(host), 400, host);
  assert.equal(status("localhost", "evil.example"), 400);
  assert.equal(status("localhost", "localhost"), 400);
  assert.equal(status(), 400);
  assert.doesNotThrow(() => check({ rawHeaders: [], httpVersion: "1.0" }), "a probe of HTTP/1.0");
});

test("on every interface any literal address is ours, and no stranger's name", () => {
  for (const host of ["0.0.0.0", "::", "0:0:0:0:0:0:0:0"]) {
    const check = hostCheck({ host, allowHosts: [] });
    const ask = (name: string): void => check({ rawHeaders: ["host", name], httpVersion: "1.1" });
    for (const name of ["192.168.1.9:8080", "[2001:db8::1]", "localhost", "127.0.0.1"])
      assert.doesNotThrow(() => ask(name), `${host} ${name}`);
    for (const name of ["evil.example", "192.168.1.9.nip.io", "evil.localhost"])
      assert.throws(() => ask(name), /not "/, `${host} ${name}`);
  }
});

test("over the wire: rebinding is 421, two Hosts are 400, whatever the path", async (context) => {
  const { say } = await listening(context);
  for (const path of ["/", "/api/v1/system", "/api/v1/events", "/healthz", "/metrics", "/none", "/docs"]) {
    const rebound = await say(`GET ${path} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n`);
    assert.equal(problemIn(rebound).code, "VELOSTREAM_HTTP_HOST", path);
    assert.match(rebound, /^HTTP\/1\.1 421/);
  }
  const two = await say(
    "GET / HTTP/1.1\r\nHost: localhost\r\nhost: evil.example\r\nConnection: close\r\n\r\n",
  );
  assert.match(two, /^HTTP\/1\.1 400/);
  const post = await say("POST / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n");
  assert.match(post, /^HTTP\/1\.1 421/);
});

test("a whole address as the target says whom it means, whatever Host says", async (context) => {
  const { say } = await listening(context);
  for (const target of [
    "http://evil.example/api/v1/system",
    "HTTP://localhost@evil.example/",
    "http://evil.example",
    "x://evil.example:80/",
  ]) {
    const answer = await say(`GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    assert.match(answer, /^HTTP\/1\.1 4(?:21|00|04)/, target);
    assert.doesNotMatch(answer, /^HTTP\/1\.1 200/, target);
  }
  const foreign = await say(
    "GET http://evil.example/healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
  );
  assert.equal(problemIn(foreign).code, "VELOSTREAM_HTTP_HOST");
  const own = await say(
    "GET http://localhost:8080/healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
  );
  assert.match(own, /^HTTP\/1\.1 200/);
});

test("a HEAD of a path with a star in it finds nothing, as a GET does", async () => {
  const server = await exampleServer();
  for (const method of ["HEAD", "GET"] as const)
    for (const url of ["/*a", "/*%2500:", "/api/*/x"])
      assert.equal((await server.app.inject({ method, url })).statusCode, 404, `${method} ${url}`);
  await server.app.close();
});

test("a control character in an address is 400, in whatever form, and never reaches the archive", async () => {
  const asked: unknown[] = [];
  const note = (query: unknown): Promise<null> => {
    asked.push(query);
    return Promise.resolve(null);
  };
  const server = await exampleServer({
    history: { areaHistory: note, stationHistory: note, areaTypical: note },
  });
  for (const evil of ["%00", "%01", "%0a", "%0D%0A", "%1b", "%7F", "%C2%80", "%c2%9b", "a%00b"]) {
    for (const url of [
      `/api/v1/areas/${evil}/history`,
      `/api/v1/areas/75016${evil}/typical`,
      `/api/v1/stations/${evil}/history`,
      `/api/v1/areas?q=${evil}`,
      `/api/v1/stations?after=${evil}`,
      `/api/v1/events?last_event_id=${evil}`,
      `/api/v1/system?${evil}=1`,
      `/${evil}`,
    ]) {
      const answer = await server.app.inject({ url });
      assert.equal(answer.statusCode, 400, url);
      assert.match(String(answer.headers["content-type"]), /problem\+json/);
    }
  }
  assert.deepEqual(asked, []);
  assert.equal(
    (await server.app.inject({ url: "/api/v1/areas?q=%C3%A9%20%2500" })).statusCode,
    200,
    "a percent sign is a name's",
  );
  await server.app.close();
});

test("an error of the archive tells a stranger neither folder nor host", async () => {
  const said: string[] = [];
  const refuse = () =>
    Promise.reject(
      new StorageError("VELOSTREAM_STORAGE_INVALID", "The archive in /srv/secret/history cannot be read."),
    );
  const server = await exampleServer({
    history: { areaHistory: refuse, stationHistory: refuse, areaTypical: refuse },
    logger: { debug() {}, info() {}, warn: (_, message) => said.push(message), error() {} },
  });
  for (const url of [
    "/api/v1/areas/75016/history",
    "/api/v1/areas/75016/typical",
    "/api/v1/stations/16107/history",
  ]) {
    const answer = await server.app.inject({ url });
    assert.ok(answer.statusCode >= 500, url);
    assert.doesNotMatch(answer.body, /secret|srv/);
  }
  assert.match(said.join(), /srv\/secret/, "the operator is told");
  await server.app.close();
});

test("an unsatisfiable range is 416", async (context) => {
  const webRoot = mkdtempSync(join(tmpdir(), "velostream-web-"));
  context.after(() => rmSync(webRoot, { recursive: true }));
  writeFileSync(join(webRoot, "index.html"), "<!doctype html>");
  const server = await exampleServer({ webRoot });
  for (const range of ["bytes=999-", "bytes=15-20"]) {
    const answer = await server.app.inject({ url: "/index.html", headers: { range } });
    assert.deepEqual([answer.statusCode, answer.json<Problem>().code], [416, "VELOSTREAM_HTTP_RANGE"], range);
    assert.equal(answer.headers["content-range"], "bytes */15");
  }
  assert.equal(
    (await server.app.inject({ url: "/index.html", headers: { range: "bytes=0-3" } })).statusCode,
    206,
  );
  await server.app.close();
});

test("a publisher's link is handed on only when it is one, its time zone only when every reader knows it", () => {
  for (const evil of [
    "javascript:alert(1)",
    " JavaScript:alert(1)",
    "java\nscript:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "file:///etc/passwd",
    "blob:https://a/b",
    "//a.example",
    "licence",
    "",
    "https://u:p@a.example/",
    null,
    undefined,
  ])
    assert.equal(webAddress(evil), null, String(evil));
  assert.equal(webAddress("https://a.example/l?x=1"), "https://a.example/l?x=1");
  for (const odd of [
    "EST/EDT (GMT-5)",
    "",
    " Europe/Paris",
    "Europe/Nowhere",
    "UTC\u0000",
    "GMT+25",
    "x".repeat(1_000),
    null,
  ])
    assert.equal(knownTimezone(odd), null, String(odd));
  for (const zone of ["Europe/Paris", "America/Montreal", "UTC"]) assert.equal(knownTimezone(zone), zone);
});

test("what is usual is answered in UTC where the feed's time zone is none", async () => {
  const zones: unknown[] = [];
  const server = await exampleServer({
    statuses: {
      statuses: () => [
        {
          description: {
            systemId: "velib",
            name: "x",
            timezone: "EST/EDT (GMT-5)",
            attribution: null,
            licenseUrl: "javascript:alert(1)",
            simulated: false,
          },
          state: "live",
          observedAtMs: null,
          lastPoll: null,
          nextPollAtMs: null,
          pollIntervalMs: null,
          changePeriodMs: null,
          traffic: null,
          flags: [],
          rejects: [],
        },
      ],
    },
    history: {
      areaHistory: () => Promise.resolve(null),
      stationHistory: () => Promise.resolve(null),
      areaTypical: ({ timezone }) => {
        zones.push(timezone);
        return Promise.resolve(null);
      },
    },
  });
  assert.equal((await server.app.inject({ url: "/api/v1/areas/75016/typical" })).statusCode, 404);
  assert.deepEqual(zones, ["UTC"]);
  const { systems } = (await server.app.inject({ url: "/api/v1/system" })).json<{
    systems: { timezone: unknown; license_url: unknown }[];
  }>();
  assert.deepEqual([systems[0]?.timezone, systems[0]?.license_url], [null, null]);
  await server.app.close();
});

test("one address is an IPv4 address, or a /64 of IPv6", () => {
  assert.equal(clientOf("::ffff:192.0.2.1"), "192.0.2.1");
  assert.equal(clientOf("2001:db8::1"), clientOf("2001:db8:0:0:ffff::2"));
  assert.notEqual(clientOf("2001:db8::1"), clientOf("2001:db8:0:1::1"));
  assert.equal(clientOf("rubbish"), "rubbish");
  const trusted = isAmong(["10.0.0.0/8", "::1", "2001:db8::/32"]);
  for (const proxy of ["10.1.2.3", "::ffff:10.1.2.3", "::1", "2001:db8:5::1"])
    assert.ok(trusted(proxy), proxy);
  for (const other of ["11.0.0.1", "::2", "2001:db9::1", "", "10.0.0.0/8"]) assert.ok(!trusted(other), other);
});

test("who asks is the peer, whatever it says; behind a trusted proxy it is the last address that is none", async () => {
  const spend = async (trustProxies: readonly string[], forwarded: readonly string[]): Promise<number[]> => {
    const server = await exampleServer({ requestsPerMinute: 1, trustProxies });
    const statuses: number[] = [];
    for (const address of forwarded)
      statuses.push(
        (await server.app.inject({ url: "/api/v1/areas", headers: { "x-forwarded-for": address } }))
          .statusCode,
      );
    await server.app.close();
    return statuses;
  };
  assert.deepEqual(await spend([], ["192.0.2.1", "192.0.2.2"]), [200, 429]);
  assert.deepEqual(await spend(["127.0.0.1"], ["192.0.2.1", "192.0.2.2", "192.0.2.1"]), [200, 200, 429]);
  assert.deepEqual(
    await spend(["127.0.0.1"], ["6.6.6.1, 192.0.2.1", "6.6.6.2, 192.0.2.1"]),
    [200, 429],
    "a client cannot write itself another address before the proxy's word",
  );
  assert.deepEqual(await spend(["127.0.0.1"], ["2001:db8::1", "2001:db8::2"]), [200, 429]);
});

test("one address has its share of the event streams and no more; it gets one back when it closes one", async (context) => {
  const { open, say } = await listening(context, { maxStreams: 10, maxStreamsOfClient: 2 });
  const ask = "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n";
  const stream = async (): Promise<Socket> => {
    const socket = await open();
    socket.write(ask);
    await new Promise((resolve) => socket.once("data", resolve));
    return socket;
  };
  const [first] = [await stream(), await stream()];
  const refused = await say(ask.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
  assert.match(refused, /^HTTP\/1\.1 429/);
  assert.match(refused, /retry-after: 5/i);
  assert.match(problemIn(refused).detail, /--trust-proxy/);
  first.destroy();
  for (;;) {
    const socket = await open();
    socket.write(ask);
    const head = await new Promise<Buffer>((resolve) => socket.once("data", resolve));
    socket.destroy();
    if (head.toString().startsWith("HTTP/1.1 200")) break;
  }
});

test("half-sent requests do not keep newcomers out, not even those of their own address", async (context) => {
  const share = 3;
  const { open, port, app } = await listening(context, { maxStreams: 10, maxStreamsOfClient: share });
  const stream = await open();
  stream.write("GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await new Promise((resolve) => stream.once("data", resolve));
  const halves: Socket[] = [];
  for (let n = 0; n < 4 * (share + LIMITS.otherConnectionsOfClient); n += 1) {
    const half = await open();
    half.write(
      n % 2 === 0
        ? "GET / HTTP/1.1\r\nHost: loc"
        : "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nx",
    );
    halves.push(half);
  }
  const answer = await fetch(`http://127.0.0.1:${port}/healthz`);
  assert.equal(answer.status, 200);
  const held = await new Promise<number>((resolve) =>
    app.server.getConnections((_, count) => resolve(count)),
  );
  assert.ok(held <= share + LIMITS.otherConnectionsOfClient + 1, `${held} connections`);
  assert.equal(stream.destroyed, false, "a stream that runs is not closed for them");
  for (const half of halves) half.destroy();
  stream.destroy();
});

test("two questions to the history run; a third of the same address comes again; another address waits its turn", async () => {
  const clock = new TestClock(0);
  const gate = new HistoryGate(clock);
  const never = new AbortController().signal;
  const running: { readonly client: string; readonly end: () => void }[] = [];
  const ask = (client: string, gone = never): Promise<string> =>
    gate.ask(
      client,
      (signal) =>
        new Promise((resolve, reject) => {
          running.push({ client, end: () => resolve("answered") });
          signal.addEventListener("abort", () => reject(new Error("stopped")));
        }),
      gone,
    );
  const busy = (error: unknown): boolean =>
    (error as { code: string; details: { retryAfterSeconds: number } }).code ===
      "VELOSTREAM_HTTP_UNAVAILABLE" &&
    (error as { details: { retryAfterSeconds: number } }).details.retryAfterSeconds > 0;
  const first = ask("a");
  const second = ask("a");
  await assert.rejects(ask("a"), busy);
  const other = ask("b");
  await assert.rejects(ask("b"), busy, "one waits for each address");
  await assert.rejects(ask("a"), busy);
  assert.deepEqual(
    running.map(({ client }) => client),
    ["a", "a"],
  );
  running[0]?.end();
  assert.equal(await first, "answered");
  await setImmediate();
  assert.deepEqual(
    running.map(({ client }) => client),
    ["a", "a", "b"],
  );
  const late = assert.rejects(ask("c"), busy);
  await clock.advance(HISTORY_LIMITS.waitMs);
  await late;
  const tooLong = [assert.rejects(second, busy), assert.rejects(other, busy)];
  await clock.advance(HISTORY_LIMITS.questionMs);
  await Promise.all(tooLong);
  const leaving = new AbortController();
  const left = assert.rejects(ask("a", leaving.signal), /Nobody waits/);
  leaving.abort();
  await left;
  void ask("a");
  void ask("a");
  await setImmediate();
  assert.equal(running.length, 5, "every place is free again");
});

test("a flood of questions leaves most of it 503, and health answers", async (context) => {
  const gate = Promise.withResolvers<null>();
  const answer = (): Promise<null> => gate.promise;
  const { port } = await listening(context, {
    history: { areaHistory: answer, stationHistory: answer, areaTypical: answer },
  });
  const asks = Array.from({ length: 20 }, () => fetch(`http://127.0.0.1:${port}/api/v1/areas/75016/typical`));
  const refused = await Promise.any(asks);
  assert.deepEqual([refused.status, refused.headers.get("retry-after")], [503, "1"]);
  assert.equal((await fetch(`http://127.0.0.1:${port}/healthz`)).status, 200);
  gate.resolve(null);
  const statuses = (await Promise.all(asks)).map(({ status }) => status);
  assert.equal(statuses.filter((status) => status === 503).length, 18);
});

test("a question about the usual is bounded in steps times weeks", async () => {
  const server = await exampleServer();
  const ask = async (query: string): Promise<number> =>
    (await server.app.inject({ url: `/api/v1/areas/75016/typical?${query}` })).statusCode;
  assert.equal(await ask("from=0&to=9000000&step=1s&weeks=52"), 400);
  assert.equal(await ask("weeks=52"), 200);
  await server.app.close();
});
