/** Clients that are not ours, without extras, on topics that velostream wrote. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Kafka, logLevel } from "kafkajs";
import type { RunningBroker } from "../../../infra/kafka/broker.ts";
import type { Compression } from "../../../src/log/kafka/batches.ts";
import { topicSpecs } from "../../../src/log/topics.ts";
import { openLog, startTestBroker } from "../../support/kafka.ts";

const RECORDS = 200;

describe("what others read and write", () => {
  let broker: RunningBroker;

  before(async () => {
    broker = await startTestBroker();
  });

  after(async () => broker.stop());

  async function written(name: string, compression: Compression | null): Promise<string> {
    const log = openLog(broker.brokers, compression === null ? {} : { compression });
    const topics = { raw: name, totals: `${name}-totals`, rejects: `${name}-rejects` };
    await log.createTopics(topicSpecs(topics, { partitions: 1, replicationFactor: 1 }));
    const producer = await log.producer();
    await producer.publish(
      Array.from({ length: RECORDS }, (_, index) => ({
        topic: name,
        key: `velib:${index}`,
        value: JSON.stringify({ station_id: index, nbr_total: index % 7 }),
        partition: 0,
      })),
    );
    await producer.close();
    await log.close();
    return name;
  }

  const kafkajs = (): Kafka =>
    new Kafka({ brokers: [...broker.brokers], logLevel: logLevel.NOTHING, retry: { retries: 8 } });

  /** What kafkajs, which has gzip and no other codec, reads of a topic; or its error. */
  async function readByKafkajs(topic: string): Promise<number | Error> {
    const consumer = kafkajs().consumer({ groupId: `reads-${topic}` });
    try {
      await consumer.connect();
      await consumer.subscribe({ topic, fromBeginning: true });
      return await new Promise<number | Error>((resolve, reject) => {
        let count = 0;
        consumer.on(consumer.events.CRASH, ({ payload }) => resolve(payload.error));
        consumer
          .run({
            eachMessage: async () => {
              count += 1;
              if (count === RECORDS) resolve(count);
            },
          })
          .catch(reject);
      });
    } finally {
      await consumer.disconnect();
    }
  }

  test("a client without extra packages reads what is written by default, and with none and gzip", async () => {
    for (const compression of [null, "none", "gzip"] as const)
      assert.equal(await readByKafkajs(await written(`read-${compression}`, compression)), RECORDS);
  });

  test("the option is what is written: zstd and lz4 are read by us, and not by a client without their codecs", async () => {
    for (const compression of ["lz4", "zstd"] as const) {
      const topic = await written(`packed-${compression}`, compression);
      const refused = await readByKafkajs(topic);
      assert.ok(refused instanceof Error);
      assert.match(refused.message, new RegExp(compression, "i"));
      const log = openLog(broker.brokers);
      let count = 0;
      for await (const { records } of log.read({ topics: [topic], from: "earliest", until: "end" }))
        count += records.length;
      await log.close();
      assert.equal(count, RECORDS);
    }
  });

  test("a record without a key is refused by a compacted topic, and taken by one that is not", async () => {
    const topic = await written("compacted", null);
    const producer = kafkajs().producer();
    await producer.connect();
    const keyless = { messages: [{ key: null, value: '{"stationCode":"16107"}' }] };
    await assert.rejects(producer.send({ topic, ...keyless }));
    await kafkajs()
      .admin()
      .createTopics({ topics: [{ topic: "plain", numPartitions: 1 }] });
    await producer.send({ topic: "plain", ...keyless });
    await producer.disconnect();
  });
});
