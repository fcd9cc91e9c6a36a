/** How records become batches, and what is sent again when a broker takes only some of them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ResponseError } from "@platformatic/kafka";
import fc from "fast-check";
import { type Batch, batchesOf, type ProducerIdentity, Sequences } from "../../../src/log/kafka/batches.ts";
import { sendHeads } from "../../../src/log/kafka/send-batches.ts";
import type { KafkaClient } from "../../../src/log/kafka/client.ts";
import type { ProduceRecord } from "../../../src/ports.ts";

const IDENTITY = { producerId: 1n, producerEpoch: 0, compression: "gzip" } as const;
const [TOO_LARGE, INVALID_TIMESTAMP, INVALID_RECORD] = [10, 32, 87];
const PRODUCE = 0;
const NOW_MS = 1_790_000_000_000;
const HOUR = 3_600_000;

interface Wire {
  readonly key: Buffer;
  readonly partition: number;
  readonly timestamp: bigint;
}
type Judge = (records: readonly Wire[]) => { code: number; named?: readonly number[] } | null;

/** One broker with one topic of two partitions; remembers what it takes, checks sequence numbers as Kafka does. */
class FakeBroker {
  readonly taken: { readonly key: string; readonly timestampMs: number }[] = [];
  readonly refused: [string, string][] = [];
  readonly #judge: Judge;
  readonly #next = [0, 0];

  constructor(judge: Judge = () => null) {
    this.#judge = judge;
  }

  get client(): KafkaClient {
    const client = {
      topic: (name: string) =>
        Promise.resolve(name === "t" ? { id: "t", partitionCount: 2, leaders: [1, 1] } : null),
      call: (_target: unknown, _name: unknown, ...args: readonly unknown[]) => this.#produce(args),
    };
    return client as unknown as KafkaClient;
  }

  async batches(records: readonly ProduceRecord[], skipMissing = false): Promise<Batch[]> {
    const onRefused = ({ key }: ProduceRecord, why: string): number => this.refused.push([key ?? "", why]);
    return batchesOf(this.client, records, { nowMs: NOW_MS, onRefused, skipMissing });
  }

  /** Sends all, as a producer does. */
  async send(records: readonly ProduceRecord[], identity: ProducerIdentity = IDENTITY): Promise<void> {
    const waiting = await this.batches(records);
    const sequences = new Sequences();
    const onRefused = ({ key }: ProduceRecord, why: string): number => this.refused.push([key ?? "", why]);
    while (waiting.length > 0)
      await sendHeads(waiting, { client: this.client, sequences, identity, nowMs: NOW_MS, onRefused });
  }

  #produce(args: readonly unknown[]): Promise<unknown> {
    const records = args[2] as Wire[];
    const { sequences } = args[3] as { sequences: ReadonlyMap<string, number> };
    const errors: Record<string, [number, null]> = {};
    const parts = [...Map.groupBy(records, ({ partition }) => partition)].map(([index, list]) => {
      const judged = this.#judge(list);
      if (judged !== null) {
        errors[`/responses/0/partitions/${index}`] = [judged.code, null];
        const recordErrors = (judged.named ?? []).map((batchIndex) => ({ batchIndex }));
        return { index, errorCode: judged.code, baseOffset: -1n, recordErrors };
      }
      const sequence = sequences.get(`t:${index}`) ?? -1;
      assert.equal(sequence, this.#next[index], "sequence numbers have no holes");
      this.#next[index] = sequence + list.length;
      for (const { key, timestamp } of list)
        this.taken.push({ key: key.toString(), timestampMs: Number(timestamp) });
      return { index, errorCode: 0, baseOffset: BigInt(sequence), recordErrors: [] };
    });
    const answer = { responses: [{ name: "t", partitionResponses: parts }] };
    if (Object.keys(errors).length === 0) return Promise.resolve(answer);
    return Promise.reject(
      new ResponseError(PRODUCE, 9, errors, answer as unknown as Record<string, unknown>),
    );
  }
}

const record = (key: string, more: Partial<ProduceRecord> = {}): ProduceRecord => {
  return { topic: "t", key, value: "1", partition: 0, timestampMs: 0, ...more };
};
const keysOf = (batch: Batch): string[] => batch.records.map(({ key }) => key?.toString() ?? "");
/** As Kafka's log.message.timestamp.before.max.ms and .after.max.ms: names whom it refuses, or does not. */
const timely =
  (names: boolean): Judge =>
  (records) => {
    const named = records.flatMap(({ timestamp }, index) =>
      Math.abs(Number(timestamp) - NOW_MS) > HOUR ? [index] : [],
    );
    return named.length === 0 ? null : { code: INVALID_TIMESTAMP, ...(names ? { named } : {}) };
  };

test("a batch ends where times are 2^31 ms apart, and order stays", async () => {
  const day = 86_400_000;
  const times = [0, 24 * day, 2 ** 31 - 1, 2 ** 31, 2 ** 31 + 1, 0];
  const records = times.map((timestampMs, index) => record(`k${index}`, { timestampMs }));
  const batches = await new FakeBroker().batches(records);
  assert.deepEqual(batches.map(keysOf), [["k0", "k1", "k2"], ["k3", "k4"], ["k5"]]);
});

