/** What feeds keep of large files is bounded together; what is small is not counted. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { KeptRoom } from "../../../src/feed/kept-room.ts";

test("refuses what does not fit beside what others keep, and what was kept before stands", () => {
  const room = new KeptRoom(100, 10);
  const [one, other] = [{}, {}];
  assert.ok(room.keep(one, "a", 60));
  assert.ok(!room.keep(other, "a", 41));
  assert.ok(!room.keep(one, "a", 101));
  assert.ok(room.keep(other, "a", 40), "60 are still kept, not 101");
  assert.ok(room.keep(one, "a", 20), "less always fits");
  assert.ok(room.keep(other, "b", 40));
});

test("counts nothing that is small, however many there are", () => {
  const room = new KeptRoom(100, 10);
  for (let n = 0; n < 1_000; n += 1) assert.ok(room.keep({}, "a", 10));
  assert.ok(room.keep({}, "a", 100));
});

test("what a feed kept is free for others once it has left", () => {
  const room = new KeptRoom(100, 0);
  const one = {};
  assert.ok(room.keep(one, "a", 50) && room.keep(one, "b", 50) && !room.keep({}, "a", 1));
  room.leave(one);
  assert.ok(room.keep({}, "a", 100));
});

test("never keeps more than there is room for, in whatever order feeds keep and leave", () => {
  const steps = fc.array(
    fc.record({ feed: fc.nat(3), name: fc.constantFrom("a", "b"), amount: fc.nat(80), leaves: fc.boolean() }),
  );
  fc.assert(
    fc.property(steps, (taken) => {
      const room = new KeptRoom(100, 5);
      const feeds = [{}, {}, {}, {}];
      const kept = new Map<string, number>();
      for (const { feed, name, amount, leaves } of taken) {
        if (leaves) {
          room.leave(feeds[feed] as object);
          for (const other of ["a", "b"]) kept.delete(`${feed}${other}`);
        } else if (room.keep(feeds[feed] as object, name, amount))
          kept.set(`${feed}${name}`, amount <= 5 ? 0 : amount);
        assert.ok([...kept.values()].reduce((sum, one) => sum + one, 0) <= 100);
      }
    }),
  );
});
