/** Read committed: what a reader sees of batches, markers and aborted transactions, however they are cut into answers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  committedRecords,
  type AbortedTransaction,
  type CommittedRecords,
} from "../../../src/log/kafka/committed-records.ts";
import { RecordBatch } from "../../../src/log/kafka/record-batch.ts";
import type { LogRecord } from "../../../src/ports.ts";
import { writeBatch } from "../../support/record-batches.ts";

const TRANSACTIONAL = 1 << 4;
const CONTROL = 1 << 5;

interface Batch {
  readonly first: number;
  readonly last: number;
  readonly bytes: Buffer;
}

function batch(offset: number, values: readonly string[], producerId = -1n, attributes = 0): Batch {
  const records = values.map((value, index) => ({
    key: null,
    value: Buffer.from(value),
    headers: new Map([[Buffer.from("schema"), Buffer.from("s")]]),
    timestampMs: 1000 + index,
  }));
  const bytes = writeBatch({ firstOffset: offset, records, producerId, attributes });
  return { first: offset, last: offset + values.length - 1, bytes };
}

function marker(offset: number, producerId: bigint, type: "abort" | "commit"): Batch {
  const key = Buffer.alloc(4);
  key.writeInt16BE(type === "abort" ? 0 : 1, 2);
  const records = [{ key, value: Buffer.alloc(6), headers: new Map<Buffer, Buffer>(), timestampMs: 1000 }];
  const bytes = writeBatch({ firstOffset: offset, records, producerId, attributes: TRANSACTIONAL | CONTROL });
  return { first: offset, last: offset, bytes };
}

const read = (batches: readonly Batch[]): RecordBatch[] =>
  batches.map(({ bytes }) => new RecordBatch(bytes, false));

const values = (batches: readonly Batch[], aborted: readonly AbortedTransaction[], from = 0): string[] =>
  all(committedRecords("t", 0, from, read(batches), aborted)).map((record) => record.value?.toString() ?? "");

const all = (committed: CommittedRecords): LogRecord[] =>
  [...committed.chunks(Infinity)].flatMap(({ records }) => records);

test("drops an aborted transaction whose marker lies in a later answer", () => {
  const first = [batch(0, ["a"]), batch(1, ["aborted"], 7n, TRANSACTIONAL)];
  assert.deepEqual(values(first, [{ producerId: 7n, firstOffset: 1n }]), ["a"]);
});

test("drops every aborted transaction of a producer, and none of its committed ones between them", () => {
  const batches = [
    batch(0, ["aborted 1"], 7n, TRANSACTIONAL),
    marker(1, 7n, "abort"),
    batch(2, ["kept"], 7n, TRANSACTIONAL),
    marker(3, 7n, "commit"),
    batch(4, ["aborted 2"], 7n, TRANSACTIONAL),
    marker(5, 7n, "abort"),
    batch(6, ["kept too"], 7n, TRANSACTIONAL),
  ];
  const aborted = [
    { producerId: 7n, firstOffset: 4n },
    { producerId: 7n, firstOffset: 0n },
  ];
  assert.deepEqual(values(batches, aborted), ["kept", "kept too"]);
});

test("goes on after markers, and begins where it was asked to inside a batch", () => {
  const result = committedRecords("t", 3, 1, read([batch(0, ["a", "b"]), marker(2, 7n, "commit")]), []);
  assert.equal(result.nextOffset, 3);
  const [only, ...more] = all(result);
  assert.deepEqual(more, []);
  assert.equal(only?.value?.toString(), "b");
  assert.deepEqual([only?.topic, only?.partition, only?.offset, only?.key], ["t", 3, 1, null]);
  assert.deepEqual([only?.headers, only?.timestampMs], [{ schema: "s" }, 1001]);
});

test("chunks hold every record once, in order, and the last one goes on behind the markers", () => {
  const sizes = fc.array(fc.record({ size: fc.integer({ min: 1, max: 5 }), marker: fc.boolean() }), {
    maxLength: 8,
  });
  fc.assert(
    fc.property(sizes, fc.integer({ min: 1, max: 9 }), fc.nat({ max: 12 }), (list, mostRecords, from) => {
      let offset = 0;
      const batches = list.flatMap(({ size, marker: marked }) => {
        const texts = Array.from({ length: size }, (_, index) => String(offset + index));
        const own = [batch(offset, texts), ...(marked ? [marker(offset + size, 7n, "commit")] : [])];
        offset += size + (marked ? 1 : 0);
        return own;
      });
      const committed = committedRecords("t", 0, from, read(batches), []);
      const chunks = [...committed.chunks(mostRecords)];
      assert.deepEqual(
        chunks.flatMap(({ records }) => records.map((record) => record.offset)),
        all(committed).map((record) => record.offset),
      );
      for (const { records, nextOffset } of chunks) {
        assert.ok(records.length > 0 && records.length < mostRecords + 5);
        assert.ok(nextOffset > (records.at(-1)?.offset ?? Infinity));
      }
      const last = chunks.at(-1);
      if (last?.records.at(-1)?.offset === offset - 1) assert.equal(last.nextOffset, committed.nextOffset);
    }),
  );
});

test("however a log is cut into answers, exactly its committed records are seen, in order", () => {
  const transaction = fc.record({
    producer: fc.constantFrom(1n, 2n, 3n),
    size: fc.integer({ min: 1, max: 3 }),
    committed: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(transaction, { maxLength: 20 }), fc.nat(1000), (transactions, seed) => {
      const batches: Batch[] = [];
      const aborted: { producerId: bigint; firstOffset: bigint; lastOffset: number }[] = [];
      const expected: string[] = [];
      let offset = 0;
      for (const { producer, size, committed } of transactions) {
        const names = Array.from({ length: size }, (_, index) => `${offset + index}`);
        batches.push(batch(offset, names, producer, TRANSACTIONAL));
        if (committed) expected.push(...names);
        else aborted.push({ producerId: producer, firstOffset: BigInt(offset), lastOffset: offset + size });
        offset += size;
        batches.push(marker(offset, producer, committed ? "commit" : "abort"));
        offset += 1;
      }
      // Cut at arbitrary places; the broker names the aborted transactions that overlap each answer.
      const seen: string[] = [];
      for (let start = 0, step = seed; start < batches.length; step = (step * 7 + 3) % 1009) {
        const answer = batches.slice(start, start + 1 + (step % 4));
        start += answer.length;
        const from = answer[0]?.first ?? 0;
        const to = answer.at(-1)?.last ?? 0;
        const overlapping = aborted.filter(
          (each) => Number(each.firstOffset) <= to && each.lastOffset >= from,
        );
        seen.push(...values(answer, overlapping, from));
      }
      assert.deepEqual(seen, expected);
    }),
  );
});
