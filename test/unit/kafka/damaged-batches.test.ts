/** Batches whose bytes are not those that were written: found by Kafka's checksum, told, and skipped. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { crc32c } from "../../../src/log/kafka/crc32c.ts";
import { readBatches } from "../../../src/log/kafka/record-batch.ts";
import type { LogRecord } from "../../../src/ports.ts";
import { writeBatch } from "../../support/record-batches.ts";

const CRC_AT = 17;

function batch(firstOffset: number, compression: "none" | "gzip" = "none"): Buffer {
  return writeBatch({
    firstOffset,
    compression,
    records: [{ key: Buffer.from("k"), value: Buffer.from("bikes: 12"), headers: new Map(), timestampMs: 1 }],
  });
}

function read(bytes: Buffer, checkCrcs: boolean): LogRecord[] {
  const records: LogRecord[] = [];
  for (const each of readBatches(bytes, checkCrcs)) each.readInto(records, "t", 0, 0);
  return records;
}

test("the checksum is Kafka's: CRC-32C", () => {
  // RFC 3720, appendix B.4.
  assert.equal(crc32c(Buffer.from("123456789")), 0xe306_9283);
});

test("one bit anywhere behind the checksum, or in it, costs the batch and not the next one", () => {
  fc.assert(
    fc.property(fc.constantFrom("none" as const, "gzip" as const), fc.nat(), (compression, bit) => {
      const whole = batch(0, compression);
      const bits = (whole.length - CRC_AT) * 8;
      const at = CRC_AT + Math.floor((bit % bits) / 8);
      whole.writeUInt8(whole.readUInt8(at) ^ (1 << (bit % 8)), at);
      const [damaged, next, ...more] = read(Buffer.concat([whole, batch(1)]), true);
      assert.equal(damaged?.unreadable, "damaged_batch");
      assert.equal(damaged?.value, null);
      assert.equal(next?.value?.toString(), "bikes: 12");
      assert.deepEqual(more, []);
    }),
  );
});

test("without the check a changed value is read as it stands", () => {
  const whole = batch(0);
  const at = whole.indexOf("12");
  whole.write("72", at);
  assert.equal(read(whole, false)[0]?.value?.toString(), "bikes: 72");
  assert.equal(read(whole, true)[0]?.unreadable, "damaged_batch");
});
