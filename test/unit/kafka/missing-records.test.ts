/** Which records a reader finds gone: markers and aborted records are nobody's loss. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MissingRecordsFinder } from "../../../src/log/kafka/missing-records.ts";
import type { LogRecord } from "../../../src/ports.ts";

function record(offset: number): LogRecord {
  return { topic: "t", partition: 0, offset, key: "k", value: null, headers: {}, timestampMs: 0 };
}

test("what is old is gone by retention, what lies between by compaction", () => {
  const finder = new MissingRecordsFinder("t", 0, 3);
  finder.begin(5);
  const missing = finder.take([5, 8, 9].map(record), [[6, 6]]);
  assert.deepEqual(
    missing.map(({ beforeOffset, reason }) => [beforeOffset, reason]),
    [
      [5, "retention"],
      [8, "compacted"],
    ],
  );
});

test("a record that stands for the rest of a batch that cannot be read is told of as such, not as compacted", () => {
  const finder = new MissingRecordsFinder("t", 0, 0);
  finder.begin(0);
  assert.deepEqual(
    finder.take([record(0), { ...record(1), unreadable: "damaged_batch" }, record(9)], []),
    [],
  );
});

test("a hole is told of wherever an offset is neither a record nor unseen, however the answers are cut", () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom("record", "unseen", "gone"), { maxLength: 40 }),
      fc.array(fc.nat(40), { maxLength: 4 }),
      (kinds, cuts) => {
        const between = (kind: string, from: number, to: number): number[] =>
          kinds.flatMap((each, at) => (each === kind && at >= from && at < to ? [at] : []));
        const finder = new MissingRecordsFinder("t", 0, 0);
        const edges = [0, ...cuts.filter((cut) => cut < kinds.length).sort((a, b) => a - b), kinds.length];
        const missing = edges.slice(1).flatMap((to, index) => {
          const from = edges[index] ?? 0;
          const unseen = between("unseen", from, to).map((offset) => [offset, offset] as const);
          finder.begin(from);
          const found = finder.take(between("record", from, to).map(record), unseen);
          finder.end(to, unseen);
          return found;
        });
        const records = between("record", 0, kinds.length);
        const expected = records.filter((offset, index) =>
          between("gone", 0, kinds.length).some((gone) => gone > (records[index - 1] ?? -1) && gone < offset),
        );
        assert.deepEqual(
          missing.map(({ beforeOffset }) => beforeOffset),
          expected,
        );
        assert.ok(missing.every(({ reason }) => reason === "compacted"));
      },
    ),
  );
});
