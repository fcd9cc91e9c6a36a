/** Kafka's own murmur2 vectors (org.apache.kafka.common.utils.UtilsTest), so any Kafka client computes our partitions. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { murmur2, partitionOf } from "../../src/record/partitioning.ts";

const VECTORS: readonly (readonly [string, number])[] = [
  ["21", -973932308],
  ["foobar", -790332482],
  ["a-little-bit-long-string", -985981536],
  ["a-little-bit-longer-string", -1486304829],
  ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971],
  ["abc", 479470107],
];

for (const [key, hash] of VECTORS) {
  test(`hashes ${JSON.stringify(key)} as Kafka does`, () => assert.equal(murmur2(Buffer.from(key)), hash));
}

test("keeps every partition within the count, for negative hashes too", () => {
  for (const [key] of VECTORS)
    for (const count of [1, 3, 7, 12])
      assert.ok(partitionOf(key, count) < count && partitionOf(key, count) >= 0);
});
