/**
 * Which areas of one raw partition the totals topic holds: what a worker asks when it cannot tell from the raw topic what
 * was put out before (compaction took its history, or the topic is another).
 */
import { areaPartitionKey, partitionOf } from "../../record/partitioning.ts";
import type { AreaName } from "../../record/keys.ts";
import type { Log, RestoreRange, TopicNames } from "../../ports.ts";
import { readStandingTotals } from "./totals-standing.ts";

/** A raw partition, and the topic that it is of as it is now. */
export type RawPlace = { readonly partition: number } & Pick<RestoreRange, "topicId" | "partitionCount">;

/** Reads the totals topic to its end. @returns the areas that follow from `place`, or belong there, by key */
export async function readPublishedAreas(
  log: Log,
  topics: TopicNames,
  { partition, topicId, partitionCount = 1 }: RawPlace,
): Promise<ReadonlyMap<string, AreaName>> {
  const areas = new Map<string, AreaName>();
  for (const [key, { through, name }] of await readStandingTotals(log, topics)) {
    if (name === null) continue;
    // Partitions of a topic that went before say nothing: the area is for whoever would have it now.
    const owner =
      through.topicId === topicId
        ? through.partition
        : partitionOf(areaPartitionKey(name.systemId, name.area), partitionCount);
    if (owner === partition) areas.set(key, name);
  }
  return areas;
}
