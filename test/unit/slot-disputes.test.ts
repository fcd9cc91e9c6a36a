/** Which of two stations that were given one slot must be published again, and until when. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SlotDisputes } from "../../src/domain/slot-disputes.ts";

test("a station that lost its slot is published again once, whenever that is", () => {
  const disputes = new SlotDisputes();
  assert.ok(!disputes.concern("b", 10));
  disputes.lost("b");
  assert.ok(disputes.concern("b", 10));
  assert.ok(!disputes.concern("a", 10), "nobody else");
  disputes.published("a", 20);
  assert.ok(disputes.concern("b", 20));
  disputes.published("b", 5);
  assert.ok(!disputes.concern("b", 5));
});

test("a station that keeps its slot is published again until its record is newer than the newest of the other", () => {
  const disputes = new SlotDisputes();
  disputes.kept("a", 10);
  disputes.kept("a", 8);
  assert.ok(disputes.concern("a", 9));
  assert.ok(disputes.concern("a", 10), "at the same time the other's may count");
  assert.ok(!disputes.concern("a", 11));
  assert.ok(!disputes.concern("b", 1), "nobody else");
  disputes.published("a", 10);
  assert.ok(disputes.concern("a", 10));
  disputes.published("a", 11);
  assert.ok(!disputes.concern("a", 1));
  disputes.kept("a", 12);
  disputes.kept("a", 14);
  assert.ok(disputes.concern("a", 13));
});

test("what left has no dispute, nor has one that never had any", () => {
  const disputes = new SlotDisputes();
  disputes.lost("b");
  disputes.kept("a", 10);
  for (const station of ["a", "b", "c"]) disputes.forget(station);
  disputes.published("c", 1);
  for (const station of ["a", "b", "c"]) assert.ok(!disputes.concern(station, 0), station);
});
