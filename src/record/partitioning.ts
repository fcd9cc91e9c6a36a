/**
 * Kafka's default partitioner: 32-bit murmur2 of the key's UTF-8 bytes, made positive, modulo the partition count.
 * Source: Apache Kafka, org.apache.kafka.common.utils.Utils.murmur2 and BuiltInPartitioner (test vectors are theirs).
 */

const SEED = 0x9747b28c;
const M = 0x5bd1e995;
const R = 24;
const encoder = new TextEncoder();

/** Kafka's murmur2 of `bytes`: a signed 32-bit integer, as in Java. */
export function murmur2(bytes: Uint8Array): number {
  const length = bytes.length;
  let h = SEED ^ length;
  const tail = length & ~3;
  for (let i = 0; i < tail; i += 4) {
    let k = at(bytes, i) | (at(bytes, i + 1) << 8) | (at(bytes, i + 2) << 16) | (at(bytes, i + 3) << 24);
    k = Math.imul(k, M);
    k ^= k >>> R;
    k = Math.imul(k, M);
    h = Math.imul(h, M) ^ k;
  }
  // Java's switch falls through: the last one to three bytes, highest first.
  if (length - tail === 3) h ^= at(bytes, tail + 2) << 16;
  if (length - tail >= 2) h ^= at(bytes, tail + 1) << 8;
  if (length - tail >= 1) h = Math.imul(h ^ at(bytes, tail), M);
  h ^= h >>> 13;
  h = Math.imul(h, M);
  h ^= h >>> 15;
  return h | 0;
}

/** The partition Kafka's Java client gives a record with this key. `partitionCount` is at least 1. */
export function partitionOf(key: string, partitionCount: number): number {
  return (murmur2(encoder.encode(key)) & 0x7fffffff) % partitionCount;
}

/** What the raw topic is partitioned by: one area lives in one partition (DESIGN.md section 2). */
export function areaPartitionKey(systemId: string, area: string): string {
  return `${systemId}:${area}`;
}

/** Areas whose partition is remembered; a feed that invents areas does not fill it. */
const AREAS_KEPT = 10_000;

/** The partitions of one system's areas, each computed once: a poll asks for every station, and areas are few. */
export class AreaPartitions {
  readonly #systemId: string;
  readonly #partitions = new Map<string, number>();
  #partitionCount = 0;

  constructor(systemId: string) {
    this.#systemId = systemId;
  }

  of(area: string, partitionCount: number): number {
    if (partitionCount !== this.#partitionCount || this.#partitions.size >= AREAS_KEPT)
      this.#partitions.clear();
    this.#partitionCount = partitionCount;
    const known = this.#partitions.get(area);
    if (known !== undefined) return known;
    const partition = partitionOf(areaPartitionKey(this.#systemId, area), partitionCount);
    this.#partitions.set(area, partition);
    return partition;
  }
}

function at(bytes: Uint8Array, index: number): number {
  return bytes[index] ?? 0;
}
