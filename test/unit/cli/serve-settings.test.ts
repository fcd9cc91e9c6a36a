/** What the serve options mean: origins and tiles are checked before anything listens. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { serveSettings } from "../../../src/stages/serve/serve-settings.ts";
import type { Settings } from "../../../src/config/options.ts";
import { ConfigError } from "../../../src/errors.ts";

function settings(values: Partial<Settings>): Settings {
  return {
    host: "127.0.0.1",
    port: 8080,
    cors: null,
    "rate-limit": 600,
    "max-streams": 2000,
    "max-streams-per-address": 100,
    "allow-host": null,
    "trust-proxy": null,
    "base-path": null,
    "frame-ancestors": null,
    tiles: null,
    "tiles-attribution": null,
    ...values,
  } as Settings;
}

test("by default only this machine is served, nobody else may read, and no map tiles are fetched", () => {
  assert.deepEqual(serveSettings(settings({})), {
    host: "127.0.0.1",
    port: 8080,
    corsOrigins: [],
    requestsPerMinute: 600,
    allowHosts: [],
    trustProxies: [],
    basePath: "",
    frameAncestors: [],
    maxStreams: 2000,
    maxStreamsOfClient: 100,
    tiles: null,
  });
});

test("origins are exact, or all", () => {
  assert.deepEqual(serveSettings(settings({ cors: ["https://a.example", "*"] })).corsOrigins, [
    "https://a.example",
    "*",
  ]);
  for (const origin of ["a.example", "https://a.example/", "https://a.example/path", "null"]) {
    assert.throws(() => serveSettings(settings({ cors: [origin] })), ConfigError, origin);
  }
});

test("tiles are an http address with its three placeholders in the path, and no credentials", () => {
  const url = "https://tile.example.org/{z}/{x}/{y}.png?key=a";
  assert.deepEqual(serveSettings(settings({ tiles: url, "tiles-attribution": "© example" })).tiles, {
    url,
    attribution: "© example",
  });
  for (const tiles of [
    "tile.example.org/{z}/{x}/{y}.png",
    "https://tile.example.org/{z}/{x}.png",
    "https://{x}.example.org/{z}/{x}/{y}.png",
    "ftp://tile.example.org/{z}/{x}/{y}.png",
    "https://me:secret@tile.example.org/{z}/{x}/{y}.png",
    "javascript:alert(1)//{z}/{x}/{y}",
  ]) {
    assert.throws(
      () => serveSettings(settings({ tiles })),
      (error) => error instanceof ConfigError && !error.message.includes("secret"),
      tiles,
    );
  }
});

test("a base path is plain segments behind slashes, told without the last slash", () => {
  assert.equal(serveSettings(settings({ "base-path": "/bikes/" })).basePath, "/bikes");
  assert.equal(serveSettings(settings({ "base-path": "/" })).basePath, "");
  for (const path of ["bikes", "/bi kes", "//bikes", "/a/../b", "/a/.", "/%62ikes", "/é", "/a?b", "/a#b"])
    assert.throws(() => serveSettings(settings({ "base-path": path })), ConfigError, path);
});

test("frames are allowed to exact origins, whose text is safe in a header", () => {
  assert.deepEqual(serveSettings(settings({ "frame-ancestors": ["https://city.example"] })).frameAncestors, [
    "https://city.example",
  ]);
  for (const origin of ["city.example", "https://city.example/", "'self'", "https://a.example; script-src *"])
    assert.throws(
      () => serveSettings(settings({ "frame-ancestors": [origin] })),
      /--frame-ancestors/,
      origin,
    );
});
