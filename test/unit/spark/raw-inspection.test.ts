/** What a supervisor finds out about the raw topic, on the memory log. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError } from "../../../src/errors.ts";
import { MemoryLog } from "../../../src/log/memory-log.ts";
import { topicSpecs } from "../../../src/log/topics.ts";
import type { ProduceRecord } from "../../../src/ports.ts";
import { tombstonesOfEmptied } from "../../../src/stages/aggregate-spark/emptied-areas.ts";
import { newGeneration, slotsFor } from "../../../src/stages/aggregate-spark/generation.ts";
import { MOST_SLOTS } from "../../../src/stages/aggregate-spark/plan.ts";
import { inspectRaw } from "../../../src/stages/aggregate-spark/raw-inspection.ts";
import { TestClock } from "../../support/test-clock.ts";

const TOPICS = { raw: "raw", totals: "totals", rejects: "rejects" };
const clock = new TestClock();

async function logWith(...records: readonly ProduceRecord[]): Promise<MemoryLog> {
  const log = new MemoryLog({ clock });
  await log.createTopics(topicSpecs(TOPICS, { partitions: 2, replicationFactor: 1 }));
  await (await log.producer()).publish(records);
  return log;
}

function station(id: string, slot: number | null, partition = 0): ProduceRecord {
  const value = JSON.stringify({
    system_id: "velib",
    station_id: id,
    postcode: "75001",
    ...(slot === null ? {} : { slot }),
    nbr_total: 1,
    observed_at: 1_000,
  });
  return { topic: TOPICS.raw, key: `velib:${id}`, partition, value };
}

const REFERENCE: ProduceRecord = { topic: "raw", key: "1", partition: 1, value: '{"stationCode":"16107"}' };

test("slots, ends, and why each other record cannot be summed", async () => {
  const log = await logWith(
    station("1", 4),
    { topic: "raw", key: "velib:1", partition: 0, value: null },
    { topic: "raw", key: "velib:2", partition: 0, value: "{" },
    station("3", null),
    REFERENCE,
  );
  const seen = await inspectRaw(log, TOPICS, "earliest", new Map());
  assert.equal(seen.maxSlot, 4);
  assert.equal(seen.usable, 1);
  assert.equal(seen.reference, 1);
  assert.equal(seen.gaps, false);
  assert.deepEqual(
    [...seen.next],
    [
      [0, 4],
      [1, 1],
    ],
  );
  const reasons = seen.rejects.map(({ value }) => (JSON.parse(String(value)) as { reason: string }).reason);
  assert.deepEqual(reasons.sort(), ["no_slot", "not_json", "unknown_format"]);
});

test("what was reported once is not reported again", async () => {
  const log = await logWith(station("1", 0), station("3", null), station("4", null));
  const seen = await inspectRaw(log, TOPICS, "earliest", new Map([[0, 2]]));
  assert.equal(seen.rejects.length, 1);
});

test("a record that is missing between the checkpoint and now is noticed", async () => {
  const log = await logWith(station("1", 0), station("2", 1));
  const whole = await inspectRaw(log, TOPICS, new Map([[0, 1]]), new Map());
  assert.equal(whole.gaps, false);
  async function* holed(): ReturnType<MemoryLog["read"]> {
    for await (const batch of log.read({ topics: [TOPICS.raw], from: "earliest", until: "end" }))
      yield { ...batch, records: batch.records.filter(({ offset }) => offset !== 0) };
  }
  const compacted = Object.assign(Object.create(log) as MemoryLog, {
    read: holed,
    partitionCount: async () => 2,
  });
  assert.equal((await inspectRaw(compacted, TOPICS, "earliest", new Map())).gaps, true);
});

test("a query is sized from the topic with room, in steps", () => {
  assert.equal(slotsFor(1), 32);
  assert.equal(slotsFor(40), 64);
  assert.equal(slotsFor(100), 128);
  assert.equal(slotsFor(MOST_SLOTS), MOST_SLOTS);
});

test("a generation names a checkpoint of its own and the ends that its first batch covers", async () => {
  const log = await logWith(station("1", 40), station("2", 1, 1), station("3", 2, 1));
  const input = {
    log,
    topics: TOPICS,
    clock,
    checkpoints: "s3a://bucket/cp/",
    reportFrom: new Map(),
    slotsSeen: -1,
  };
  const { record } = await newGeneration(input);
  assert.equal(record.slots, 64);
  assert.deepEqual(record.floors, [0, 1]);
  assert.equal(record.checkpoint, `s3a://bucket/cp/${record.generation}`);
  assert.notEqual((await newGeneration(input)).record.checkpoint, record.checkpoint);
  assert.equal((await newGeneration({ ...input, slotsSeen: 200 })).record.slots, 256);
});

test("what Spark cannot do is said at once: the reference's records, an area beyond all measure", async () => {
  const input = { topics: TOPICS, clock, checkpoints: "cp", reportFrom: new Map(), slotsSeen: -1 };
  const reference = await logWith(REFERENCE);
  await assert.rejects(newGeneration({ ...input, log: reference }), (error) => {
    return error instanceof ConfigError && /velostream collect.*--engine node/.test(error.message);
  });
  const huge = await logWith(
    ...Array.from({ length: MOST_SLOTS + 1 }, (_, slot) => station(String(slot), slot)),
  );
  await assert.rejects(newGeneration({ ...input, log: huge }), (error) => {
    return error instanceof ConfigError && /75001.*--engine node/.test(error.message);
  });
});

test("a slot that no area of the topic has reached is a reject that names the record, and nothing ends", async () => {
  const input = { topics: TOPICS, clock, checkpoints: "cp", reportFrom: new Map(), slotsSeen: -1 };
  for (const slot of [MOST_SLOTS, MOST_SLOTS + 1, 1_000_000_000, Number.MAX_SAFE_INTEGER]) {
    const log = await logWith(station("1", 3), station("2", slot, 1), station("3", 4));
    const { record, rejects } = await newGeneration({ ...input, log });
    assert.equal(record.slots, slotsFor(5));
    assert.equal(rejects.length, 1);
    const { reason, path } = JSON.parse(String(rejects[0]?.value)) as { reason: string; path: string };
    assert.deepEqual([reason, path], ["slot_too_large", "raw:1:0 slot"]);
  }
});

test("a stretch only suspects an area that has outgrown the query: a slot far beyond is nobody's next place", async () => {
  const log = await logWith(station("1", MOST_SLOTS), station("2", 1_000_000_000));
  assert.equal((await inspectRaw(log, TOPICS, new Map([[0, 0]]), new Map())).tooLarge, "velib:75001");
  assert.equal((await inspectRaw(log, TOPICS, new Map([[0, 1]]), new Map())).tooLarge, null);
  assert.equal((await inspectRaw(log, TOPICS, "earliest", "nothing")).tooLarge, null);
  assert.deepEqual((await inspectRaw(log, TOPICS, "earliest", "nothing")).rejects, []);
});

test("an area that was published and has no record left gets its tombstone; the others are let be", async () => {
  const total = (key: string, through: string, value: string | null = "{}"): ProduceRecord => ({
    topic: TOPICS.totals,
    key,
    value,
    partition: 0,
    headers: { through },
  });
  const log = await logWith(
    total("75001", "0:3"),
    total("75002", "0:9"),
    total("75003", "0:4"),
    total("75003", "0:5", null),
    total("75004", "1:2"),
  );
  const tombstones = await tombstonesOfEmptied(log, TOPICS, [9, 2], {
    schema: "schema",
    writer: "spark:g:1",
  });
  assert.deepEqual(
    tombstones.map(({ key, value, headers }) => [key, value, headers?.["through"], headers?.["writer"]]),
    [["75001", null, "0:9", "spark:g:1"]],
  );
});
