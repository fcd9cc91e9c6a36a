/** What the server promises beside its answers: errors, caching, compression, limits, headers, readiness, documentation. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { Validator } from "@seriousme/openapi-schema-validator";
import * as schemas from "../../../src/http/api-schemas.ts";
import { LIMITS } from "../../../src/http/security.ts";
import { exampleServer, EXAMPLE_STATIONS } from "../../support/api-server.ts";
import { StorageError } from "../../../src/errors.ts";

test("an unchanged answer is 304 for its ETag; a changed one is not", async () => {
  const server = await exampleServer();
  const url = "/api/v1/areas";
  const first = await server.app.inject({ url });
  const etag = first.headers.etag;
  assert.equal(first.headers["cache-control"], "no-cache");
  const again = await server.app.inject({ url, headers: { "if-none-match": etag } });
  assert.deepEqual([again.statusCode, again.body, again.headers["content-length"]], [304, "", undefined]);
  for (const list of [`"other", ${String(etag)}`, "*"]) {
    const one = await server.app.inject({
      url,
      headers: { "if-none-match": list, "accept-encoding": "gzip" },
    });
    assert.deepEqual([one.statusCode, one.body, one.headers.etag], [304, "", etag], list);
  }
  for (const path of [url, "/docs"]) {
    const head = await server.app.inject({ method: "HEAD", url: path, headers: { "if-none-match": "*" } });
    assert.deepEqual(
      [head.statusCode, head.body, head.headers["content-length"]],
      [304, "", undefined],
      path,
    );
  }
  const missing = await server.app.inject({ url: `${url}/none`, headers: { "if-none-match": "*" } });
  assert.equal(missing.statusCode, 404);
  const [station] = EXAMPLE_STATIONS;
  assert.ok(station !== undefined);
  server.change({ ...station, electric: 0, observedAtMs: station.observedAtMs + 1 });
  const changed = await server.app.inject({ url, headers: { "if-none-match": etag } });
  assert.equal(changed.statusCode, 200);
  await server.app.close();
});

test("answers are compressed for those who ask, and the ETag stays the same", async () => {
  const server = await exampleServer();
  const url = "/api/v1/stations";
  const plain = await server.app.inject({ url });
  for (const [encoding, unpack] of [
    ["gzip", gunzipSync],
    ["br", brotliDecompressSync],
  ] as const) {
    const packed = await server.app.inject({ url, headers: { "accept-encoding": encoding } });
    assert.equal(packed.headers["content-encoding"], encoding);
    assert.equal(unpack(packed.rawPayload).toString(), plain.body);
    assert.equal(packed.headers.etag, plain.headers.etag);
  }
  await server.app.close();
});

test("every error is a problem with its code, and says what to do", async () => {
  const server = await exampleServer({ history: undefined });
  const cases: [string, number, string, RegExp][] = [
    ["/nowhere", 404, "VELOSTREAM_HTTP_NOT_FOUND", /\/docs/],
    ["/api/v1/stations/none", 404, "VELOSTREAM_HTTP_NOT_FOUND", /no station none in system velib/],
    ["/api/v1/areas/75016/history", 404, "VELOSTREAM_HTTP_NO_ARCHIVE", /--data-dir/],
    ...["0", "10001", "1e3x", "1.5", "", "5&limit=6"].map((limit): [string, number, string, RegExp] => [
      `/api/v1/stations?limit=${limit}`,
      400,
      "VELOSTREAM_HTTP_BAD_REQUEST",
      limit.includes("&")
        ? /"limit" is there more than once\./
        : /"limit" is not a whole number from 1 to 10,000\./,
    ]),
    [
      "/api/v1/areas/75016/typical?weeks=53",
      400,
      "VELOSTREAM_HTTP_BAD_REQUEST",
      /"weeks" is not a whole number from 1 to 52\./,
    ],
    ["/api/v1/stations?system=", 400, "VELOSTREAM_HTTP_BAD_REQUEST", /"system" is empty\./],
    [
      `/api/v1/stations?q=${"a".repeat(101)}`,
      400,
      "VELOSTREAM_HTTP_BAD_REQUEST",
      /"q" is longer than 100 characters\./,
    ],
    ["/api/v1/stations?bbox=1,2,3", 400, "VELOSTREAM_HTTP_BAD_REQUEST", /"bbox"/],
    ["/api/v1/stations?bbox=0,50,1,40", 400, "VELOSTREAM_HTTP_BAD_REQUEST", /south/],
    ["/api/v1/stations?colour=red", 400, "VELOSTREAM_HTTP_BAD_REQUEST", /"colour" is not known/],
    ["/api/v1/stations?q=a&q=b", 400, "VELOSTREAM_HTTP_BAD_REQUEST", /"q" is there more than once\./],
    ["/api/v1/events?include=all", 400, "VELOSTREAM_HTTP_BAD_REQUEST", /"include"/],
    [
      "/api/v1/areas/75016/history?aggregate=sum",
      400,
      "VELOSTREAM_HTTP_BAD_REQUEST",
      /"aggregate" is none of mean, min, max, last\./,
    ],
    [`/api/v1/areas/${"a".repeat(400)}`, 413, "VELOSTREAM_HTTP_TOO_LARGE", /./],
    ["/api/v1/areas/%", 400, "VELOSTREAM_HTTP_BAD_REQUEST", /./],
  ];
  for (const [url, status, code, detail] of cases) {
    const answer = await server.app.inject({ url });
    const problem = schemas.Problem.parse(answer.json());
    assert.deepEqual([url, problem.status, problem.code], [url, answer.statusCode, code]);
    assert.equal(answer.statusCode, status, url);
    assert.match(problem.detail, detail);
    assert.match(String(answer.headers["content-type"]), /^application\/problem\+json/);
  }
  await server.app.close();
});

test("history ranges are checked: order, size, offsets of time zones", async () => {
  const server = await exampleServer();
  const status = async (query: string): Promise<number> =>
    (await server.app.inject({ url: `/api/v1/areas/75016/history?${query}` })).statusCode;
  assert.equal(await status("from=2026-11-20T08:00:00Z&to=2026-11-20T07:00:00Z"), 400);
  assert.equal(await status("from=0&step=1s"), 400, "too many steps");
  assert.equal(await status("from=2026-11-20T08:00:00"), 400, "no offset: whose time is it?");
  assert.equal(await status("from=2026-02-31T08:00:00Z&step=1d"), 400, "no such day");
  assert.equal(await status("step=5"), 400);
  assert.equal(await status("aggregate=sum"), 400);
  const { from } = (
    await server.app.inject({
      url: "/api/v1/areas/75016/history?from=2026-11-20T09:00:00+01:00&to=1795163400000",
    })
  ).json<{ from: number }>();
  assert.equal(from, Date.UTC(2026, 10, 20, 8), "a bare + in a query is a space, and still means +");
  await server.app.close();
});

test("an archive that is away is a matter of time, and a bug in it is not told to strangers", async () => {
  const failing = (reason: Error): ReturnType<typeof exampleServer> =>
    exampleServer({
      history: {
        areaHistory: () => Promise.reject(reason),
        stationHistory: () => Promise.reject(reason),
        areaTypical: () => Promise.reject(reason),
      },
    });
  const away = await failing(
    new StorageError("VELOSTREAM_STORAGE_UNAVAILABLE", "The data folder is full. Free some space."),
  );
  const answer = await away.app.inject({ url: "/api/v1/areas/75016/history" });
  assert.equal(answer.statusCode, 503);
  assert.match(answer.json<{ detail: string }>().detail, /cannot be used .* its operator can mend it/);
  await away.app.close();
  const broken = await failing(new Error("password=hunter2"));
  const bug = await broken.app.inject({ url: "/api/v1/areas/75016/history" });
  assert.equal(bug.statusCode, 500);
  assert.ok(!bug.body.includes("hunter2"));
  await broken.app.close();
});

test("a station that the archive does not know yet has a gap for a history; an area of the past is asked for by its key", async () => {
  const asked: unknown[] = [];
  const server = await exampleServer({
    history: {
      areaHistory: (query) => {
        asked.push([query.systemId, query.area]);
        return Promise.resolve(null);
      },
      stationHistory: () => Promise.resolve(null),
      areaTypical: () => Promise.resolve(null),
    },
  });
  const known = await server.app.inject({ url: "/api/v1/stations/16107/history?step=12h" });
  assert.equal(known.json<{ gaps: unknown[] }>().gaps.length, 1);
  schemas.HistoryAnswer.parse(known.json());
  assert.equal((await server.app.inject({ url: "/api/v1/stations/none/history" })).statusCode, 404);
  assert.equal((await server.app.inject({ url: "/api/v1/areas/oslo:center/history" })).statusCode, 404);
  assert.equal((await server.app.inject({ url: "/api/v1/areas/75099/typical" })).statusCode, 404);
  assert.deepEqual(asked, [["oslo", "center"]]);
  await server.app.close();
});

test("only GET, HEAD and OPTIONS are answered", async () => {
  const server = await exampleServer();
  for (const method of ["POST", "PUT", "DELETE", "PATCH"] as const) {
    const answer = await server.app.inject({ method, url: "/api/v1/areas", payload: "x".repeat(100_000) });
    assert.deepEqual([answer.statusCode, answer.headers.allow], [405, "GET, HEAD, OPTIONS"]);
  }
  const options = await server.app.inject({ method: "OPTIONS", url: "/api/v1/areas" });
  assert.deepEqual(
    [options.statusCode, options.headers.allow, options.body],
    [204, "GET, HEAD, OPTIONS", ""],
  );
  const head = await server.app.inject({ method: "HEAD", url: "/api/v1/areas" });
  assert.deepEqual([head.statusCode, head.body], [200, ""]);
  const stream = await server.app.inject({ method: "HEAD", url: "/api/v1/events" });
  assert.deepEqual([stream.statusCode, stream.headers.allow], [405, "GET"]);
  await server.app.close();
});

test("pages of stations follow one another by key and end", async () => {
  const server = await exampleServer();
  const keys: string[] = [];
  let after: string | null = "";
  while (after !== null) {
    const answer = await server.app.inject({ url: `/api/v1/stations?limit=2&after=${after}` });
    const page: { stations: { key: string }[]; matched: number; next: string | null } = answer.json();
    assert.equal(page.matched, 3);
    keys.push(...page.stations.map(({ key }) => key));
    after = page.next;
  }
  assert.deepEqual(keys, ["velib:213688169", "velib:213688462", "velib:2515829865"]);
  await server.app.close();
});

test("a bounding box across the antimeridian holds both sides", async () => {
  const [station] = EXAMPLE_STATIONS;
  assert.ok(station !== undefined);
  const server = await exampleServer({
    stations: [
      { ...station, id: "1", lon: 179.9 },
      { ...station, id: "2", lon: -179.9 },
      { ...station, id: "3", lon: 0 },
    ],
  });
  const answer = await server.app.inject({ url: "/api/v1/stations?bbox=179,40,-179,50" });
  assert.equal(answer.json<{ matched: number }>().matched, 2);
  await server.app.close();
});

test("a strict policy comes with every answer, and nothing of it allows inline code or another host", async () => {
  const server = await exampleServer();
  for (const url of ["/", "/docs", "/api/v1/areas", "/nowhere", "/healthz"]) {
    const { headers } = await server.app.inject({ url });
    const policy = String(headers["content-security-policy"]);
    assert.match(policy, /default-src 'none'/);
    assert.doesNotMatch(policy, /unsafe|https?:|\*/);
    assert.equal(headers["x-content-type-options"], "nosniff");
    assert.equal(headers["referrer-policy"], "no-referrer");
    assert.equal(headers["access-control-allow-origin"], undefined);
    assert.equal(headers["x-powered-by"], undefined);
  }
  await server.app.close();
  const tiled = await exampleServer({
    tiles: { url: "https://tile.example.org/{z}/{x}/{y}.png", attribution: "© example" },
  });
  const policy = String((await tiled.app.inject({ url: "/" })).headers["content-security-policy"]);
  assert.match(policy, /img-src 'self' data: blob: https:\/\/tile\.example\.org;/);
  assert.match(policy, /connect-src 'self' https:\/\/tile\.example\.org;/);
  await tiled.app.close();
});

