/**
 * Areas that the totals topic holds but a query that began anew does not: all their stations are gone and so are their
 * records. Spark cannot know of them, so their tombstones come from here.
 */
import { decodeThrough, encodeThrough, supersedes, type Kept } from "../domain/totals-record.ts";
import type { Log, ProduceRecord, TopicNames } from "../ports.ts";

/**
 * The tombstones to write once the first batch of a new query is out. That batch put out every area that has records,
 * each with a `through` of at least its partition's floor: what is below it was not put out.
 * @param headers of every totals record
 * @param floors by partition the last raw offset that the first batch covers for certain
 */
export async function tombstonesOfEmptied(
  log: Log,
  topics: TopicNames,
  floors: readonly number[],
  headers: { readonly schema: string; readonly writer: string },
): Promise<readonly ProduceRecord[]> {
  const kept = new Map<string, Kept & { readonly tombstone: boolean }>();
  for await (const { records } of log.read({ topics: [topics.totals], from: "earliest", until: "end" })) {
    for (const { key, value, headers, timestampMs } of records) {
      if (key === null) continue;
      const through = decodeThrough(headers["through"]);
      if (!supersedes(kept.get(key), through, timestampMs)) continue;
      kept.set(key, { through, asOfMs: timestampMs, tombstone: value === null });
    }
  }
  const tombstones: ProduceRecord[] = [];
  for (const [key, { through, tombstone }] of kept) {
    if (tombstone || through === null) continue;
    const floor = floors[through.partition] ?? -1;
    if (through.offset >= floor) continue;
    tombstones.push({
      topic: topics.totals,
      key,
      value: null,
      partitionKey: key,
      headers: { ...headers, through: encodeThrough({ partition: through.partition, offset: floor }) },
    });
  }
  return tombstones;
}
