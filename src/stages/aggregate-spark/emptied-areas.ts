/**
 * Areas that the totals topic holds but a query that began anew does not: all their stations are gone and so are their
 * records. Spark cannot know of them, so their tombstones come from here.
 */
import {
  decodeThrough,
  decodeTotals,
  encodeThrough,
  supersedes,
  type Kept,
} from "../../record/totals-record.ts";
import { areaKey, areasNamed, plainAreaKey, SYSTEM_HEADER, type AreaName } from "../../record/keys.ts";
import type { Log, ProduceRecord, TopicNames } from "../../ports.ts";

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
  const kept = new Map<string, Kept & { readonly name: AreaName | null }>();
  for await (const { records } of log.read({ topics: [topics.totals], from: "earliest", until: "end" })) {
    for (const { key, value, headers, timestampMs } of records) {
      if (key === null) continue;
      const through = decodeThrough(headers["through"]);
      if (!supersedes(kept.get(key), through, timestampMs)) continue;
      kept.set(key, { through, asOfMs: timestampMs, name: value && nameOf(key, value) });
    }
  }
  const tombstones: ProduceRecord[] = [];
  for (const [key, { through, name }] of kept) {
    if (name === null || through === null) continue;
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

/** As its value says; what is no totals record, as its key says. */
function nameOf(key: string, value: Buffer): AreaName | null {
  return decodeTotals(value.toString("utf8")) ?? areasNamed(key).next().value ?? null;
}
