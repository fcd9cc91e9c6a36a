/** A batch that is shorter than its own header, as the fuzzer found: one record that says so, and no exception. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readBatches } from "../../../src/log/kafka/record-batch.ts";
import type { LogRecord } from "../../../src/ports.ts";
import { writeBatch } from "../../support/record-batches.ts";

const LENGTH_AT = 8;
const BATCH = writeBatch({
  firstOffset: 7,
  records: [{ key: Buffer.from("k"), value: Buffer.from("v"), headers: new Map(), timestampMs: 1 }],
});

function read(bytes: Buffer): LogRecord[] {
  const records: LogRecord[] = [];
  for (const batch of readBatches(bytes, true)) batch.readInto(records, "t", 0, 0);
  return records;
}

test("a length that frames nothing, zero or negative, leaves what is left of the answer as one batch", () => {
  for (const length of [-2_147_483_648, -100, -12, -1, 0, 4]) {
    const bytes = Buffer.from(BATCH);
    bytes.writeInt32BE(length, LENGTH_AT);
    assert.deepEqual(
      read(bytes).map(({ offset }) => offset),
      [7],
      String(length),
    );
  }
});

test("a length that ends within the header makes one record without a value", () => {
  for (const length of [5, 6, 20, 48]) {
    const bytes = Buffer.from(BATCH);
    bytes.writeInt32BE(length, LENGTH_AT);
    const [first] = read(bytes);
    assert.equal(first?.offset, 7, String(length));
    assert.equal(first?.value, null, String(length));
    assert.notEqual(first?.unreadable, undefined, String(length));
  }
});
