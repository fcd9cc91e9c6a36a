/** A small system at night: nothing changes, and still the log tells that somebody watches. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { HEARTBEAT_AFTER_MS, heartbeatOf } from "../../src/domain/heartbeat.ts";

const stations = ["a", "b", "c"].map((stationId) => ({ stationId }));

test("the station that waited longest is published when none was for five minutes", () => {
  const published = new Map([
    ["a", 2_000],
    ["b", 1_000],
    ["c", 3_000],
  ]);
  const at = (observedAtMs: number): string | null =>
    heartbeatOf({ stations, observedAtMs }, (stationId) => published.get(stationId));
  assert.equal(at(2_999 + HEARTBEAT_AFTER_MS), null);
  assert.equal(at(3_000 + HEARTBEAT_AFTER_MS), "b");
});

test("a system of which nothing was published yet needs none", () => {
  assert.equal(
    heartbeatOf({ stations: [], observedAtMs: 1e12 }, () => undefined),
    null,
  );
  assert.equal(
    heartbeatOf({ stations, observedAtMs: 1e12 }, () => undefined),
    null,
  );
});
