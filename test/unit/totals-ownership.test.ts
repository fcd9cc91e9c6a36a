/** One writer a totals topic: who may write, who is refused, who stops, and what changing hands puts out anew. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeTotals } from "../../src/record/totals-record.ts";
import { claimOf, decodeWriter, encodeWriter, newestWriter } from "../../src/record/totals-writer.ts";
import { LogError } from "../../src/errors.ts";
import { MemoryLog } from "../../src/log/memory-log.ts";
import { topicSpecs } from "../../src/log/topics.ts";
import { aggregateProcessor } from "../../src/stages/aggregate/totals-processor.ts";
import { readPublishedAreas } from "../../src/stages/aggregate/published-areas.ts";
import {
  claimTotals,
  TotalsWatch,
  type OwnershipOptions,
} from "../../src/stages/aggregate/totals-ownership.ts";
import type { LogRecord, ProduceRecord } from "../../src/ports.ts";
import { countingMetrics, silentLogger } from "../support/silent.ts";
import { recordingLogger } from "../support/kafka.ts";
import { TestClock } from "../support/test-clock.ts";

const TOPICS = { raw: "raw", totals: "totals", rejects: "rejects" };

async function newLog(clock = new TestClock()): Promise<MemoryLog> {
  const log = new MemoryLog({ clock });
  await log.createTopics(topicSpecs(TOPICS, { partitions: 2, replicationFactor: 1 }));
  return log;
}

function candidate(
  log: MemoryLog,
  engine: "node" | "spark",
  group: string,
  clock = new TestClock(),
): OwnershipOptions {
  return { log, totalsTopic: TOPICS.totals, engine, group, clock, logger: silentLogger };
}

async function publish(log: MemoryLog, writer: string | null, key = "75016", through = 1): Promise<void> {
  const producer = await log.producer();
  await producer.publish([
    {
      topic: TOPICS.totals,
      key,
      value: `{"postcode":"${key}","nbr_total":7,"nbr_elec":1,"nbr_meca":6,"as_of":1}`,
      partitionKey: key,
      headers: { through: `0:${through}`, ...(writer === null ? {} : { writer }) },
      timestampMs: 1,
    },
  ]);
  await producer.close();
}

async function all(log: MemoryLog, topic: string): Promise<readonly LogRecord[]> {
  const found: LogRecord[] = [];
  for await (const { records } of log.read({ topics: [topic], from: "earliest", until: "end" }))
    found.push(...records);
  return found;
}

test("a writer reads back as it was written, whatever its group is called; anything else is none", () => {
  fc.assert(
    fc.property(
      fc.constantFrom("node", "spark", "flink"),
      fc.string(),
      fc.nat(),
      (engine, group, sinceMs) => {
        assert.deepEqual(decodeWriter(encodeWriter({ engine, group, sinceMs })), { engine, group, sinceMs });
      },
    ),
  );
  for (const none of [undefined, "", "node", "node:group", "node:group:", "Node:g:1", "node:g:-1", "0:7"])
    assert.equal(decodeWriter(none), null);
});

test("of all claims the latest counts, and one that is taken over is always later than the one before", () => {
  const writer = fc.record({
    engine: fc.constantFrom("node", "spark"),
    group: fc.constantFrom("a", "b"),
    sinceMs: fc.nat({ max: 50 }),
  });
  fc.assert(
    fc.property(fc.array(fc.option(writer)), writer, fc.nat({ max: 50 }), (others, self, nowMs) => {
      const newest = newestWriter(others);
      const claim = claimOf(self, newest, true, nowMs);
      assert.ok(claim.ok);
      const after = newestWriter([...others, claim.writer]);
      assert.equal(`${after?.engine} ${after?.group}`, `${self.engine} ${self.group}`);
    }),
  );
});

for (const [holder, engine, group, name] of [
  ["spark:g:5", "node", "g", "Spark (group g)"],
  ["node:g:5", "spark", "g", "Node workers (group g)"],
  ["node:other:5", "node", "g", "Node workers (group other)"],
  ["flink:x:5", "node", "g", "flink (group x)"],
] as const)
  test(`a topic that ${name} writes is refused to ${engine} of group ${group}, in one sentence with one remedy`, async () => {
    const log = await newLog();
    await publish(log, holder);
    const before = await all(log, TOPICS.totals);
    await assert.rejects(claimTotals(candidate(log, engine, group), false), (error) => {
      assert.ok(error instanceof LogError);
      assert.ok(error.message.startsWith(`The totals in totals are written by ${name}, `), error.message);
      assert.match(error.message, /^[^.]+\. Stop that one and start [^.]+ with --take-over\.$/);
      return true;
    });
    assert.equal((await all(log, TOPICS.totals)).length, before.length, "nothing is written");
  });

test("an empty topic, one of an older version, and one's own are taken without a word", async () => {
  const log = await newLog();
  const self = candidate(log, "node", "g");
  assert.equal((await claimTotals(self, false)).takenOver, false);
  await publish(log, null);
  assert.equal((await claimTotals(self, false)).takenOver, false);
  await publish(log, "node:g:5");
  assert.deepEqual((await claimTotals(self, false)).writer, { engine: "node", group: "g", sinceMs: 5 });
});

test("--take-over says so in the topic, with nothing but a total that was there, and the one before stops", async () => {
  const clock = new TestClock();
  const log = await newLog(clock);
  const old = candidate(log, "spark", "g", clock);
  const held = await claimTotals(old, false);
  await publish(log, encodeWriter(held.writer));
  const watching = new TotalsWatch(old, held).run(new AbortController().signal);
  watching.catch(() => {});
  await clock.advance(20_000);
  const asked = new TotalsWatch(old, held);
  await asked.look();
  const { writer, takenOver } = await claimTotals(candidate(log, "node", "g", clock), true);
  assert.equal(takenOver, true);
  const records = await all(log, TOPICS.totals);
  assert.deepEqual(
    new Set(records.map(({ key, value }) => `${key} ${String(value)}`)).size,
    1,
    "no record of another kind",
  );
  // The old one does not know yet, and stands last again.
  for (let round = 2; round < 100; round += 1) await publish(log, encodeWriter(held.writer), "75016", round);
  await assert.rejects(asked.look(), /Node workers \(group g\) took the totals in totals over/);
  await clock.advance(5_000);
  await assert.rejects(watching, /Start this one with --take-over to have them back\.$/);
  // The new one is not refused after a restart, the old one is.
  await publish(log, encodeWriter(writer), "75016", 100);
  assert.deepEqual((await claimTotals(candidate(log, "node", "g", clock), false)).writer, writer);
  await assert.rejects(claimTotals(old, false));
});

test("a writer that goes on under an older claim is told of once, and does not stop the newer", async () => {
  const clock = new TestClock();
  const log = await newLog(clock);
  await publish(log, "spark:g:5");
  const logger = recordingLogger();
  const self = { ...candidate(log, "node", "g", clock), logger };
  const claimed = await claimTotals(self, true);
  const stop = new AbortController();
  const watching = new TotalsWatch(self, claimed).run(stop.signal);
  await clock.advance(5_000);
  const warnings = (): number =>
    logger.events.filter(({ event }) => event === "aggregate.second_writer").length;
  assert.equal(warnings(), 0);
  for (let round = 2; round < 5; round += 1) {
    await publish(log, "spark:g:5", "75016", round);
    await clock.advance(5_000);
  }
  assert.equal(warnings(), 1);
  stop.abort();
  await watching;
});

test("after a take-over every area stands as a recount, also one that changed and changed back under the other", async () => {
  const clock = new TestClock();
  const log = await newLog(clock);
  const raw = async (total: number, area: string, station: string, retired = false): Promise<void> => {
    const producer = await log.producer();
    const value = JSON.stringify({
      system_id: "velib",
      station_id: station,
      postcode: area,
      slot: 0,
      nbr_total: total,
      observed_at: clock.now(),
      ...(retired ? { retired: true } : {}),
    });
    const key = `velib:${station}`;
    await producer.publish([{ topic: TOPICS.raw, key, value, partition: 0, timestampMs: clock.now() }]);
    await producer.close();
    await clock.advance(1_000);
  };
  const work = async (takeOver: boolean): Promise<void> => {
    const { writer } = await claimTotals(candidate(log, "node", "g", clock), takeOver);
    const worker = await log.process(
      { topic: TOPICS.raw, group: "g" },
      aggregateProcessor({
        topics: TOPICS,
        writer,
        takeOver,
        readReference: () => null,
        partitionCount: 2,
        publishedAreas: (partition) => readPublishedAreas(log, TOPICS, partition),
        clock,
        logger: silentLogger,
        metrics: countingMetrics(),
      }),
    );
    await clock.advance(1_000);
    await worker.stop();
  };
  await raw(5, "75001", "1");
  await raw(3, "75002", "2");
  await raw(9, "75003", "3");
  await work(false);
  // Spark goes on alone: 75001 is 8 for a while, 75003 appears to be 2; then it is gone, and they are as they were.
  await raw(8, "75001", "1");
  for (const [key, total] of [
    ["75001", 8],
    ["75003", 2],
    ["75004", 4],
  ] as const) {
    const producer = await log.producer();
    await producer.publish([
      {
        topic: TOPICS.totals,
        key,
        value: `{"postcode":"${key}","nbr_total":${total},"nbr_elec":0,"nbr_meca":0,"as_of":${clock.now()}}`,
        partitionKey: key,
        headers: { through: "0:3", writer: `spark:g:${clock.now()}` },
        timestampMs: clock.now(),
      },
    ]);
    await producer.close();
  }
  await raw(5, "75001", "1");
  await work(true);
  const last = new Map<string, number | null>();
  for (const { key, value } of await all(log, TOPICS.totals))
    last.set(key ?? "", value === null ? null : (decodeTotals(value.toString("utf8"))?.total ?? NaN));
  assert.deepEqual(Object.fromEntries(last), {
    "75001": 5,
    "75002": 3,
    "75003": 9,
    "75004": null,
  });
});

test("what was put out anew after a take-over, and not committed, is put out anew again", async () => {
  const clock = new TestClock();
  const processor = aggregateProcessor({
    topics: TOPICS,
    writer: { engine: "node", group: "g", sinceMs: 1 },
    takeOver: true,
    readReference: () => null,
    partitionCount: 1,
    publishedAreas: () => Promise.resolve(new Map()),
    clock,
    logger: silentLogger,
    metrics: countingMetrics(),
  });
  const record = (offset: number, area: string): LogRecord => ({
    topic: TOPICS.raw,
    partition: 0,
    offset,
    key: `velib:${area}`,
    value: Buffer.from(
      `{"system_id":"velib","station_id":"${area}","postcode":"${area}","slot":0,"nbr_total":1,"observed_at":${clock.now()}}`,
    ),
    headers: {},
    timestampMs: clock.now(),
  });
  const records = ["75001", "75002", "75003"].map((area, offset) => record(offset, area));
  async function* history(): AsyncGenerator<readonly LogRecord[]> {
    yield records.slice(0, 2);
    await Promise.resolve();
  }
  const restore = async (): Promise<void> =>
    processor.restore(0, history(), { committedOffset: 2, endOffset: 2 });
  const keysOf = (outputs: ProduceRecord[] | null): string[] =>
    (outputs ?? []).map(({ key }) => key ?? "").toSorted((a, b) => a.localeCompare(b));
  await restore();
  const anew = ["75001", "75002", "75003"];
  assert.deepEqual(keysOf(processor.process(0, records.slice(2))), anew);
  // More comes before the commit, which is lost with all of it.
  processor.process(0, [record(3, "75003")]);
  processor.release(0);
  await restore();
  assert.deepEqual(keysOf(processor.process(0, records.slice(2))), anew);
  processor.committed?.(0);
  processor.release(0);
  await restore();
  assert.deepEqual(keysOf(processor.process(0, records.slice(2))), ["75003"]);
});
