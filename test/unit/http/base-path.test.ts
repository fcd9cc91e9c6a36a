/** The server below a path: with the prefix or without, and nothing in an answer leaves it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { redirectFor, withoutBasePath } from "../../../src/http/base-path.ts";
import { exampleServer } from "../../support/api-server.ts";

test("only a whole first segment is the base path", () => {
  assert.equal(withoutBasePath("/bikes/api/v1/areas?x=/bikes", "/bikes"), "/api/v1/areas?x=/bikes");
  assert.equal(withoutBasePath("/bikes?area=1", "/bikes"), "/?area=1");
  assert.equal(withoutBasePath("/bikeshed", "/bikes"), "/bikeshed");
  assert.equal(withoutBasePath("/bikes/bikes/x", "/bikes"), "/bikes/x");
  assert.equal(withoutBasePath("/api/v1/areas", ""), "/api/v1/areas");
});

test("an address without the slash that the page's own addresses need is sent on, with its question", () => {
  assert.equal(redirectFor("/city/bikes?area=1", "/city/bikes"), "bikes/?area=1");
  assert.equal(redirectFor("/city/bikes/", "/city/bikes"), null);
  assert.equal(redirectFor("/city/bikes/docs/", "/city/bikes"), "../docs");
  assert.equal(redirectFor("/docs", ""), null);
});

test("the same answers come below the base path and, for a proxy that takes it off, without it", async () => {
  const { app } = await exampleServer({ basePath: "/bikes" });
  for (const path of ["/", "/docs", "/healthz", "/openapi.json", "/api/v1/areas", "/api/v1/areas/75016"]) {
    const [below, plain] = [await app.inject(`/bikes${path}`), await app.inject(path)];
    assert.equal(below.statusCode, 200, path);
    assert.equal(below.body, plain.body, path);
  }
  assert.equal((await app.inject("/bikeshed")).statusCode, 404);
  const moved = await app.inject("/bikes?area=75016");
  assert.deepEqual([moved.statusCode, moved.headers.location], [308, "bikes/?area=75016"]);
});

test("no address in a page, in OpenAPI or in a problem leaves the base path", async () => {
  const { app } = await exampleServer({ basePath: "/bikes" });
  for (const path of ["/bikes/", "/bikes/docs"]) {
    const page = (await app.inject(path)).body;
    assert.doesNotMatch(page, /(?:href|src)="\/(?!\/)/, path);
  }
  const api = (await app.inject("/bikes/openapi.json")).json<{ servers: unknown }>();
  assert.deepEqual(api.servers, [{ url: "/bikes" }]);
  const problem = (await app.inject("/bikes/api/v1/areas/nowhere")).json<{
    type: string;
    instance: string;
  }>();
  assert.equal(problem.type, "/bikes/docs#VELOSTREAM_HTTP_NOT_FOUND");
  assert.equal(problem.instance, "/bikes/api/v1/areas/nowhere");
});

test("nobody may frame the page but who is named", async () => {
  const closed = (await (await exampleServer()).app.inject("/")).headers;
  assert.match(String(closed["content-security-policy"]), /frame-ancestors 'none'/);
  assert.equal(closed["x-frame-options"], "DENY");
  const open = await exampleServer({ frameAncestors: ["https://city.example"] });
  const headers = (await open.app.inject("/")).headers;
  assert.match(String(headers["content-security-policy"]), /frame-ancestors https:\/\/city\.example/);
  assert.equal(headers["x-frame-options"], undefined);
});
