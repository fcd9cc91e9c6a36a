/**
 * Which areas of one raw partition the totals topic holds: what a worker asks when it cannot tell from the raw topic what
 * was put out before (compaction took its history, or the topic is another).
 */
import { areaPartitionKey, partitionOf } from "../../record/partitioning.ts";
import { unusableReason } from "../../record/received-record.ts";
import { decodeThrough, decodeTotals, supersedes, type Kept } from "../../record/totals-record.ts";
import type { AreaName } from "../../record/keys.ts";
import type { Log, RestoreRange, TopicNames } from "../../ports.ts";

/** A raw partition, and the topic that it is of as it is now. */
export type RawPlace = { readonly partition: number } & Pick<RestoreRange, "topicId" | "partitionCount">;

/** Reads the totals topic to its end. @returns the areas that follow from `place`, or belong there, by key */
export async function readPublishedAreas(
  log: Log,
  topics: TopicNames,
  { partition, topicId, partitionCount = 1 }: RawPlace,
): Promise<ReadonlyMap<string, AreaName>> {
  const kept = new Map<string, Kept & { readonly name: AreaName | null }>();
  for await (const { records } of log.read({ topics: [topics.totals], from: "earliest", until: "end" })) {
    for (const record of records) {
      const { key, value, headers, timestampMs } = record;
      if (key === null || unusableReason(record) !== null) continue;
      const through = decodeThrough(headers["through"]);
      if (!supersedes(kept.get(key), through, timestampMs)) continue;
      const name = value === null ? null : decodeTotals(value.toString("utf8"));
      kept.set(key, { through, asOfMs: timestampMs, name: name && areaName(name) });
    }
  }
  const areas = new Map<string, AreaName>();
  for (const [key, { through, name }] of kept) {
    if (name === null || through === null) continue;
    // Partitions of a topic that went before say nothing: the area is for whoever would have it now.
    const owner =
      through.topicId === topicId
        ? through.partition
        : partitionOf(areaPartitionKey(name.systemId, name.area), partitionCount);
    if (owner === partition) areas.set(key, name);
  }
  return areas;
}

/** Only what is kept of a whole topic. */
function areaName({ systemId, area }: AreaName): AreaName {
  return { systemId, area };
}
