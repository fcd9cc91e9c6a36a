/** One partition of the memory log: what its compaction may drop, and what never. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MemoryLog } from "../../src/log/memory-log.ts";
import { TestClock } from "../support/test-clock.ts";
import { MemoryPartition, RETAINED_RECORDS } from "../../src/log/memory-partition.ts";
import type { LogRecord, Processor, ReadBatch } from "../../src/ports.ts";
import { receiveRaw } from "../../src/record/received-record.ts";
import { settled } from "../support/test-clock.ts";

/** More than a compaction is worth its cost for. */
const MANY = 1_100;

function write(partition: MemoryPartition, key: string | null, value: string | null): void {
  partition.append([{ key, value, headers: {}, timestampMs: 0 }], 0);
}

function tableOf(records: readonly LogRecord[]): Record<string, string> {
  const table: Record<string, string> = {};
  for (const { key, value } of records) {
    if (key === null) continue;
    if (value === null) delete table[key];
    else table[key] = value.toString("utf8");
  }
  return table;
}

test("compaction keeps the newest of every key, all without one, and all that a reader has not passed", () => {
  const step = fc.record({
    key: fc.option(fc.constantFrom("a", "b", "c", "d", "e"), { nil: null }),
    gone: fc.nat(4).map((n) => n === 0),
  });
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 1, maxLength: 40 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (steps, share) => {
        const partition = new MemoryPartition("raw", 0, true);
        const all: { key: string | null; value: string | null; offset: number }[] = [];
        const add = (key: string | null, value: string | null): void => {
          all.push({ key, value, offset: all.length });
          write(partition, key, value);
        };
        for (const [n, { key, gone }] of steps.entries()) add(key, gone && key !== null ? null : String(n));
        for (let n = 0; n < MANY; n += 1) add("busy", String(n));
        for (const [n, { key, gone }] of steps.entries())
          add(key, gone && key !== null ? null : `later ${n}`);
        const passed = Math.floor(all.length * share);
        partition.compact(passed);
        const left = partition.read(0, Infinity);
        const offsets = new Set(left.map(({ offset }) => offset));
        const newest = new Map(all.map(({ key, offset }) => [key, offset]));
        for (const { key, value, offset } of all) {
          const must = offset >= passed || key === null || (newest.get(key) === offset && value !== null);
          if (must) assert.ok(offsets.has(offset), `offset ${offset} of ${String(key)} is gone`);
          else assert.ok(!offsets.has(offset), `offset ${offset} of ${key} is kept`);
        }
        for (const { offset, value } of left)
          assert.equal(value?.toString("utf8") ?? null, all[offset]?.value);
        // It goes on as before: what is written next is found, and compacted in its turn.
        write(partition, "a", "last");
        assert.equal(tableOf(partition.read(0, Infinity))["a"], "last");
      },
    ),
    { numRuns: 100 },
  );
});

test("a topic with retention keeps its newest records, and what a reader has not passed", () => {
  const partition = new MemoryPartition("rejects", 0, false);
  for (let n = 0; n < RETAINED_RECORDS + MANY; n += 1) write(partition, "same", String(n));
  partition.compact(10);
  assert.equal(partition.firstFrom(0), 10);
  partition.compact(partition.endOffset);
  assert.ok(partition.size >= RETAINED_RECORDS);
  assert.equal(partition.read(0, Infinity).at(-1)?.offset, RETAINED_RECORDS + MANY - 1);
});

async function busyLog(): Promise<MemoryLog> {
  const log = new MemoryLog({ clock: new TestClock(0) });
  await log.createTopics([{ topic: "raw", partitions: 1, replicationFactor: 1, cleanupPolicy: "compact" }]);
  return log;
}

function overwrite(log: MemoryLog): void {
  for (let n = 0; n < MANY; n += 1)
    log.append([{ topic: "raw", key: "busy", value: String(n), partitionKey: "p" }]);
}

test("a reader that follows reads everything, however much is overwritten meanwhile; one that comes later is told of holes", async () => {
  const log = await busyLog();
  const reading = log.read({ topics: ["raw"], from: "earliest" })[Symbol.asyncIterator]();
  log.append([{ topic: "raw", key: "busy", value: "first", partitionKey: "p" }]);
  await reading.next();
  overwrite(log);
  const { value } = (await reading.next()) as { value: ReadBatch };
  assert.equal(value.records.length, MANY);
  assert.equal(value.missing, undefined);
  await reading.return?.();
  overwrite(log);
  const late: ReadBatch[] = [];
  for await (const batch of log.read({ topics: ["raw"], from: "earliest", until: "end" })) late.push(batch);
  const first = late[0]?.records[0]?.offset ?? 0;
  assert.ok(first > 0);
  assert.deepEqual(late[0]?.missing, [
    { topic: "raw", partition: 0, beforeOffset: first, reason: "compacted" },
  ]);
});

