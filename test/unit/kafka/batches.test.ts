/** How records become batches, and what is sent again when a broker takes only some of them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ResponseError } from "@platformatic/kafka";
import { type Batch, batchesOf, sendHeads, Sequences } from "../../../src/log/kafka/batches.ts";
import type { KafkaClient } from "../../../src/log/kafka/client.ts";
import type { ProduceRecord } from "../../../src/ports.ts";

const IDENTITY = { producerId: 1n, producerEpoch: 0, compression: "gzip" } as const;
const TOO_LARGE = 10;
const PRODUCE = 0;

/** One broker with one topic; takes batches of at most `most` records and remembers them. */
class FakeBroker {
  readonly taken: { readonly keys: readonly string[]; readonly sequence: number }[] = [];
  readonly #most: number;

  constructor(most = Infinity) {
    this.#most = most;
  }

  get client(): KafkaClient {
    const client = {
      topic: () => Promise.resolve({ id: "t", partitionCount: 2, leaders: [1, 1] }),
      call: (_target: unknown, _name: unknown, ...args: readonly unknown[]) => this.#produce(args),
    };
    return client as unknown as KafkaClient;
  }

  #produce(args: readonly unknown[]): Promise<unknown> {
    const records = args[2] as { key: Buffer; partition: number }[];
    const { sequences } = args[3] as { sequences: ReadonlyMap<string, number> };
    let refused = false;
    const parts = [...Map.groupBy(records, ({ partition }) => partition)].map(([index, list]) => {
      if (list.length > this.#most) {
        refused = true;
        return { index, errorCode: TOO_LARGE, baseOffset: -1n };
      }
      const sequence = sequences.get(`t:${index}`) ?? -1;
      this.taken.push({ keys: list.map(({ key }) => key.toString()), sequence });
      return { index, errorCode: 0, baseOffset: BigInt(sequence) };
    });
    const answer = { responses: [{ name: "t", partitionResponses: parts }] };
    if (!refused) return Promise.resolve(answer);
    const errors = { "/responses/0/partitions/0": [TOO_LARGE, null] as [number, null] };
    return Promise.reject(
      new ResponseError(PRODUCE, 9, errors, answer as unknown as Record<string, unknown>),
    );
  }
}

const record = (key: string, more: Partial<ProduceRecord> = {}): ProduceRecord => {
  return { topic: "t", key, value: "1", partition: 0, timestampMs: 0, ...more };
};
const keysOf = (batch: Batch): string[] => batch.records.map(({ key }) => key?.toString() ?? "");

test("a batch ends where times are 2^31 ms apart, and order stays", async () => {
  const day = 86_400_000;
  const times = [0, 24 * day, 2 ** 31 - 1, 2 ** 31, 2 ** 31 + 1, 0];
  const records = times.map((timestampMs, index) => record(`k${index}`, { timestampMs }));
  const batches = await batchesOf(new FakeBroker().client, records);
  assert.deepEqual(batches.map(keysOf), [["k0", "k1", "k2"], ["k3", "k4"], ["k5"]]);
});

test("a batch holds no more than a broker takes by default, and a record larger than that goes alone", async () => {
  const value = (bytes: number): Partial<ProduceRecord> => ({ value: "x".repeat(bytes) });
  const records = [record("a", value(500_000)), record("b", value(500_000)), record("c", value(2_000_000))];
  assert.deepEqual((await batchesOf(new FakeBroker().client, records)).map(keysOf), [["a"], ["b"], ["c"]]);
});

test("a batch that is too large for its topic is sent in halves, in order, with its own sequence numbers", async () => {
  const broker = new FakeBroker(2);
  const keys = Array.from({ length: 7 }, (_, index) => `k${index}`);
  const waiting = await batchesOf(
    broker.client,
    keys.map((key) => record(key)),
  );
  const sequences = new Sequences();
  while (waiting.length > 0) await sendHeads(broker.client, waiting, sequences, IDENTITY);
  assert.deepEqual(
    broker.taken.flatMap((batch) => batch.keys),
    keys,
  );
  let next = 0;
  for (const { keys: sent, sequence } of broker.taken) {
    assert.equal(sequence, next);
    next += sent.length;
  }
});

test("a record that is too large by itself is an error, and what others took stays taken", async () => {
  const broker = new FakeBroker(0);
  const waiting = await batchesOf(broker.client, [record("huge")]);
  await assert.rejects(sendHeads(broker.client, waiting, new Sequences(), IDENTITY), ResponseError);
  assert.equal(waiting.length, 1);
});