test("a batch holds no more than a broker takes by default, and a record larger than that goes alone", async () => {
  const value = (bytes: number): Partial<ProduceRecord> => ({ value: "x".repeat(bytes) });
  const records = [record("a", value(500_000)), record("b", value(500_000)), record("c", value(2_000_000))];
  assert.deepEqual((await new FakeBroker().batches(records)).map(keysOf), [["a"], ["b"], ["c"]]);
});

test("a record without a time has that of the clock it was given", async () => {
  const broker = new FakeBroker();
  await broker.send([{ topic: "t", key: "a", value: "1", partition: 0 }]);
  assert.deepEqual(broker.taken, [{ key: "a", timestampMs: NOW_MS }]);
});

test("a batch that is too large for its topic is sent in halves, in order, with its own sequence numbers", async () => {
  const broker = new FakeBroker((records) => (records.length > 2 ? { code: TOO_LARGE } : null));
  const keys = Array.from({ length: 7 }, (_, index) => `k${index}`);
  await broker.send(keys.map((key) => record(key)));
  assert.deepEqual(
    broker.taken.map(({ key }) => key),
    keys,
  );
});

test("whatever records are refused, exactly those are told of, and the others are written in order", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.boolean(), fc.constantFrom(0, 1)), { maxLength: 40 }),
      fc.constantFrom(TOO_LARGE, INVALID_RECORD, INVALID_TIMESTAMP),
      fc.boolean(),
      async (list, code, names) => {
        const records = list.map(([bad, partition], index) =>
          record(`${bad ? "bad" : "good"} ${index}`, { partition, timestampMs: NOW_MS + 2 * HOUR }),
        );
        const broker = new FakeBroker((batch) => {
          const named = batch.flatMap(({ key }, index) => (key.toString().startsWith("bad") ? [index] : []));
          return named.length === 0 ? null : { code, ...(names ? { named } : {}) };
        });
        await broker.send(records);
        for (const partition of [0, 1]) {
          const wanted = records.filter((each) => each.partition === partition).map(({ key }) => key ?? "");
          const taken = broker.taken.map(({ key }) => key).filter((key) => wanted.includes(key));
          assert.deepEqual(
            taken,
            wanted.filter((key) => key.startsWith("good")),
          );
          assert.deepEqual(
            broker.refused.map(([key]) => key).filter((key) => wanted.includes(key)),
            wanted.filter((key) => key.startsWith("bad")),
          );
        }
      },
    ),
  );
});

for (const names of [true, false]) {
  const how = names ? "by name" : "without saying which";
  test(`an observation older than the topic takes is written at the present, refused ${how}`, async () => {
    const broker = new FakeBroker(timely(names));
    const times = [NOW_MS, NOW_MS - 40 * 24 * HOUR, NOW_MS - 1];
    await broker.send(times.map((timestampMs, index) => record(`k${index}`, { timestampMs })));
    assert.deepEqual(broker.taken, [
      { key: "k0", timestampMs: NOW_MS },
      { key: "k1", timestampMs: NOW_MS },
      { key: "k2", timestampMs: NOW_MS - 1 },
    ]);
    assert.deepEqual(broker.refused, []);
  });

  test(`an observation from the future is refused, totals and rejects are written at the present, ${how}`, async () => {
    const ahead = { timestampMs: NOW_MS + 2 * HOUR };
    const broker = new FakeBroker(timely(names));
    await broker.send([record("raw", ahead), record("reject", { ...ahead, expendable: true })]);
    assert.deepEqual(broker.refused, [["raw", "INVALID_TIMESTAMP"]]);
    await broker.send([]);
    const other = new FakeBroker(timely(names));
    await other.send([record("totals", ahead)], { ...IDENTITY, transactionalId: "id" });
    assert.deepEqual(
      [...broker.taken, ...other.taken],
      [
        { key: "reject", timestampMs: NOW_MS },
        { key: "totals", timestampMs: NOW_MS },
      ],
    );
  });
}

test("a record for a partition that is not there any more is told of, and the others are written", async () => {
  const broker = new FakeBroker();
  await broker.send([record("gone", { partition: 7 }), record("there")]);
  assert.deepEqual(broker.refused, [["gone", "topic t has no partition 7"]]);
  assert.deepEqual(
    broker.taken.map(({ key }) => key),
    ["there"],
  );
});

test("a missing topic is waited for, and only what may be left out is left out after that", async () => {
  const broker = new FakeBroker();
  const reject = record("reject", { topic: "rejects", expendable: true });
  await assert.rejects(broker.batches([reject]), /Topic rejects does not exist/);
  assert.deepEqual((await broker.batches([record("a"), reject], true)).map(keysOf), [["a"]]);
  assert.deepEqual(broker.refused, [["reject", "topic rejects does not exist"]]);
  await assert.rejects(
    broker.batches([record("a", { topic: "totals" })], true),
    /Topic totals does not exist/,
  );
});