test("other origins read the API only when they are allowed to", async () => {
  const server = await exampleServer({ corsOrigins: ["https://a.example"] });
  const allowed = async (origin: string): Promise<unknown> =>
    (await server.app.inject({ url: "/api/v1/areas", headers: { origin } })).headers[
      "access-control-allow-origin"
    ];
  assert.equal(await allowed("https://a.example"), "https://a.example");
  assert.notEqual(await allowed("https://b.example"), "https://b.example");
  await server.app.close();
});

test("an address that asks too often is told when to come back; probes are not counted", async () => {
  const server = await exampleServer({ requestsPerMinute: 3 });
  const ask = (url: string) => server.app.inject({ url });
  for (let i = 0; i < 3; i += 1) assert.equal((await ask("/api/v1/areas")).statusCode, 200);
  const refused = await ask("/api/v1/stations");
  assert.equal(refused.statusCode, 429);
  assert.ok(Number(refused.headers["retry-after"]) > 0);
  assert.equal(refused.json<{ code: string }>().code, "VELOSTREAM_HTTP_RATE_LIMITED");
  for (let i = 0; i < 10; i += 1) assert.equal((await ask("/healthz")).statusCode, 200);
  assert.equal((await ask("/docs")).statusCode, 200);
  await server.app.close();
});

