/** Which of two totals records of an area a reader keeps. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeThrough, encodeThrough, supersedes, type Through } from "../../src/record/totals-record.ts";

const kept = (through: Through | null, asOfMs = 1_000) => ({ through, asOfMs });
const at = (partition: number, offset: number, topicId?: string): Through =>
  topicId === undefined ? { partition, offset } : { partition, offset, topicId };

test("takes the greater offset of a partition, and neither the same nor a smaller one", () => {
  assert.ok(supersedes(kept(at(0, 5)), at(0, 6), 1));
  assert.ok(!supersedes(kept(at(0, 5)), at(0, 5), 9_999));
  assert.ok(!supersedes(kept(at(0, 5)), at(0, 4), 9_999));
});

test("takes the first record, and whatever says nothing of its place", () => {
  assert.ok(supersedes(undefined, at(0, 1), null));
  assert.ok(supersedes(kept(null), at(0, 1), null));
  assert.ok(supersedes(kept(at(0, 5)), null, null));
});

test("of a raw topic that was made again offsets begin anew", () => {
  assert.ok(supersedes(kept(at(0, 500, "old")), at(0, 1, "new"), 1));
  assert.ok(!supersedes(kept(at(0, 500, "new")), at(0, 1, "new"), 9_999));
  // A writer that does not name the topic means the one before.
  assert.ok(!supersedes(kept(at(0, 500, "old")), at(0, 1), 9_999));
  assert.ok(supersedes(kept(at(0, 500)), at(0, 1, "new"), 1));
});

test("of another partition takes what is not older, and no tombstone", () => {
  assert.ok(supersedes(kept(at(0, 5), 1_000), at(1, 1), 1_000));
  assert.ok(!supersedes(kept(at(0, 5), 1_000), at(1, 9), 999));
  assert.ok(!supersedes(kept(at(0, 5), 1_000), at(1, 9), null));
});

test("the header through is read back, with and without the topic's id", () => {
  for (const through of [at(0, 0), at(12, 9_007_199_254_740_991), at(3, 4, "Xk3_-.a")])
    assert.deepEqual(decodeThrough(encodeThrough(through)), through);
  assert.equal(encodeThrough(at(3, 4)), "3:4");
  assert.equal(encodeThrough(at(3, 4, "id")), "3:4:id");
  for (const header of [undefined, "", "3", "3:", ":4", "a:4", "3:-4", "3:4:", "3:4:a b", "x3:4", "3:4 "])
    assert.equal(decodeThrough(header), null, header);
});