test("nothing is compacted that a group has not committed, though it may have read it", async () => {
  const log = await busyLog();
  let restored: number[] = [];
  const holding: Processor = {
    restore: () => Promise.resolve(),
    process: () => null,
    refused: () => assert.fail("nothing is refused"),
    release: () => {},
  };
  const first = await log.process({ group: "g", topic: "raw", writesTo: "totals" }, holding);
  overwrite(log);
  await settled();
  overwrite(log);
  assert.equal(log.partitions("raw")[0]?.size, 2 * MANY);
  await first.stop();
  const all: number[] = [];
  const second = await log.process(
    { group: "g", topic: "raw", writesTo: "totals" },
    {
      ...holding,
      async restore(_, history) {
        for await (const records of history) restored = [...restored, ...records.map(({ offset }) => offset)];
      },
      process: (_, records) => {
        all.push(...records.map(({ offset }) => offset));
        return [];
      },
    },
  );
  for (let n = 0; n < 3 * MANY && all.length < 2 * MANY; n += 1) await settled();
  assert.deepEqual(restored, []);
  assert.equal(all.length, 2 * MANY);
  await second.stop();
});

test("a member restores what is committed, and nothing beyond", async () => {
  const log = await busyLog();
  const take: Processor = {
    restore: () => Promise.resolve(),
    process: (_, records) => (records[0]?.offset === 2 ? null : []),
    refused: () => assert.fail("nothing is refused"),
    release: () => {},
  };
  for (const key of ["a", "b", "c"]) log.append([{ topic: "raw", key, value: key, partitionKey: "p" }]);
  const first = await log.process({ group: "g", topic: "raw", writesTo: "totals" }, take);
  for (let n = 0; n < 50 && first.progress()[0]?.committedOffset !== 2; n += 1) await settled();
  await first.stop();
  const seen: (string | null)[] = [];
  const again: (string | null)[] = [];
  const second = await log.process(
    { group: "g", topic: "raw", writesTo: "totals" },
    {
      ...take,
      async restore(_, history, { committedOffset, endOffset }) {
        assert.deepEqual([committedOffset, endOffset], [2, 3]);
        for await (const records of history) seen.push(...records.map(({ key }) => key));
      },
      process: (_, records) => {
        again.push(...records.map(({ key }) => key));
        return [];
      },
    },
  );
  for (let n = 0; n < 50 && again.length === 0; n += 1) await settled();
  assert.deepEqual(seen, ["a", "b"]);
  assert.deepEqual(again, ["c"]);
  await second.stop();
});

test("readers of one partition get the same record, until the last of them has passed it", () => {
  const partition = new MemoryPartition("raw", 0, true);
  for (const key of ["a", "b", "c"]) write(partition, key, key);
  const first = partition.read(0, 2);
  assert.deepEqual(
    partition.read(0, 3).map((record, n) => record === first[n]),
    [true, true, false],
  );
  partition.letGo(1);
  const [a, b] = partition.read(0, 2);
  assert.notEqual(a, first[0], "all have passed it");
  assert.equal(b, first[1], "one has not");
  // A reader that stands still holds a bounded number of them, and the others go on.
  for (let n = 0; n < 10_000; n += 1) write(partition, "busy", String(n));
  const all = partition.read(0, Infinity);
  assert.equal(all.length, 10_003);
  const shared = partition.read(0, Infinity).filter((record, n) => record === all[n]).length;
  assert.ok(shared >= 1_000 && shared <= 5_000, String(shared));
});

test("what one reader of a log has read of a record is there for the next, and gone when both have it", async () => {
  const log = await busyLog();
  const value = JSON.stringify({
    system_id: "s",
    station_id: "1",
    postcode: "a",
    nbr_total: 1,
    observed_at: 1,
  });
  log.append([{ topic: "raw", key: "s:1", value, partition: 0 }]);
  const readers = [0, 1].map(() => log.read({ topics: ["raw"], from: "earliest" })[Symbol.asyncIterator]());
  const records = [];
  for (const reader of readers) records.push((await reader.next()).value?.records[0]);
  const [one, other] = records;
  assert.ok(one !== undefined && other !== undefined);
  assert.equal(receiveRaw(one, Infinity, noReference), receiveRaw(other, Infinity, noReference));
  const otherwise = receiveRaw(one, Infinity, () => null);
  assert.notEqual(
    receiveRaw(other, Infinity, noReference),
    otherwise,
    "another reader of references asks anew",
  );
  log.append([{ topic: "raw", key: "s:2", value: "{}", partition: 0 }]);
  for (const reader of readers) await reader.next();
  const [late] = log.partitions("raw")[0]?.read(0, 1) ?? [];
  assert.ok(late !== undefined && late !== one, "nobody is to read it any more");
  await log.close();
});

function noReference(): null {
  return null;
}
