/** `doctor`: what it says of the workers' lag. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { describeLag } from "../../../src/cli/doctor-checks.ts";

test("says where the workers are behind", () => {
  const lag = [
    { partition: 0, committedOffset: 7, lagRecords: 0 },
    { partition: 1, committedOffset: null, lagRecords: 12 },
    { partition: 2, committedOffset: 3, lagRecords: 30 },
  ];
  assert.equal(describeLag("g", lag), "group g is 42 records behind (partition 1: 12, partition 2: 30)");
  assert.equal(describeLag("g", lag.slice(0, 1)), "group g is up to date");
  assert.equal(describeLag("g", []), "group g is up to date");
});

test("does not call a group behind that never took part, as where Spark aggregates", () => {
  const lag = [
    { partition: 0, committedOffset: null, lagRecords: 5 },
    { partition: 1, committedOffset: null, lagRecords: 4 },
  ];
  assert.match(describeLag("g", lag), /^group g has read none of 9 records yet: .* unless Spark aggregates/);
});
