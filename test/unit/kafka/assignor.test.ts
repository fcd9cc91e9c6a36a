/** Sharing partitions between members: all of them, evenly, moving no more than needed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { assignPartitions, type GroupMember } from "../../../src/log/kafka/assignor.ts";

const member = (memberId: string, owned: number[] = [], generationId = 1): GroupMember => ({
  memberId,
  owned,
  generationId,
});

/** Members that each claim some partitions, of any generation; claims may overlap or be out of range. */
const members = fc
  .uniqueArray(fc.constantFrom("a", "b", "c", "d", "e"), { minLength: 1 })
  .chain((ids) =>
    fc.tuple(
      ...ids.map((id) =>
        fc
          .tuple(fc.uniqueArray(fc.nat(15), { maxLength: 8 }), fc.nat(3))
          .map(([owned, generationId]) => member(id, owned, generationId)),
      ),
    ),
  );

test("every partition has exactly one owner, and shares differ by one at most", () => {
  fc.assert(
    fc.property(fc.nat(16), members, (count, group) => {
      const shares = assignPartitions(count, group);
      const all = [...shares.values()].flat().sort((a, b) => a - b);
      assert.deepEqual(
        all,
        Array.from({ length: count }, (_, index) => index),
      );
      const sizes = [...shares.values()].map((share) => share.length);
      assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1);
    }),
  );
});

test("a balanced group keeps exactly what it has", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 16 }), members, (count, group) => {
      const first = assignPartitions(count, group);
      const again = assignPartitions(
        count,
        group.map(({ memberId }) => member(memberId, [...(first.get(memberId) ?? [])], 9)),
      );
      assert.deepEqual(again, first);
    }),
  );
});

test("a member that joins takes its share from the others, who keep the rest", () => {
  const shares = assignPartitions(12, [
    member("a", [0, 1, 2, 3, 4, 5]),
    member("b", [6, 7, 8, 9, 10, 11]),
    member("new"),
  ]);
  assert.deepEqual(shares.get("a"), [0, 1, 2, 3]);
  assert.deepEqual(shares.get("b"), [6, 7, 8, 9]);
  assert.deepEqual(shares.get("new"), [4, 5, 10, 11]);
});

test("of two claims to a partition the one of the newer generation counts", () => {
  const shares = assignPartitions(2, [member("a", [0], 3), member("zombie", [0, 1], 2)]);
  assert.deepEqual(shares.get("a"), [0]);
  assert.deepEqual(shares.get("zombie"), [1]);
});

test("more members than partitions leave some without", () => {
  const shares = assignPartitions(1, [member("a"), member("b", [0])]);
  assert.deepEqual([shares.get("a"), shares.get("b")], [[], [0]]);
});
