/** Zombies, names, raised partition counts and long absences of the broker: who may write, and what goes on. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { RunningBroker } from "../../../infra/kafka/broker.ts";
import type { KafkaLog } from "../../../src/log/kafka/kafka-log.ts";
import type { LogRecord, ProcessHandle, Processor } from "../../../src/ports.ts";
import { openLog, recordingLogger, startTestBroker } from "../../support/kafka.ts";

const TIMEOUT = { timeout: 120_000 };

describe("members of a group, on a real broker", { timeout: 400_000 }, () => {
  let broker: RunningBroker;
  before(async () => (broker = await startTestBroker()), TIMEOUT);
  after(async () => broker.stop(), TIMEOUT);

  let count = 0;
  async function fresh(
    partitions: number,
  ): Promise<{ log: KafkaLog; raw: string; totals: string; group: string }> {
    count += 1;
    const log = openLog(broker.brokers);
    const names = { raw: `raw-${count}`, totals: `totals-${count}`, group: `group-${count}` };
    for (const topic of [names.raw, names.totals])
      await log.createTopics([{ topic, partitions, replicationFactor: 1, cleanupPolicy: "compact" }]);
    return { log, ...names };
  }

  async function publish(log: KafkaLog, topic: string, keys: readonly string[]): Promise<void> {
    const producer = await log.producer();
    await producer.publish(keys.map((key) => ({ topic, key, value: "1", partitionKey: key })));
    await producer.close();
  }

  test(
    "a worker stopped beyond its session, in the middle of a batch, does not publish it when it goes on",
    TIMEOUT,
    async () => {
      const { log, raw, totals, group } = await fresh(1);
      await publish(log, raw, ["k"]);
      const zombie = spawn(
        process.execPath,
        [
          fileURLToPath(new URL("../../support/stopping-worker.ts", import.meta.url)),
          broker.brokers.join(","),
          raw,
          totals,
          group,
        ],
        { stdio: ["ignore", "ignore", "pipe"] },
      );
      let said = "";
      zombie.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
      try {
        await eventually(() => {
          assert.equal(zombie.exitCode, null, `it ended by itself: ${said}`);
          return said.includes("stopping");
        });
        // Its partition is ours when its session has run out; it still holds the batch.
        const heir = await log.process({ topic: raw, group }, counting(totals, "heir"));
        await eventually(async () => (await read(log, totals)).length === 1);
        zombie.kill("SIGCONT");
        await eventually(() => said.includes("aggregate.transaction_lost"));
        // It is a member again, and of whatever comes now exactly one of the two publishes each.
        await publish(log, raw, ["later"]);
        await eventually(async () => (await read(log, totals)).length === 2);
        await heir.stop();
        assert.deepEqual(
          (await read(log, totals)).map(({ key }) => key),
          ["k", "later"],
        );
        assert.equal((await read(log, totals))[0]?.value?.toString(), "heir");
      } finally {
        zombie.kill("SIGKILL");
        await log.close();
      }
    },
  );

  test(
    "a worker that comes back under its name gets its partitions at once, and its former self must stop",
    TIMEOUT,
    async () => {
      const { log, raw, totals, group } = await fresh(2);
      const first = await log.process({ topic: raw, group, memberId: "one" }, counting(totals, "first"));
      await eventually(() => first.progress().length === 2);
      const second = await log.process({ topic: raw, group, memberId: "one" }, counting(totals, "second"));
      await assert.rejects(first.done, /Another process works under the member name one now/);
      await eventually(() => second.progress().length === 2);
      await publish(log, raw, ["a", "b"]);
      await eventually(async () => (await read(log, totals)).length === 2);
      await second.stop();
      assert.deepEqual(
        new Set((await read(log, totals)).map(({ value }) => value?.toString())),
        new Set(["second"]),
      );
      await log.close();
    },
  );

  test("partitions added by hand are noticed by producers, readers and workers", TIMEOUT, async () => {
    const { log, raw, totals, group } = await fresh(1);
    const handle = await log.process({ topic: raw, group }, counting(totals, "w"));
    await eventually(() => handle.progress().length === 1);
    const seen: LogRecord[] = [];
    const stop = new AbortController();
    const reading = (async (): Promise<void> => {
      for await (const { records } of log.read({ topics: [raw], from: "latest", signal: stop.signal }))
        seen.push(...records);
    })();
    broker.tool("org.apache.kafka.tools.TopicCommand", [
      "--bootstrap-server",
      broker.brokers[0] ?? "",
      "--alter",
      "--topic",
      raw,
      "--partitions",
      "3",
    ]);
    await eventually(() => handle.progress().length === 3);
    // Each looks for itself, every five seconds: the worker may be the first.
    await eventually(async () => (await log.partitionCount(raw)) === 3);
    const keys = Array.from({ length: 30 }, (_, index) => `k${index}`);
    await publish(log, raw, keys);
    await eventually(async () => (await read(log, totals)).length === 30);
    await eventually(() => seen.length === 30);
    assert.deepEqual(new Set(seen.map(({ partition }) => partition)), new Set([0, 1, 2]));
    stop.abort();
    await reading;
    await handle.stop();
    await log.close();
  });

  test(
    "a batch that is too large for its topic goes in parts, from producers and in transactions; a record is refused",
    TIMEOUT,
    async () => {
      const log = openLog(broker.brokers);
      const [raw, totals] = ["small-raw", "small-totals"];
      const configs = { "max.message.bytes": "4000" };
      for (const topic of [raw, totals])
        await log.createTopics([
          { topic, partitions: 1, replicationFactor: 1, cleanupPolicy: "compact", configs },
        ]);
      // Random, so that compression makes nothing smaller.
      const value = (bytes: number): string => randomBytes(bytes / 2).toString("hex");
      const keys = Array.from({ length: 100 }, (_, index) => `k${index}`);
      const producer = await log.producer();
      await producer.publish(keys.map((key) => ({ topic: raw, key, value: value(400), partition: 0 })));
      const handle = await log.process({ topic: raw, group: "small" }, counting(totals, value(400)));
      await eventually(async () => (await read(log, totals)).length === 100);
      await handle.stop();
      for (const topic of [raw, totals])
        assert.deepEqual(
          (await read(log, topic)).map(({ key }) => key),
          keys,
        );
      await assert.rejects(
        producer.publish([{ topic: raw, key: "huge", value: value(20_000), partition: 0 }]),
        /Kafka refused a record as too large .*Raise max\.message\.bytes of the topic/,
      );
      await producer.publish([{ topic: raw, key: "after", value: "1", partition: 0 }]);
      assert.equal((await read(log, raw)).at(-1)?.key, "after");
      await log.close();
    },
  );

  test("says how far a group is behind, with or without members", TIMEOUT, async () => {
    const { log, raw, totals, group } = await fresh(1);
    await publish(log, raw, ["a", "b", "c"]);
    assert.deepEqual(await log.groupLag(group, raw), [
      { partition: 0, committedOffset: null, lagRecords: 3 },
    ]);
    const handle = await log.process({ topic: raw, group }, counting(totals, "w"));
    await eventually(async () => (await read(log, totals)).length === 3);
    await handle.stop();
    assert.deepEqual(await log.groupLag(group, raw), [{ partition: 0, committedOffset: 3, lagRecords: 0 }]);
    await log.close();
  });

  test("what is published while a broker is away is there when it is back", TIMEOUT, async () => {
    const logger = recordingLogger();
    const { raw, totals, group, log: admin } = await fresh(2);
    await admin.close();
    const log = openLog(broker.brokers, { logger });
    const producer = await log.producer();
    const handle: ProcessHandle = await log.process({ topic: raw, group }, counting(totals, "w"));
    const seen: LogRecord[] = [];
    const stop = new AbortController();
    const reading = (async (): Promise<void> => {
      for await (const { records } of log.read({ topics: [totals], from: "earliest", signal: stop.signal }))
        seen.push(...records);
    })();
    await producer.publish([{ topic: raw, key: "before", value: "1", partition: 0 }]);
    assert.equal(await log.partitionCount(raw), 2);
    await eventually(() => seen.length === 1);
    assert.deepEqual(log.health(), { ok: true, reason: null });

    await broker.kill(1);
    const during = producer.publish(
      Array.from({ length: 100 }, (_, index) => ({
        topic: raw,
        key: `k${index}`,
        value: "1",
        partition: index % 2,
      })),
    );
    await eventually(() => !log.health().ok);
    assert.equal(await log.partitionCount(raw), 2, "the last count known");
    assert.match(log.health().reason ?? "", /^Kafka does not answer\. The log says which broker, and why\.$/);
    // A whole minute is in test/integration/outage.
    await delay(3_000);
    await broker.restart(1);
    await during;
    await eventually(() => seen.length === 101);
    await eventually(() => log.health().ok);
    assert.equal(new Set(seen.map(({ key }) => key)).size, 101);
    await eventually(() => logger.events.some(({ event }) => event === "kafka.available"));
    const lines = logger.events.filter(({ event }) => event.startsWith("kafka."));
    assert.deepEqual(
      lines.map(({ level, event }) => [level, event]),
      [
        ["warn", "kafka.unavailable"],
        ["info", "kafka.available"],
      ],
    );
    stop.abort();
    await reading;
    await handle.stop();
    await log.close();
  });
});

function counting(totals: string, value: string): Processor {
  return {
    async restore(_partition, history) {
      for await (const _records of history);
    },
    process: (_partition, records) =>
      records.map((record) => ({ topic: totals, key: record.key, value, partitionKey: record.key ?? "" })),
    release() {},
  };
}

async function read(log: KafkaLog, topic: string): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for await (const batch of log.read({ topics: [topic], from: "earliest", until: "end" }))
    records.push(...batch.records);
  return records;
}

/** Polls a condition: another process, or the broker, gives no other sign. */
async function eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error("the condition did not come true within 60 s");
    await delay(50);
  }
}
