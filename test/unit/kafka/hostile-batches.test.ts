/** Batches that a stranger made to be unreadable, or to be too much: each costs itself, and what follows is read. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { compressionsAlgorithms, type CompressionAlgorithmValue } from "@platformatic/kafka";
import fc from "fast-check";
import { committedRecords } from "../../../src/log/kafka/committed-records.ts";
import { decompress, UnfoldsTooFar } from "../../../src/log/kafka/decompress.ts";
import { readBatches } from "../../../src/log/kafka/record-batch.ts";
import type { LogRecord } from "../../../src/ports.ts";
import { sealed, writeBatch } from "../../support/record-batches.ts";

const CODECS = { gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;
const HEADER_BYTES = 61;
const COUNT_AT = 57;
const LENGTH_AT = 8;

const none = new Map<Buffer, Buffer>();
const plain = (firstOffset: number, value: string): Buffer =>
  writeBatch({
    firstOffset,
    records: [{ key: Buffer.from("k"), value: Buffer.from(value), headers: none, timestampMs: 1_000 }],
  });

/** A batch at offset 0 whose records are `bytes`, as `compression` says. */
function batchOf(bytes: Buffer, compression: number, count = 1): Buffer {
  const header = Buffer.from(plain(0, "x").subarray(0, HEADER_BYTES));
  const batch = Buffer.concat([header, bytes]);
  batch.writeInt32BE(batch.length - 12, LENGTH_AT);
  batch.writeInt16BE(compression, 21);
  batch.writeInt32BE(count, COUNT_AT);
  return sealed(batch);
}

/** What a reader sees of a hostile batch and a plain one behind it. */
function seen(hostile: Buffer): readonly LogRecord[] {
  const committed = committedRecords(
    "t",
    3,
    0,
    readBatches(Buffer.concat([hostile, plain(1, "next")]), true),
    [],
  );
  assert.equal(committed.nextOffset, 2, "its offsets are skipped");
  return [...committed.chunks(1_000)].flatMap(({ records }) => records);
}

function assertSkipped(hostile: Buffer, why: string): void {
  const [unreadable, next, ...more] = seen(hostile);
  assert.deepEqual([unreadable?.topic, unreadable?.partition, unreadable?.offset], ["t", 3, 0]);
  assert.deepEqual([unreadable?.key, unreadable?.value, unreadable?.unreadable], [null, null, why]);
  assert.equal(next?.value?.toString(), "next");
  assert.deepEqual(more, []);
}

describe("a batch that unfolds to 540 MiB", () => {
  const bomb = Buffer.alloc(540 * 1024 * 1024, " ");
  for (const [name, compression] of Object.entries(CODECS))
    test(`costs itself alone, and no memory, in ${name}`, () => {
      const folded = compressionsAlgorithms[name as CompressionAlgorithmValue].compressSync(bomb);
      const before = process.memoryUsage.rss();
      assertSkipped(batchOf(Buffer.from(folded), compression), "batch_too_large");
      assert.ok(process.memoryUsage.rss() - before < 100 * 1024 * 1024);
    });
});

test("what unfolds to the bound is read, what unfolds to one byte more is not, in every compression", () => {
  const texts = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 5_000 }),
    // Long matches and long literals, which lz4 writes in several bytes.
    fc
      .tuple(fc.uint8Array({ minLength: 1, maxLength: 700 }), fc.integer({ min: 1, max: 200 }))
      .map(([part, times]) => Buffer.concat(Array.from({ length: times }, () => part))),
  );
  fc.assert(
    fc.property(texts, fc.constantFrom(...Object.entries(CODECS)), (text, [name, compression]) => {
      const bytes = Buffer.from(text);
      const folded = Buffer.from(
        compressionsAlgorithms[name as CompressionAlgorithmValue].compressSync(bytes),
      );
      assert.deepEqual(Buffer.from(decompress(compression, folded, bytes.length)), bytes);
      if (bytes.length > 1)
        assert.throws(() => decompress(compression, folded, bytes.length - 1), UnfoldsTooFar);
    }),
  );
});

test("a batch that is not what its header says costs itself alone", () => {
  for (const compression of Object.values(CODECS))
    assertSkipped(batchOf(Buffer.from("no such thing at all"), compression), "damaged_batch");
  assertSkipped(batchOf(Buffer.from("x"), 6), "damaged_batch");
  assertSkipped(batchOf(Buffer.alloc(0), 0, 2 ** 31 - 1), "batch_too_large");
  assertSkipped(batchOf(Buffer.alloc(0), 0, 5), "damaged_batch");
});

test("bytes turned over anywhere in a batch never make the reader throw", () => {
  const batch = plain(0, JSON.stringify({ a: "b".repeat(50) }));
  fc.assert(
    fc.property(fc.nat({ max: batch.length - HEADER_BYTES - 1 }), fc.nat({ max: 255 }), (at, byte) => {
      const changed = Buffer.from(batch);
      changed[HEADER_BYTES + at] = byte;
      seen(changed);
    }),
  );
});

test("a key or headers larger than anybody writes cost their record alone, and the rest of the batch is read", () => {
  const large = Buffer.alloc(100_000, "k");
  const record = { key: Buffer.from("k"), value: Buffer.from("v"), headers: none, timestampMs: 1_000 };
  const many = new Map(Array.from({ length: 20_000 }, (_, n) => [Buffer.from(`h${n}`), Buffer.from("1")]));
  const batch = writeBatch({
    firstOffset: 0,
    records: [{ ...record, key: large }, { ...record, headers: many }, record],
  });
  const committed = committedRecords("t", 3, 0, readBatches(batch, true), []);
  assert.deepEqual(
    [...committed.chunks(1_000)].flatMap(({ records }) =>
      records.map(({ offset, key, unreadable }) => [offset, key, unreadable]),
    ),
    [
      [0, null, "key_too_large"],
      [1, null, "headers_too_large"],
      [2, "k", undefined],
    ],
  );
});

test("well-compressed batches are given out one after the other, not all unfolded at once", () => {
  const value = Buffer.alloc(10 * 1024 * 1024, " ");
  const batches = Array.from({ length: 6 }, (_, firstOffset) =>
    writeBatch({
      firstOffset,
      compression: "gzip",
      records: [{ key: Buffer.from("k"), value, headers: none, timestampMs: 1_000 }],
    }),
  );
  const committed = committedRecords("t", 0, 0, readBatches(Buffer.concat(batches), true), []);
  const sizes = [...committed.chunks(1_000)].map(({ records }) => records.length);
  assert.deepEqual(sizes, [2, 2, 2]);
});
