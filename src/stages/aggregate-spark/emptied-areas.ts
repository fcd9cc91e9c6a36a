/**
 * Areas that the totals topic holds but a query that began anew does not: all their stations are gone and so are their
 * records. Spark cannot know of them, so their tombstones come from here.
 */
import { encodeThrough } from "../../record/totals-record.ts";
import { areaKey, areasNamed, plainAreaKey, SYSTEM_HEADER } from "../../record/keys.ts";
import type { Log, ProduceRecord, TopicNames } from "../../ports.ts";
import { readStandingTotals } from "../aggregate/totals-standing.ts";

/**
 * The tombstones to write once the first batch of a new query is out. That batch put out every area that has records,
 * each under its own key and with a `through` of at least its partition's floor: what is below it, or stands under a key
 * of old, was not put out.
 * @param headers of every totals record
 * @param floors by partition the last raw offset that the first batch covers for certain
 */
export async function tombstonesOfEmptied(
  log: Log,
  topics: TopicNames,
  floors: readonly number[],
  headers: { readonly schema: string; readonly writer: string },
): Promise<readonly ProduceRecord[]> {
  const tombstones: ProduceRecord[] = [];
  for (const [key, { through, name: said }] of await readStandingTotals(log, topics)) {
    // What is no totals record is named by its key.
    const name = said ?? areasNamed(key).next().value;
    if (name === undefined) continue;
    const { systemId, area } = name;
    const floor = floors[through.partition] ?? -1;
    if (through.offset >= floor && key === areaKey(systemId, area)) continue;
    const covered = { partition: through.partition, offset: Math.max(floor, through.offset) };
    tombstones.push({
      topic: topics.totals,
      key,
      value: null,
      partitionKey: plainAreaKey(systemId, area),
      headers: { ...headers, through: encodeThrough(covered), [SYSTEM_HEADER]: systemId },
    });
  }
  return tombstones;
}
