/** `doctor`: what it says of who aggregates. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { describeLag, describeWork } from "../../../src/cli/kafka-check.ts";

const BEHIND = [
  { partition: 0, committedOffset: 7, lagRecords: 0 },
  { partition: 1, committedOffset: null, lagRecords: 12 },
  { partition: 2, committedOffset: 3, lagRecords: 30 },
];
const NEVER = [
  { partition: 0, committedOffset: null, lagRecords: 5 },
  { partition: 1, committedOffset: null, lagRecords: 4 },
];
const UP_TO_DATE = BEHIND.slice(0, 1);
const writer = (engine: string, group: string) => ({ engine, group, sinceMs: 1 });

test("says where the workers are behind", () => {
  assert.equal(describeLag("g", BEHIND), "group g is 42 records behind (partition 1: 12, partition 2: 30)");
  assert.equal(describeLag("g", BEHIND.slice(0, 2)), "group g is 12 records behind (partition 1: 12)");
  assert.equal(describeLag("g", UP_TO_DATE), "group g is up to date");
  assert.equal(describeLag("g", []), "group g is up to date");
  assert.equal(describeLag("g", NEVER), "group g has read none of 9 records yet");
  assert.equal(describeLag("g", NEVER.slice(0, 0)), "group g is up to date");
});

test("a group that is alive is told of, and that it is not, whoever writes the totals", () => {
  const says = (work: Parameters<typeof describeWork>[0]): string => describeWork(work).says;
  const mine = { group: "g", lag: UP_TO_DATE, writer: writer("node", "g") };
  assert.equal(
    says({ ...mine, members: 2 }),
    "the totals are written by Node workers (group g); group g is up to date, with 2 workers",
  );
  assert.match(says({ ...mine, members: 0 }), /group g is up to date; group g has no worker now$/);
  assert.doesNotMatch(says({ ...mine, members: null }), /worker(s)? now|with \d/);
  assert.equal(
    says({ group: "g", members: 0, lag: NEVER, writer: null }),
    "group g has read none of 9 records yet; group g has no worker now",
  );
  // Where Spark writes, nobody calls the group behind.
  assert.equal(
    says({ group: "g", members: 0, lag: NEVER, writer: writer("spark", "g") }),
    "the totals are written by Spark (group g); group g has no worker now",
  );
});

test("workers beside another writer are what is wrong", () => {
  for (const other of [writer("spark", "g"), writer("node", "other"), writer("flink", "g")]) {
    const finding = describeWork({ group: "g", members: 1, lag: UP_TO_DATE, writer: other });
    assert.equal(finding.ok, false);
    assert.match(finding.says, /with 1 worker: two writers .*stop one of them$/);
  }
});
