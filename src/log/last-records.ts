/** The newest committed records of each partition: found from its end backwards, in steps that grow. */
import type { LogRecord, ReadBatch, ReadOptions } from "../ports.ts";

/**
 * Offsets read at a time from the end of a partition. The last ones may be transactions' markers, or have been compacted
 * away; then more are read, at last all.
 */
const STEPS = [50, 5_000, Infinity];

/** @param offsets where each partition begins and ends now */
export async function lastRecords(
  topic: string,
  offsets: ReadonlyMap<number, { readonly start: number; readonly end: number }>,
  read: (options: ReadOptions) => AsyncIterable<ReadBatch>,
): Promise<readonly LogRecord[]> {
  const last: LogRecord[] = [];
  const found = new Set<number>();
  // A step that finds none is followed by a longer one; what it reads beyond some dozens is not worth dropping.
  for (const step of STEPS) {
    // What is read already, or has nothing, is begun at its end: nothing of it is fetched.
    const from = new Map<string, number>();
    let missing = false;
    for (const [partition, { start, end }] of offsets) {
      const wanted = !found.has(partition) && end > start;
      missing ||= wanted;
      from.set(`${topic}:${partition}`, wanted ? Math.max(start, end - step) : end);
    }
    if (!missing) break;
    for await (const { records } of read({ topics: [topic], from, until: "end" }))
      for (const record of records) {
        found.add(record.partition);
        last.push(record);
      }
  }
  return last;
}
