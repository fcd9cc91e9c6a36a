/**
 * What @platformatic/kafka does on a real broker that we cannot live with, and that ours does not (decision 0010).
 * When a "the client …" test fails after an upgrade, the defect is mended there and the reason to avoid it is gone.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  Consumer,
  FetchIsolationLevels,
  MessagesStreamModes,
  Producer,
  stringDeserializers,
  stringSerializers,
} from "@platformatic/kafka";
import type { RunningBroker } from "../../../infra/kafka/broker.ts";
import { partitionOf } from "../../../src/record/partitioning.ts";
import { KafkaClient } from "../../../src/log/kafka/client.ts";
import { Connectivity } from "../../../src/log/kafka/connectivity.ts";
import { isFenced } from "../../../src/log/kafka/errors.ts";
import { PartitionTransactions } from "../../../src/log/kafka/transaction.ts";
import { systemClock } from "../../../src/telemetry/system-clock.ts";
import { accessTo, openLog, recordingLogger, startTestBroker } from "../../support/kafka.ts";

const NO_GROUP = { group: "nobody", generationId: -1, memberId: "", instanceId: null };

describe("the Kafka client's defects, on a real broker", { timeout: 180_000 }, () => {
  let broker: RunningBroker;
  before(async () => (broker = await startTestBroker()));
  after(async () => broker.stop());

  async function topic(name: string, partitions: number): Promise<string> {
    const log = openLog(broker.brokers);
    await log.createTopics([{ topic: name, partitions, replicationFactor: 1, cleanupPolicy: "delete" }]);
    await log.close();
    return name;
  }

  async function read(name: string): Promise<{ key: string | null; partition: number; value: string }[]> {
    const log = openLog(broker.brokers);
    const found = [];
    for await (const { records } of log.read({ topics: [name], from: "earliest", until: "end" }))
      for (const { key, partition, value } of records)
        found.push({ key, partition, value: value?.toString() ?? "" });
    await log.close();
    return found;
  }

  function producer(extra: object = {}): Producer<string, string, string, string> {
    return new Producer({
      clientId: "defects",
      bootstrapBrokers: [...broker.brokers],
      serializers: stringSerializers,
      idempotent: true,
      retries: 2,
      retryDelay: 50,
      ...extra,
    });
  }

  test("our partitions are the ones that Kafka's own Java client chooses, at three partitions too", async () => {
    const name = await topic("java-partitions", 3);
    const keys = [
      "velib:75016",
      "velib:93200",
      "é",
      "a",
      "",
      ...Array.from({ length: 40 }, (_, i) => `k${i}`),
    ];
    broker.tool(
      "org.apache.kafka.tools.ConsoleProducer",
      [
        "--bootstrap-server",
        broker.brokers[0] ?? "",
        "--topic",
        name,
        "--reader-property",
        "parse.key=true",
        "--reader-property",
        "key.separator=|",
      ],
      { input: keys.map((key) => `${key}|v\n`).join("") },
    );
    const records = await read(name);
    assert.equal(records.length, keys.length);
    for (const { key, partition } of records) assert.equal(partition, partitionOf(key ?? "", 3), key ?? "");
  });

  test("the client's default partitioner leaves Java's at counts that are no power of two", async () => {
    const name = await topic("client-partitions", 3);
    const client = producer();
    const keys = Array.from({ length: 60 }, (_, index) => `k${index}`);
    await client.send({ messages: keys.map((key) => ({ topic: name, key, value: "v" })) });
    await client.close();
    const wrong = (await read(name)).filter(({ key, partition }) => partition !== partitionOf(key ?? "", 3));
    assert.ok(wrong.length > 0, "the client now partitions as Java does");
  });

  test("the client lets records of an aborted transaction through when their marker comes in a later answer", async () => {
    const name = await topic("aborted", 1);
    const client = producer({ transactionalId: "aborting", producerId: -1n, producerEpoch: -1 });
    const value = "x".repeat(30_000);
    const aborting = await client.beginTransaction();
    for (let index = 0; index < 20; index += 1)
      await aborting.send({ messages: [{ topic: name, key: `aborted ${index}`, value }] });
    await aborting.abort();
    const committing = await client.beginTransaction();
    await committing.send({ messages: [{ topic: name, key: "committed", value: "v" }] });
    await committing.commit();
    await client.close();

    const consumer = new Consumer({
      clientId: "defects",
      groupId: "defects",
      bootstrapBrokers: [...broker.brokers],
      deserializers: stringDeserializers,
      isolationLevel: FetchIsolationLevels.READ_COMMITTED,
      // Small answers: the marker is not in the first one.
      maxBytes: 64 * 1024,
    });
    const stream = await consumer.consume({
      topics: [name],
      mode: MessagesStreamModes.EARLIEST,
      autocommit: false,
    });
    const leaked: string[] = [];
    for await (const message of stream) {
      if (message.key === "committed") break;
      leaked.push(message.key);
    }
    await consumer.close(true);
    assert.ok(leaked.length > 0, "the client now filters aborted transactions across answers");
    assert.deepEqual(
      (await read(name)).map(({ key }) => key),
      ["committed"],
      "ours sees the committed record alone",
    );
  });

  test("a transactional id that was used before is opened again at once, and its older holder is fenced", async () => {
    const name = await topic("fencing", 1);
    const connectivity = new Connectivity({
      clock: systemClock,
      logger: recordingLogger(),
      brokers: broker.brokers,
    });
    const client = new KafkaClient(accessTo(broker.brokers));
    const options = {
      client,
      connectivity,
      clock: systemClock,
      role: "test",
      transactionalId: "fencing-0",
      compression: "gzip",
    } as const;
    const write = (key: string): [{ topic: string; key: string; value: string; partition: number }] => [
      { topic: name, key, value: "v", partition: 0 },
    ];
    const at = { topic: name, partition: 0, nextOffset: 1 };
    const signal = new AbortController().signal;
    const first = await PartitionTransactions.open(options, signal);
    await first.commit(write("first"), at, NO_GROUP);
    const second = await PartitionTransactions.open(options, signal);
    await assert.rejects(first.commit(write("zombie"), at, NO_GROUP), isFenced);
    await second.commit(write("second"), at, NO_GROUP);
    const third = await PartitionTransactions.open(options, signal);
    await third.commit(write("third"), at, NO_GROUP);
    await client.close();
    assert.deepEqual(
      (await read(name)).map(({ key }) => key),
      ["first", "second", "third"],
    );
  });

  test("the client's transactional producer is refused after a restart unless told producer id -1", async () => {
    const name = await topic("restarted", 1);
    const once = async (extra: object): Promise<void> => {
      const client = producer({ transactionalId: "restarted", retries: 0, ...extra });
      try {
        const transaction = await client.beginTransaction();
        await transaction.send({ messages: [{ topic: name, key: "k", value: "v" }] });
        await transaction.commit();
      } finally {
        await client.close();
      }
    };
    await once({ producerId: -1n, producerEpoch: -1 });
    await once({ producerId: -1n, producerEpoch: -1 });
    await assert.rejects(once({}), "the client now asks for its producer id as it should");
  });
});