test("streams are limited in number", async () => {
  const server = await exampleServer({ maxStreams: 0 });
  const answer = await server.app.inject({ url: "/api/v1/events" });
  assert.deepEqual([answer.statusCode, answer.headers["retry-after"]], [503, "5"]);
  await server.app.close();
});

test("connections are limited in time and size", async () => {
  const server = await exampleServer();
  const http = server.app.server;
  assert.equal(http.headersTimeout, LIMITS.headersTimeoutMs);
  assert.equal(http.requestTimeout, LIMITS.requestTimeoutMs);
  assert.equal(http.timeout, LIMITS.idleTimeoutMs);
  assert.equal(http.keepAliveTimeout, LIMITS.keepAliveTimeoutMs);
  assert.equal(http.maxConnections, 100 + 2 * LIMITS.otherConnections);
  await server.app.close();
});

test("prototype pollution finds nothing to pollute", async () => {
  const server = await exampleServer();
  for (const query of [
    "__proto__=1",
    "__proto__[limit]=1",
    "constructor[prototype][limit]=1",
    "constructor=1",
    "toString=1",
  ]) {
    const { statusCode } = await server.app.inject({ url: `/api/v1/stations?${query}` });
    assert.equal(statusCode, 400, query);
  }
  for (const name of ["__proto__", "constructor", "toString", "velib:__proto__"]) {
    assert.equal((await server.app.inject({ url: `/api/v1/areas/${name}` })).statusCode, 404);
    assert.equal((await server.app.inject({ url: `/api/v1/stations/${name}` })).statusCode, 404);
  }
  assert.equal(({} as { limit?: unknown }).limit, undefined);
  await server.app.close();
});

