/** Kafka's own murmur2 vectors (org.apache.kafka.common.utils.UtilsTest), so any Kafka client computes our partitions. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { areaPartitionKey, AreaPartitions, murmur2, partitionOf } from "../../src/record/partitioning.ts";

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

test("an area is hashed over its system and its plain name", () => {
  assert.equal(areaPartitionKey("velib", "75016"), "velib:75016");
  assert.equal(areaPartitionKey("a:b", "100% Est"), "a:b:100% Est");
});

test("every byte of a key counts, wherever it stands", () => {
  for (const length of [1, 2, 3, 4, 5, 6, 7, 8, 9]) {
    const key = new Uint8Array(length).fill(65);
    const hashes = new Set([murmur2(key)]);
    for (let at = 0; at < length; at += 1) hashes.add(murmur2(key.with(at, 200)));
    assert.equal(hashes.size, length + 1, `${length} bytes`);
  }
});

test("an area's partition is remembered, for one count of partitions", () => {
  const partitions = new AreaPartitions("lyon");
  const areas = Array.from({ length: 200 }, (_, n) => `6900${n}`);
  for (const count of [1, 12, 5, 12])
    for (const area of [...areas, ...areas])
      assert.equal(partitions.of(area, count), partitionOf(areaPartitionKey("lyon", area), count));
});
