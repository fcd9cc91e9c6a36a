/** Our reader of record batches gives back what the Kafka client's encoder wrote, whatever the records hold. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readBatches, type RecordBatch } from "../../../src/log/kafka/record-batch.ts";
import type { LogRecord } from "../../../src/ports.ts";
import { sealed, writeBatch, type WrittenRecord } from "../../support/record-batches.ts";

const RUNS = { numRuns: 500 };
const APPEND_TIME = 1 << 3;

const bytes = fc.oneof(
  fc
    .constantFrom("velib:213688169", "velib:1", "Île", "", "schema", "x".repeat(300))
    .map((text) => Buffer.from(text)),
  fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array)),
);
const headers = fc
  .uniqueArray(fc.tuple(fc.constantFrom("schema", "traceparent", "é"), bytes), {
    selector: ([name]) => name,
    maxLength: 3,
  })
  .map((entries) => new Map(entries.map(([name, value]) => [Buffer.from(name), value] as const)));
const written: fc.Arbitrary<WrittenRecord> = fc.record({
  key: fc.option(bytes),
  value: fc.option(bytes),
  headers,
  // Two weeks around a day: the encoder errs where times differ by 2^31 ms or more.
  timestampMs: fc.integer({ min: -600_000_000, max: 600_000_000 }).map((ms) => 1_760_000_000_000 + ms),
});
const batches = fc.array(
  fc.record({
    records: fc.array(written, { minLength: 1, maxLength: 20 }),
    compression: fc.constantFrom("none", "gzip", "snappy", "lz4", "zstd"),
    appendTime: fc.boolean(),
  }),
  { maxLength: 4 },
);

function read(list: readonly RecordBatch[], fromOffset = 0): LogRecord[] {
  const records: LogRecord[] = [];
  for (const batch of list) batch.readInto(records, "t", 3, fromOffset);
  // As a reader sees them: where a value stands is the log's own affair.
  return records.map(({ topic, partition, offset, key, value, headers, timestampMs }) => {
    return { topic, partition, offset, key, value, headers, timestampMs };
  });
}

test("every record written by the client's encoder is read back, in every compression", () => {
  fc.assert(
    fc.property(batches, fc.nat({ max: 2 ** 40 }), fc.nat({ max: 60 }), (list, base, skip) => {
      let offset = base;
      const expected: LogRecord[] = [];
      const encoded = list.map(({ records, compression, appendTime }) => {
        const firstOffset = offset;
        const lastMs = Math.max(...records.map(({ timestampMs }) => timestampMs));
        for (const { key, value, headers: entries, timestampMs } of records)
          expected.push({
            topic: "t",
            partition: 3,
            offset: offset++,
            key: key?.toString("utf8") ?? null,
            value,
            headers: Object.fromEntries([...entries].map(([name, text]) => [String(name), String(text)])),
            timestampMs: appendTime ? lastMs : timestampMs,
          });
        return writeBatch({ firstOffset, records, compression, attributes: appendTime ? APPEND_TIME : 0 });
      });
      const found = readBatches(Buffer.concat(encoded), true);
      assert.deepEqual(read(found), expected);
      assert.deepEqual(read(found, base + skip), expected.slice(skip));
      if (found.length > 0) assert.equal(found.at(-1)?.lastOffset, offset - 1);
    }),
    RUNS,
  );
});

test("times that are years apart in one batch are read as Kafka's own producers write them", () => {
  const years = 5_000_000_000;
  // Length (filled in below), attributes, the delta of 5,000,000,000 as zigzag, offset delta 0, no key, "a", no headers.
  const record = Buffer.from("0000_80c8afa025_00_01_0261_00".replaceAll("_", ""), "hex");
  record[0] = (record.length - 1) * 2;
  const first = writeBatch({
    firstOffset: 0,
    records: [{ key: null, value: Buffer.from("a"), headers: new Map(), timestampMs: 1_000 }],
  });
  const batch = Buffer.concat([first.subarray(0, 61), record]);
  batch.writeInt32BE(batch.length - 12, 8);
  assert.deepEqual(
    read(readBatches(sealed(batch), true)).map(({ timestampMs }) => timestampMs),
    [1_000 + years],
  );
});

test("a batch that the broker cut off is left for the next answer", () => {
  const records = [1, 2].map((n) => ({ key: null, value: Buffer.of(n), headers: new Map(), timestampMs: n }));
  const whole = writeBatch({ firstOffset: 0, records });
  for (let cut = 1; cut < whole.length; cut += 1) {
    const found = readBatches(Buffer.concat([whole, whole.subarray(0, whole.length - cut)]), true);
    assert.equal(found.length, 1);
    assert.equal(read(found).length, 2);
  }
});
