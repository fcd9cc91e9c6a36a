/** A record that is broken in the same way at every poll is news once. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeStationStatus } from "../../src/domain/gbfs/station-status.ts";
import { RejectMemory } from "../../src/record/reject-record.ts";

const DAY_MS = 24 * 3_600_000;

function news(memory: RejectMemory, nowMs: number, ...stations: unknown[]): number {
  const file = decodeStationStatus({ data: { stations } }, new Map()) ?? assert.fail();
  return memory.news(file.rejects, nowMs).length;
}

test("a broken record is news once, though its report time, counts and place in the list move", () => {
  const memory = new RejectMemory();
  const poll = (n: number) => [
    { station_id: "a", num_bikes_available: -1 - n, last_reported: n },
    { num_bikes_available: n, last_reported: n },
    { station_id: {}, num_bikes_available: n, is_renting: n % 2 },
    null,
    { station_id: "good", num_bikes_available: n },
  ];
  assert.equal(news(memory, 0, ...poll(0)), 4);
  for (let n = 1; n < 20; n += 1) {
    const records = poll(n);
    assert.equal(news(memory, n * 60_000, ...(n % 2 === 0 ? records : records.toReversed())), 0);
  }
});

test("one more broken record, another station or another fault is news", () => {
  const memory = new RejectMemory();
  assert.equal(news(memory, 0, {}, { station_id: "a" }), 2);
  assert.equal(news(memory, 1, {}, {}, { station_id: "a" }), 1, "a second one without an id");
  assert.equal(news(memory, 2, {}, {}, { station_id: "b" }), 1, "another station");
  assert.equal(news(memory, 3, {}, {}, { station_id: "b", num_bikes_available: -1 }), 1, "another fault");
  assert.equal(news(memory, 4, { name: "Gare" }, { name: "Place" }), 2, "named records");
  assert.equal(news(memory, 5, { name: "Place", x: 1 }, { name: "Gare", x: 2 }), 0);
});

test("a record that flaps is not news at every flap, one that was in order for a day is", () => {
  const memory = new RejectMemory();
  const broken = { station_id: "a", num_bikes_available: -1 };
  assert.equal(news(memory, 0, broken), 1);
  assert.equal(news(memory, 60_000), 0);
  assert.equal(news(memory, 120_000, broken), 0);
  assert.equal(news(memory, 120_000 + DAY_MS), 0);
  assert.equal(news(memory, 180_000 + DAY_MS, broken), 1);
});

test("a feed that invents broken records at every poll does not fill the memory", () => {
  const memory = new RejectMemory();
  const many = (from: number) => Array.from({ length: 15_000 }, (_, n) => ({ station_id: String(from + n) }));
  assert.equal(news(memory, 0, ...many(0)), 15_000);
  assert.equal(news(memory, 1, ...many(15_000)), 15_000);
  assert.equal(news(memory, 2, ...many(30_000)), 15_000);
  assert.equal(news(memory, 3, ...many(45_000)), 15_000);
  assert.equal(news(memory, 4, ...many(45_000)), 0, "what is there is remembered");
  assert.equal(news(memory, 5, ...many(0)), 15_000, "what is long gone is forgotten");
});
