/** Whose totals they are, as a start decides it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { claimOf, decodeWriter, encodeWriter, newestWriter } from "../../src/record/totals-writer.ts";

const NODE = { engine: "node", group: "one" };
const SPARK = { engine: "spark", group: "one", sinceMs: 5_000 };

test("nobody's are ours from now on", () => {
  const claim = claimOf(NODE, null, false, 7_000);
  assert.deepEqual(claim, { ok: true, writer: { ...NODE, sinceMs: 7_000 }, from: null });
});

test("our own stay ours since when they were", () => {
  const own = { ...NODE, sinceMs: 3_000 };
  assert.deepEqual(claimOf(NODE, own, false, 7_000), { ok: true, writer: own, from: null });
  assert.deepEqual(claimOf(NODE, own, true, 7_000), { ok: true, writer: own, from: null });
});

test("another engine's, or another group's, are refused until they are taken over", () => {
  for (const holder of [SPARK, { ...NODE, group: "two", sinceMs: 5_000 }]) {
    assert.deepEqual(claimOf(NODE, holder, false, 7_000), { ok: false, holder });
    const taken = { ok: true, writer: { ...NODE, sinceMs: 7_000 }, from: holder };
    assert.deepEqual(claimOf(NODE, holder, true, 7_000), taken);
  }
});

test("a claim is later than the one it follows, however wrong the clock", () => {
  const claim = claimOf(NODE, SPARK, true, 4_000);
  assert.deepEqual(claim, { ok: true, writer: { ...NODE, sinceMs: 5_001 }, from: SPARK });
});

test("the newest of several is the one with the latest claim", () => {
  assert.equal(newestWriter([]), null);
  assert.equal(newestWriter([null]), null);
  const later = { ...NODE, sinceMs: 6_000 };
  assert.equal(newestWriter([SPARK, null, later]), later);
  assert.equal(newestWriter([later, SPARK]), later);
});

test("the header is read back, a group with colons too; a stranger's is none", () => {
  for (const writer of [SPARK, { engine: "node", group: "a:b: c", sinceMs: 1 }])
    assert.deepEqual(decodeWriter(encodeWriter(writer)), writer);
  for (const header of [undefined, "", "node", "node:one", "node:one:x", "NODE:one:1", ":one:1"])
    assert.equal(decodeWriter(header), null, header);
});
