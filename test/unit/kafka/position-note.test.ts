/** Where a group goes on, by what was noted beside its position and by what the topics are now. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  decodeNote,
  differs,
  encodeNote,
  resume,
  type PositionNote,
  type TopicsNow,
} from "../../../src/log/kafka/position-note.ts";

const NOTE: PositionNote = {
  topicId: "A",
  sequence: "A",
  partitions: 4,
  outputId: "out",
  last: { offset: 9, timeMs: 1_000 },
};
const NOW: TopicsNow = { topicId: "A", partitions: 4, outputId: "out", start: 0, end: 20, lastTimeMs: 1_000 };

test("the same topics: goes on from its position, and nothing is put out anew", () => {
  const resumed = resume({ offset: 10, note: NOTE }, NOW, 5);
  assert.deepEqual(resumed, { position: 10, replaced: null, renewed: false, note: NOTE });
});

test("a topic made again under its name has another id: begins at its start, in another sequence", () => {
  const resumed = resume({ offset: 10, note: NOTE }, { ...NOW, topicId: "B", start: 2 }, 5);
  assert.equal(resumed.position, 2);
  assert.equal(resumed.replaced, "it has another id");
  assert.ok(resumed.renewed);
  assert.deepEqual(resumed.note, { ...NOTE, topicId: "B", sequence: "B", last: null });
});

test("a topic that ends before the position is not the one it was, whether brokers have ids or not", () => {
  assert.equal(resume({ offset: 20, note: NOTE }, NOW, 5).replaced, null);
  const same = resume({ offset: 21, note: NOTE }, NOW, 5);
  assert.equal(same.replaced, "it ends before the group's position");
  assert.equal(same.note.sequence, "A.5");
  const without = resume({ offset: 21, note: { ...NOTE, topicId: null } }, { ...NOW, topicId: null }, 5);
  assert.equal(without.note.sequence, "n5");
});

test("without ids, another record at the last position means another topic; where there is none, nobody can tell", () => {
  const before = { offset: 10, note: { ...NOTE, topicId: null } };
  const now = { ...NOW, topicId: null };
  assert.equal(resume(before, now, 5).replaced, null);
  assert.equal(
    resume(before, { ...now, lastTimeMs: 1_001 }, 5).replaced,
    "another record stands at the group's position",
  );
  assert.equal(resume(before, { ...now, lastTimeMs: null }, 5).replaced, null);
  // The id says more than a time does.
  assert.equal(resume({ offset: 10, note: NOTE }, { ...NOW, lastTimeMs: 1_001 }, 5).replaced, null);
});

test("other partitions, or other totals, are put out anew from where the group is", () => {
  for (const now of [{ partitions: 5 }, { outputId: "another" }]) {
    const resumed = resume({ offset: 10, note: NOTE }, { ...NOW, ...now }, 5);
    assert.deepEqual([resumed.position, resumed.replaced, resumed.renewed], [10, null, true]);
  }
  assert.ok(!resume({ offset: 10, note: NOTE }, { ...NOW, outputId: null }, 5).renewed);
});

test("a group without a position begins at the start and puts everything out; without a note it goes on, and does, too", () => {
  const fresh = resume(null, { ...NOW, start: 3 }, 5);
  assert.deepEqual([fresh.position, fresh.replaced, fresh.renewed], [3, null, true]);
  const older = resume({ offset: 10, note: null }, NOW, 5);
  assert.deepEqual([older.position, older.replaced, older.renewed], [10, null, true]);
  assert.equal(older.note.sequence, "A");
});

test("what retention took is passed, never what is ahead of the end", () => {
  assert.equal(resume({ offset: 10, note: NOTE }, { ...NOW, start: 15 }, 5).position, 15);
  assert.equal(resume({ offset: 10, note: NOTE }, { ...NOW, start: 30, end: 10 }, 5).position, 30);
});

test("a note is read back; another tool's is none", () => {
  for (const note of [NOTE, { ...NOTE, topicId: null, outputId: null, last: null }])
    assert.deepEqual(decodeNote(encodeNote(note)), note);
  for (const text of [
    null,
    "",
    "x",
    "null",
    "[]",
    "{}",
    '{"v":2,"sequence":"A","partitions":4}',
    '{"v":1,"partitions":4}',
    '{"v":1,"sequence":5,"partitions":4}',
    '{"v":1,"sequence":"A","partitions":"4"}',
    '{"sequence":"A","partitions":4}',
    "5",
  ])
    assert.equal(decodeNote(text), null, String(text));
});

test("a part of a note that is of another type is not known, and the rest stands", () => {
  const decoded = (fields: object): PositionNote | null =>
    decodeNote(JSON.stringify({ v: 1, ...NOTE, ...fields }));
  assert.equal(decoded({ topicId: 7 })?.topicId, null);
  assert.equal(decoded({ outputId: 7 })?.outputId, null);
  for (const last of [
    { offset: 9 },
    { timeMs: 9 },
    { offset: "9", timeMs: 1 },
    { offset: 9, timeMs: "1" },
    9,
  ])
    assert.deepEqual(decoded({ last }), { ...NOTE, last: null });
});

test("a note from before the brokers had ids is judged by its last record; one without that says nothing", () => {
  const before = { offset: 10, note: { ...NOTE, topicId: null } };
  assert.equal(
    resume(before, { ...NOW, lastTimeMs: 1_001 }, 5).replaced,
    "another record stands at the group's position",
  );
  assert.equal(
    resume({ ...before, note: { ...before.note, last: null } }, { ...NOW, lastTimeMs: 1_001 }, 5).replaced,
    null,
  );
});

test("a position beyond the end without a note begins the sequence that the topic's id names", () => {
  const resumed = resume({ offset: 21, note: null }, NOW, 5);
  assert.equal(resumed.replaced, "it ends before the group's position");
  assert.equal(resumed.note.sequence, "A");
});

test("an id that is not known differs from none", () => {
  assert.deepEqual(
    [differs("A", "B"), differs("A", "A"), differs(null, "A"), differs("A", undefined), differs(null, null)],
    [true, false, false, false, false],
  );
});
