/** Topics on a cluster: one that was just made is there for everybody, one that is missing is said to be. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { RunningBroker } from "../../../infra/kafka/broker.ts";
import type { KafkaLog } from "../../../src/log/kafka/kafka-log.ts";
import type { LogRecord, TopicSpec } from "../../../src/ports.ts";
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

  test("one that is missing is said to be by whoever watches it, with what to do", TIMEOUT, async () => {
    const brokers = ["--brokers", broker.brokers.join(",")];
    const { exitCode, stderr } = await velostream(["watch", "totals", ...brokers, "--json"]).finished;
    assert.equal(exitCode, 78, stderr);
    assert.match(stderr, /the topic does not exist\. Make it with `velostream topics create`/);
  });
});

async function readAll(log: KafkaLog, topic: string): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for await (const batch of log.read({ topics: [topic], from: "earliest", until: "end" }))
    records.push(...batch.records);
  return records;
}
