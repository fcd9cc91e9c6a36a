/** Which areas of one raw partition the totals topic holds: what a worker asks when compaction took its history. */
import { decodeThrough, supersedes, type Kept } from "../domain/totals-record.ts";
import type { Log, TopicNames } from "../ports.ts";

/** Reads the totals topic to its end. @returns keys whose kept record covers `rawPartition` */
export async function readPublishedAreas(
  log: Log,
  topics: TopicNames,
  rawPartition: number,
): Promise<ReadonlySet<string>> {
  const kept = new Map<string, Kept & { readonly tombstone: boolean }>();
  for await (const { records } of log.read({ topics: [topics.totals], from: "earliest", until: "end" })) {
    for (const { key, value, headers, timestampMs } of records) {
      if (key === null) continue;
      const through = decodeThrough(headers["through"]);
      if (!supersedes(kept.get(key), through, timestampMs)) continue;
      kept.set(key, { through, asOfMs: timestampMs, tombstone: value === null });
    }
  }
  const areas = new Set<string>();
  for (const [key, { through, tombstone }] of kept) {
    if (!tombstone && through?.partition === rawPartition) areas.add(key);
  }
  return areas;
}
