/** What every implementation of ports.Log keeps: one suite, run on the memory log and on real Kafka. */
import assert from "node:assert/strict";
import { after, before, test, describe } from "node:test";
import type { Log, LogRecord, Processor, ProduceRecord, TopicSpec } from "../../src/ports.ts";

export interface LogContractOptions {
  readonly name: string;
  /** Starts what the log needs, once. */
  readonly start: () => Promise<{ open: () => Promise<Log>; stop: () => Promise<void> }>;
}

const TIMEOUT = { timeout: 60_000 };

/** Written down from kafkajs 2.2.4's default partitioner, which is tested against Kafka's own; not from our code. */
const KEYS = [
  "velib:75001",
  "velib:75016",
  "velib:93200",
  "oslo:oslo",
  "bicing:8",
  "é:Cité",
  "東京:渋谷",
  "a",
  "ab",
  "abc",
  "abcd",
  "velib:unknown",
];
const PARTITIONS_OF_KAFKAJS = {
  3: [0, 1, 1, 1, 1, 2, 2, 1, 2, 0, 2, 1],
  7: [3, 4, 5, 4, 0, 6, 3, 5, 0, 4, 5, 0],
};

export function logContract({ name, start }: LogContractOptions): void {
  describe(`${name} log`, { timeout: 300_000 }, () => {
    let open: () => Promise<Log>;
    let stop: () => Promise<void>;
    let count = 0;
    before(async () => ({ open, stop } = await start()), TIMEOUT);
    after(async () => stop(), TIMEOUT);

    /** A log with fresh topics of its own. */
    async function fresh(partitions = 3): Promise<{ log: Log; raw: string; totals: string; group: string }> {
      const log = await open();
      count += 1;
      const raw = `raw-${process.pid}-${count}`;
      const totals = `totals-${process.pid}-${count}`;
      await log.createTopics([spec(raw, partitions), spec(totals, partitions)]);
      return { log, raw, totals, group: `group-${process.pid}-${count}` };
    }

    test("creates topics once and reports what differs afterwards", TIMEOUT, async () => {
      const { log, raw } = await fresh(3);
      const [same] = await log.createTopics([spec(raw, 3)]);
      const [other] = await log.createTopics([spec(raw, 5)]);
      assert.deepEqual([same?.created, same?.partitions], [false, 3]);
      assert.equal(other?.partitions, 3);
      assert.match(other?.differences.join(" ") ?? "", /3 partitions/);
      assert.equal(await log.partitionCount(raw), 3);
      assert.equal(await log.partitionCount("no-such-topic"), null);
      await log.close();
    });

    test("keeps key, value, headers and time, in order per partition, offsets growing", TIMEOUT, async () => {
      const { log, raw } = await fresh();
      // Kafka takes no record without a key on a compacted topic.
      const rejects = `${raw}-rejects`;
      await log.createTopics([{ ...spec(rejects, 3), cleanupPolicy: "delete", retentionMs: 86_400_000 }]);
      const producer = await log.producer();
      await producer.publish([
        {
          topic: raw,
          key: "é:1",
          value: '{"n":1}',
          headers: { schema: "s" },
          partition: 1,
          timestampMs: 1_700_000_000_000,
        },
        { topic: raw, key: "é:1", value: null, partition: 1 },
        { topic: rejects, key: null, value: "x", partition: 2 },
      ]);
      const records = await readAll(log, [raw, rejects]);
      const one = records.filter((record) => record.partition === 1);
      assert.deepEqual(
        one.map((record) => [record.key, record.value?.toString() ?? null]),
        [
          ["é:1", '{"n":1}'],
          ["é:1", null],
        ],
      );
      assert.equal(one[0]?.headers["schema"], "s");
      assert.equal(one[0]?.timestampMs, 1_700_000_000_000);
      assert.ok((one[1]?.offset ?? 0) > (one[0]?.offset ?? 0));
      assert.equal(records.find((record) => record.partition === 2)?.key, null);
      await producer.close();
      await log.close();
    });

    for (const [count, expected] of Object.entries(PARTITIONS_OF_KAFKAJS))
      test(`puts a partition key where another client puts it, of ${count} partitions`, TIMEOUT, async () => {
        const { log, raw } = await fresh(Number(count));
        const producer = await log.producer();
        await producer.publish(KEYS.map((key) => ({ topic: raw, key, value: "1", partitionKey: key })));
        const found = new Map((await readAll(log, [raw])).map(({ key, partition }) => [key, partition]));
        assert.deepEqual(
          KEYS.map((key) => found.get(key)),
          expected,
        );
        await log.close();
      });

    test("reads from the latest end only what is published after the read began", TIMEOUT, async () => {
      const { log, raw } = await fresh(1);
      const producer = await log.producer();
      await producer.publish([{ topic: raw, key: "a", value: "old", partition: 0 }]);
      const stopReading = new AbortController();
      const seen: string[] = [];
      for await (const batch of log.read({ topics: [raw], from: "latest", signal: stopReading.signal })) {
        if (batch.caughtUp && seen.length === 0 && batch.records.length === 0) {
          await producer.publish([{ topic: raw, key: "a", value: "new", partition: 0 }]);
        }
        for (const record of batch.records) seen.push(record.value?.toString() ?? "");
        if (seen.length > 0) break;
      }
      assert.deepEqual(seen, ["new"]);
      await log.close();
    });

    test("a read told to finish goes on to the end as it is then, and stops there", TIMEOUT, async () => {
      const { log, raw } = await fresh();
      const producer = await log.producer();
      const finish = new AbortController();
      const seen: string[] = [];
      const reading = (async (): Promise<void> => {
        for await (const { records } of log.read({ topics: [raw], from: "latest", finish: finish.signal }))
          seen.push(...records.map(({ key }) => key ?? ""));
      })();
      await eventually(async () => {
        await producer.publish([{ topic: raw, key: "first", value: "1", partition: 0 }]);
        return seen.length > 0;
      });
      const late = Array.from({ length: 50 }, (_, index) => `late-${index}`);
      await producer.publish(late.map((key) => ({ topic: raw, key, value: "1", partitionKey: key })));
      finish.abort();
      await reading;
      assert.deepEqual(
        seen.filter((key) => key !== "first").sort((a, b) => a.localeCompare(b)),
        late.toSorted((a, b) => a.localeCompare(b)),
      );
      await log.close();
    });

    test("reads on from given positions", TIMEOUT, async () => {
      const { log, raw } = await fresh(1);
      const producer = await log.producer();
      await producer.publish(["a", "b", "c"].map((key) => ({ topic: raw, key, value: key, partition: 0 })));
      const second = (await readAll(log, [raw]))[1]?.offset ?? -1;
      const rest = await readAll(log, [raw], new Map([[`${raw}:0`, second]]));
      assert.deepEqual(
        rest.map((record) => record.key),
        ["b", "c"],
      );
      await log.close();
    });

    test("says caught up on empty topics", TIMEOUT, async () => {
      const { log, raw } = await fresh();
      assert.deepEqual(await readAll(log, [raw]), []);
      await log.close();
    });

    test("processes every record once, outputs and progress together", TIMEOUT, async () => {
      const { log, raw, totals, group } = await fresh();
      const producer = await log.producer();
      await producer.publish(numbered(raw, 0, 300));
      const counter = countingProcessor(totals);
      const handle = await log.process({ topic: raw, group }, counter.processor);
      await eventually(async () => (await readAll(log, [totals])).length === 300);
      assert.deepEqual(
        handle.progress().map((progress) => progress.lagRecords),
        [0, 0, 0],
      );
      await handle.stop();
      assert.deepEqual(counts(await readAll(log, [totals])), once(0, 300));
      await log.close();
    });

    test(
      "restores a partition from its own history and goes on where the group stopped",
      TIMEOUT,
      async () => {
        const { log, raw, totals, group } = await fresh(1);
        const producer = await log.producer();
        await producer.publish(numbered(raw, 0, 100, 0));
        const first = await log.process({ topic: raw, group }, countingProcessor(totals).processor);
        await eventually(async () => (await readAll(log, [totals])).length === 100);
        await first.stop();
        await producer.publish(numbered(raw, 100, 150, 0));
        const second = countingProcessor(totals);
        const handle = await log.process({ topic: raw, group }, second.processor);
        await eventually(async () => (await readAll(log, [totals])).length === 150);
        await handle.stop();
        assert.equal(second.restored.get(0), 100);
        assert.deepEqual(counts(await readAll(log, [totals])), once(0, 150));
        await log.close();
      },
    );

    test("shares partitions between members and hands them over when one leaves", TIMEOUT, async () => {
      const { log, raw, totals, group } = await fresh(4);
      const other = log.kind === "memory" ? log : await open();
      const producer = await log.producer();
      const a = countingProcessor(totals);
      const b = countingProcessor(totals);
      const first = await log.process({ topic: raw, group }, a.processor);
      const second = await other.process({ topic: raw, group }, b.processor);
      await eventually(() =>
        Promise.resolve(first.progress().length === 2 && second.progress().length === 2),
      );
      assert.deepEqual([first.waitingFor(), second.waitingFor()], [null, null], "both are at work");
      await producer.publish(numbered(raw, 0, 200));
      await eventually(async () => (await readAll(log, [totals])).length === 200);
      await second.stop();
      await producer.publish(numbered(raw, 200, 400));
      await eventually(async () => (await readAll(log, [totals])).length === 400);
      assert.equal(first.progress().length, 4);
      await first.stop();
      assert.deepEqual(counts(await readAll(log, [totals])), once(0, 400));
      if (other !== log) await other.close();
      await log.close();
    });

    test(
      "commits what a processor held together with what comes after it, and not before",
      TIMEOUT,
      async () => {
        const { log, raw, totals, group } = await fresh(1);
        const producer = await log.producer();
        await producer.publish(numbered(raw, 0, 1, 0));
        const counting = countingProcessor(totals).processor;
        let seen = 0;
        let held: ProduceRecord[] = [];
        const holding: Processor = {
          ...counting,
          process: (partition, records) => {
            seen += records.length;
            held = [...held, ...(counting.process(partition, records) ?? [])];
            return seen < 3 ? null : held;
          },
        };
        const first = await log.process({ topic: raw, group }, holding);
        await eventually(() => Promise.resolve(seen === 1));
        await first.stop();
        assert.deepEqual(await readAll(log, [totals]), [], "nothing is written while it holds");
        [seen, held] = [0, []];
        const second = await log.process({ topic: raw, group }, holding);
        await eventually(() => Promise.resolve(seen === 1));
        await producer.publish(numbered(raw, 1, 3, 0));
        await eventually(async () => (await readAll(log, [totals])).length === 3);
        assert.equal(second.progress()[0]?.lagRecords, 0);
        await second.stop();
        assert.deepEqual(counts(await readAll(log, [totals])), once(0, 3));
        await log.close();
      },
    );

    test(
      "a processor that holds until the end it was told of gets there, whatever stands at that end",
      TIMEOUT,
      async () => {
        const { log, raw, totals, group } = await fresh(1);
        const producer = await log.producer();
        await producer.publish(numbered(raw, 0, 10, 0));
        // What it puts out ends with its transaction's marker, which is no record.
        const first = await log.process({ topic: raw, group }, countingProcessor(totals).processor);
        await eventually(async () => (await readAll(log, [totals])).length === 10);
        await first.stop();
        const counting = countingProcessor(`${totals}-again`).processor;
        await log.createTopics([spec(`${totals}-again`, 1)]);
        let end = -1;
        let held: ProduceRecord[] = [];
        const catchingUp: Processor = {
          ...counting,
          restore: async (partition, history, range) => {
            await counting.restore(partition, history, range);
            end = range.endOffset;
          },
          process: (partition, records) => {
            held = [...held, ...(counting.process(partition, records) ?? [])];
            return records.length > 0 && (records.at(-1)?.offset ?? 0) < end - 1 ? null : held;
          },
        };
        const second = await log.process({ topic: totals, group: `${group}-again` }, catchingUp);
        await eventually(async () => (await readAll(log, [`${totals}-again`])).length === 10);
        await second.stop();
        await log.close();
      },
    );

    test(
      "the first after a quiet while commits at once; what follows within an interval commits together",
      TIMEOUT,
      async () => {
        const { log, raw, totals, group } = await fresh(1);
        const producer = await log.producer();
        const counting = countingProcessor(totals);
        const commitIntervalMs = 20_000;
        let commits = 0;
        const told = { ...counting.processor, committed: () => void (commits += 1) };
        const handle = await log.process({ topic: raw, group, commitIntervalMs }, told);
        // Longer than anybody waits here: three commits may come early, and no more.
        for (let n = 0; n < 3; n += 1) {
          await producer.publish(numbered(raw, n, n + 1, 0));
          await eventually(async () => (await readAll(log, [totals])).length === n + 1);
        }
        for (let n = 3; n < 10; n += 1) {
          await producer.publish(numbered(raw, n, n + 1, 0));
          await eventually(() => Promise.resolve(counting.processed() === n + 1));
        }
        assert.equal((await readAll(log, [totals])).length, 3, "what is processed waits for its commit");
        assert.equal(commits, 3, "the processor knows of those that were made");
        const [progress] = handle.progress();
        assert.ok((progress?.lagRecords ?? 0) >= 7, "what is not committed is not done");
        await handle.stop();
        assert.deepEqual(counts(await readAll(log, [totals])), once(0, 10), "a member that leaves commits");
        assert.equal(commits, 4);
        await log.close();
      },
    );

    test("what was put out waits no longer than the interval, whatever comes after it", TIMEOUT, async () => {
      const { log, raw, totals, group } = await fresh(2);
      const producer = await log.producer();
      const counting = countingProcessor(totals);
      const commitIntervalMs = 50;
      const handle = await log.process({ topic: raw, group, commitIntervalMs }, counting.processor);
      for (let n = 0; n < 12; n += 1) await producer.publish(numbered(raw, n, n + 1));
      // Nothing more is published: only time makes the last ones due.
      await eventually(async () => (await readAll(log, [totals])).length === 12);
      assert.deepEqual(
        handle.progress().map(({ lagRecords }) => lagRecords),
        [0, 0],
      );
      await handle.stop();
      assert.deepEqual(counts(await readAll(log, [totals])), once(0, 12));
      await log.close();
    });

    test(
      "a processor that puts out, and then holds, has committed what it put out, and not what it holds",
      TIMEOUT,
      async () => {
        const { log, raw, totals, group } = await fresh(1);
        const producer = await log.producer();
        const counting = countingProcessor(totals).processor;
        let seen = 0;
        const holding: Processor = {
          ...counting,
          process: (partition, records) => {
            seen += records.length;
            const outputs = counting.process(partition, records);
            return seen > 4 ? null : outputs;
          },
        };
        const first = await log.process({ topic: raw, group, commitIntervalMs: 20_000 }, holding);
        for (let n = 0; n < 6; n += 1) {
          await producer.publish(numbered(raw, n, n + 1, 0));
          await eventually(() => Promise.resolve(seen === n + 1));
        }
        await first.stop();
        assert.deepEqual(counts(await readAll(log, [totals])), once(0, 4));
        const second = countingProcessor(totals);
        const heir = await log.process({ topic: raw, group }, second.processor);
        await eventually(async () => (await readAll(log, [totals])).length === 6);
        assert.equal(second.restored.get(0), 4);
        await heir.stop();
        assert.deepEqual(counts(await readAll(log, [totals])), once(0, 6));
        await log.close();
      },
    );

    test(
      "tells a processor the time, without records too, and what it puts out then commits with its position",
      TIMEOUT,
      async () => {
        const { log, raw, totals, group } = await fresh(2);
        const producer = await log.producer();
        const counting = countingProcessor(totals).processor;
        const ticks = new Map<number, number>();
        let holds = false;
        const ticking: Processor = {
          ...counting,
          process: (partition, records) => (holds ? null : counting.process(partition, records)),
          tick: (partition, nowMs) => {
            assert.ok(Math.abs(nowMs - Date.now()) < 30_000);
            ticks.set(partition, (ticks.get(partition) ?? 0) + 1);
            // Nothing is due by time but once, in one partition.
            return partition === 1 && ticks.get(1) === 1
              ? [{ topic: totals, key: "by time", value: "1", partition: 0 }]
              : [];
          },
        };
        await producer.publish(numbered(raw, 0, 5, 1));
        const handle = await log.process({ topic: raw, group }, ticking);
        await eventually(() => Promise.resolve((ticks.get(0) ?? 0) >= 2 && (ticks.get(1) ?? 0) >= 2));
        await eventually(async () => (await readAll(log, [totals])).length === 6);
        holds = true;
        await producer.publish(numbered(raw, 5, 6, 0));
        await eventually(() => Promise.resolve(handle.progress().some(({ lagRecords }) => lagRecords > 0)));
        const [before = 0, other = 0] = [ticks.get(0), ticks.get(1)];
        await eventually(() => Promise.resolve((ticks.get(1) ?? 0) >= other + 2));
        assert.ok((ticks.get(0) ?? 0) <= before + 1, "while it holds it is not asked");
        await handle.stop();
        const records = await readAll(log, [totals]);
        assert.equal(records.filter(({ key }) => key === "by time").length, 1);
        await log.close();
      },
    );

    test("keeps times that are decades apart, in one publish", TIMEOUT, async () => {
      const { log, raw } = await fresh(1);
      const producer = await log.producer();
      // An encoder's 32 bits are 25 days of milliseconds.
      const times = [1_700_000_000_000, 1_000, 1_700_000_000_001, 86_400_000 * 25, 1_000_000_000_000];
      await producer.publish(
        times.map((timestampMs, n) => ({ topic: raw, key: `k${n}`, value: "1", partition: 0, timestampMs })),
      );
      assert.deepEqual(
        (await readAll(log, [raw])).map((record) => [record.key, record.timestampMs]),
        times.map((timestampMs, n) => [`k${n}`, timestampMs]),
      );
      await log.close();
    });

    test(
      "a processor that throws stops its member with that error and publishes nothing of the batch",
      TIMEOUT,
      async () => {
        const { log, raw, totals, group } = await fresh(1);
        const producer = await log.producer();
        await producer.publish(numbered(raw, 0, 1, 0));
        const broken: Processor = {
          ...countingProcessor(totals).processor,
          process: () => {
            throw new Error("broken on purpose");
          },
        };
        const handle = await log.process({ topic: raw, group }, broken);
        await assert.rejects(handle.done, /broken on purpose/);
        const healthy = await log.process({ topic: raw, group }, countingProcessor(totals).processor);
        await eventually(async () => (await readAll(log, [totals])).length === 1);
        await healthy.stop();
        await log.close();
      },
    );
  });
}