test("the page is served from its folder and from nowhere else", async () => {
  const folder = mkdtempSync(join(tmpdir(), "velostream-web-"));
  const webRoot = join(folder, "dist");
  mkdirSync(join(webRoot, "assets"), { recursive: true });
  writeFileSync(join(folder, "secret.txt"), "secret");
  writeFileSync(join(webRoot, ".env"), "secret");
  writeFileSync(join(webRoot, "index.html"), "<!doctype html><title>page</title>");
  writeFileSync(join(webRoot, "assets", "app-1a2b.js"), "export {};");
  const server = await exampleServer({ webRoot });
  const page = await server.app.inject({ url: "/?area=75016" });
  assert.match(page.body, /<title>page/);
  assert.equal(page.headers["cache-control"], "no-cache");
  const script = await server.app.inject({ url: "/assets/app-1a2b.js" });
  assert.match(String(script.headers["content-type"]), /javascript/);
  assert.match(String(script.headers["cache-control"]), /immutable/);
  for (const url of [
    "/../secret.txt",
    "/..%2fsecret.txt",
    "/%2e%2e/secret.txt",
    "/assets/../../secret.txt",
    "/assets/..%5c..%5csecret.txt",
    "/assets/%252e%252e/%252e%252e/secret.txt",
    "//etc/passwd",
    "/%00",
    "/.env",
    "/assets/",
    "/assets",
  ]) {
    const answer = await server.app.inject({ url });
    assert.ok(answer.statusCode >= 300 && answer.statusCode < 500, `${url}: ${answer.statusCode}`);
    assert.ok(!answer.body.includes("secret\n") && answer.body !== "secret", url);
  }
  await server.app.close();
  rmSync(folder, { recursive: true });
});

