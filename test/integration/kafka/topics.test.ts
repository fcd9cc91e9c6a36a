/** Topics on a cluster: one that was just made is there for everybody, one that is missing is said to be. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { RunningBroker } from "../../../infra/kafka/broker.ts";
import type { KafkaLog } from "../../../src/log/kafka/kafka-log.ts";
import type { LogRecord, ReadBatch, TopicSpec } from "../../../src/ports.ts";
import { openLog, startTestBroker } from "../../support/kafka.ts";
import { velostream } from "../../support/velostream.ts";

const TIMEOUT = { timeout: 120_000 };
/** Without waiting, three in ten of these reads met a broker that had not heard of the topic yet. */
const TOPICS = 30;

describe("topics on three nodes", { timeout: 300_000 }, () => {
  let broker: RunningBroker;
  before(async () => (broker = await startTestBroker({ nodes: 3 })), TIMEOUT);
  after(async () => broker.stop(), TIMEOUT);

  const node = (index: number): KafkaLog => openLog([broker.brokers[index % 3] ?? ""]);
  const spec = (topic: string): TopicSpec => {
    return { topic, partitions: 3, replicationFactor: 1, cleanupPolicy: "compact" };
  };

  test("one that was made can be used at every broker at once", TIMEOUT, async () => {
    const logs = [node(0), node(1), node(2)];
    for (let index = 0; index < TOPICS; index += 1) {
      const topic = `made-${index}`;
      const [report] = (await logs[index % 3]?.createTopics([spec(topic)])) ?? [];
      assert.equal(report?.created, true);
      const other = logs[(index + 1) % 3];
      assert.ok(other !== undefined);
      assert.equal(await other.partitionCount(topic), 3);
      assert.deepEqual(await readAll(other, topic), []);
    }
    for (const log of logs) await log.close();
  });

  test("a reader waits for one that someone else is making just now", TIMEOUT, async () => {
    const [reader, maker] = [node(0), node(1)];
    const reading = readAll(reader, "late");
    await maker.createTopics([spec("late")]);
    assert.deepEqual(await reading, []);
    assert.deepEqual(reader.health(), { ok: true, reason: null });
    await reader.close();
    await maker.close();
  });

  test("one that is made anew while it is read is read from its start", TIMEOUT, async () => {
    const log = node(0);
    const stop = new AbortController();
    await log.createTopics([spec("anew")]);
    await write(log, "anew", ["old 1", "old 2"]);
    const batches = log.read({ topics: ["anew"], from: "earliest", signal: stop.signal });
    const reading = batches[Symbol.asyncIterator]();
    const read: string[] = [];
    const until = async (last: string): Promise<void> => {
      while (read.at(-1) !== last) {
        const { value } = (await reading.next()) as { value: ReadBatch };
        read.push(...value.records.map((record) => record.value?.toString() ?? ""));
      }
    };
    await until("old 2");
    // The reader rests meanwhile: the offset it is at is one of the new topic, too.
    const bootstrap = ["--bootstrap-server", broker.brokers.join(",")];
    broker.tool("org.apache.kafka.tools.TopicCommand", [...bootstrap, "--delete", "--topic", "anew"]);
    const again = node(1);
    while ((await again.createTopics([spec("anew")]))[0]?.created !== true);
    const values = ["new 1", "new 2", "new 3", "new 4", "new 5"];
    await write(again, "anew", values);
    await until("new 5");
    assert.deepEqual(read, ["old 1", "old 2", ...values]);
    stop.abort();
    await reading.return?.(undefined);
    await log.close();
    await again.close();
  });

  test("one that is missing is said to be by whoever watches it, with what to do", TIMEOUT, async () => {
    const brokers = ["--brokers", broker.brokers.join(",")];
    const { exitCode, stderr } = await velostream(["watch", "totals", ...brokers, "--json"]).finished;
    assert.equal(exitCode, 78, stderr);
    assert.match(stderr, /the topic does not exist\. Make it with `velostream topics create`/);
  });
});

test("clients go on when their broker comes back older than it went", { timeout: 200_000 }, async () => {
  const newer = await startTestBroker();
  const [address = ""] = newer.brokers;
  const log = openLog([address]);
  const topic = { topic: "kept", partitions: 1, replicationFactor: 1, cleanupPolicy: "compact" } as const;
  await log.createTopics([topic]);
  const producer = await log.producer();
  const publish = async (key: string): Promise<void> =>
    producer.publish([{ topic: "kept", key, value: key, partition: 0 }]);
  await publish("before");
  const read: (string | null)[] = [];
  const stop = new AbortController();
  const reading = (async (): Promise<void> => {
    const batches = log.read({ topics: ["kept"], from: "earliest", signal: stop.signal });
    for await (const { records } of batches) read.push(...records.map(({ key }) => key));
  })();
  await newer.stop();
  const older = await startTestBroker({ version: "3.6.1", port: Number(address.split(":")[1]) });
  try {
    const maker = openLog([address]);
    await maker.createTopics([topic]);
    await maker.close();
    await publish("after");
    while (read.at(-1) !== "after") await new Promise((resolve) => setImmediate(resolve));
    stop.abort();
    await reading;
  } finally {
    await log.close();
    await older.stop();
  }
});

async function readAll(log: KafkaLog, topic: string): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for await (const batch of log.read({ topics: [topic], from: "earliest", until: "end" }))
    records.push(...batch.records);
  return records;
}

async function write(log: KafkaLog, topic: string, values: readonly string[]): Promise<void> {
  const producer = await log.producer();
  await producer.publish(values.map((value) => ({ topic, partition: 0, key: value, value })));
  await producer.close();
}
