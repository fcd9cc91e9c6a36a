/** Gives a collector back what an earlier run published: the log is its only memory. */
import type { Collection } from "../domain/collection.ts";
import { decodeRawRecord } from "../domain/raw-record.ts";
import type { Log } from "../ports.ts";

/**
 * Reads the raw topic to its end.
 * @returns how many stations of the system are published now
 */
export async function restoreCollection(
  log: Log,
  rawTopic: string,
  collection: Collection,
  systemId: string,
  signal: AbortSignal,
): Promise<number> {
  const prefix = `${systemId}:`;
  for await (const { records } of log.read({ topics: [rawTopic], from: "earliest", until: "end", signal })) {
    for (const { key, value, partition, timestampMs } of records) {
      // Keys alone tell whose record it is: other systems' values are not even parsed.
      if (key === null || !key.startsWith(prefix)) continue;
      if (value === null) {
        collection.restoreTombstone(key.slice(prefix.length), partition);
        continue;
      }
      const decoding = decodeRawRecord(key, value.toString("utf8"), timestampMs, () => null);
      if (decoding.ok && decoding.record.systemId === systemId)
        collection.restore(decoding.record, partition);
    }
  }
  return collection.stationCount;
}