test("without a built page / says how to build it", async () => {
  const server = await exampleServer();
  const answer = await server.app.inject({ url: "/" });
  assert.match(answer.body, /npm run build:web/);
  await server.app.close();
});

test("not ready, with the reason: the log unread, nothing observed, a dependency away, draining", async () => {
  const reasons = async (options: Parameters<typeof exampleServer>[0]): Promise<string[]> => {
    const server = await exampleServer(options);
    const answer = await server.app.inject({ url: "/readyz" });
    const { status, checks } = schemas.HealthAnswer.parse(answer.json());
    assert.equal(answer.statusCode, status === "ok" ? 200 : 503);
    await server.app.close();
    return checks.flatMap(({ ok, reason }) => (ok ? [] : [reason ?? ""]));
  };
  assert.deepEqual(await reasons({}), []);
  assert.deepEqual(await reasons({ live: false }), ["The log is still being read up to its present."]);
  assert.deepEqual(await reasons({ stations: [], statuses: undefined }), [
    "No station has been observed yet.",
  ]);
  assert.deepEqual(
    await reasons({ checks: [{ name: "kafka", check: () => ({ ok: false, reason: "Kafka is away." }) }] }),
    ["Kafka is away."],
  );
});

test("every metric of the registry is exposed, and no label names a station", async () => {
  const server = await exampleServer();
  await server.app.inject({ url: "/api/v1/stations/16107" });
  const answer = await server.app.inject({ url: "/metrics" });
  assert.match(String(answer.headers["content-type"]), /^text\/plain; version=0\.0\.4/);
  assert.match(
    answer.body,
    /velostream_http_requests_total\{route="\/api\/v1\/stations\/:id",status="200"\} 1/,
  );
  assert.doesNotMatch(answer.body, /16107/);
  await server.app.close();
});

test("/openapi.json is valid OpenAPI 3.1 and describes every route that is served", async () => {
  const server = await exampleServer();
  const document = (await server.app.inject({ url: "/openapi.json" })).json<{
    openapi: string;
    paths: Record<string, unknown>;
  }>();
  assert.equal(document.openapi, "3.1.0");
  const result = await new Validator().validate(structuredClone(document));
  assert.ok(result.valid, JSON.stringify(result.errors));
  assert.deepEqual(Object.keys(document.paths).sort(), [
    "/api/v1/areas",
    "/api/v1/areas/{area}",
    "/api/v1/areas/{area}/history",
    "/api/v1/areas/{area}/typical",
    "/api/v1/events",
    "/api/v1/stations",
    "/api/v1/stations/{id}",
    "/api/v1/stations/{id}/history",
    "/api/v1/system",
    "/healthz",
    "/metrics",
    "/readyz",
  ]);
  await server.app.close();
});

test("/docs shows every route and every code, and loads nothing from elsewhere", async () => {
  const server = await exampleServer();
  const page = (await server.app.inject({ url: "/docs" })).body;
  assert.match(page, /<code>timezone<\/code><\/th><td>string or null<\/td>/);
  const document = (await server.app.inject({ url: "/openapi.json" })).json<{
    paths: Record<string, unknown>;
  }>();
  for (const path of Object.keys(document.paths)) assert.ok(page.includes(`<code>${path}</code>`), path);
  assert.ok(page.includes('id="VELOSTREAM_HTTP_NOT_FOUND"'));
  assert.doesNotMatch(page, /<script|style=|src=|https?:\/\//);
  for (const [, id] of page.matchAll(/href="#([^"]+)"/g)) assert.ok(page.includes(`id="${id}"`), id);
  assert.equal((await server.app.inject({ url: "/docs/style.css" })).statusCode, 200);
  await server.app.close();
});