function spec(topic: string, partitions: number): TopicSpec {
  return { topic, partitions, replicationFactor: 1, cleanupPolicy: "compact" };
}

function numbered(topic: string, from: number, to: number, partition?: number): ProduceRecord[] {
  return Array.from({ length: to - from }, (_, index) => {
    const key = `k${from + index}`;
    return { topic, key, value: "1", ...(partition === undefined ? { partitionKey: key } : { partition }) };
  });
}

/** Puts out one record per record read, and counts what it restored. */
function countingProcessor(totals: string): {
  readonly processor: Processor;
  readonly restored: Map<number, number>;
  /** Records, so far. */
  readonly processed: () => number;
} {
  const restored = new Map<number, number>();
  let processed = 0;
  return {
    restored,
    processed: () => processed,
    processor: {
      async restore(partition, history) {
        let count = 0;
        for await (const records of history) count += records.length;
        restored.set(partition, count);
      },
      process: (_partition, records) => {
        processed += records.length;
        return records.map((record) => ({
          topic: totals,
          key: record.key,
          value: "1",
          partitionKey: record.key ?? "",
        }));
      },
      release() {},
    },
  };
}

async function readAll(
  log: Log,
  topics: string[],
  from: "earliest" | ReadonlyMap<string, number> = "earliest",
): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for await (const batch of log.read({ topics, from, until: "end" })) records.push(...batch.records);
  return records;
}

function counts(records: readonly LogRecord[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { key } of records) counts.set(key ?? "", (counts.get(key ?? "") ?? 0) + 1);
  return new Map([...counts].sort(([a], [b]) => a.localeCompare(b)));
}

function once(from: number, to: number): Map<string, number> {
  return new Map(
    Array.from({ length: to - from }, (_, index): [string, number] => [`k${from + index}`, 1]).sort(
      ([a], [b]) => a.localeCompare(b),
    ),
  );
}

/** Polls a condition: the log of another process gives no other sign. */
async function eventually(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error("the condition did not come true within 30 s");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
