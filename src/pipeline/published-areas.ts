/** Which areas of one raw partition the totals topic holds: what a worker asks when its history cannot tell. */
import { decodeThrough, decodeTotals, supersedes, type Kept } from "../domain/totals-record.ts";
import type { AreaName } from "../record/keys.ts";
import type { Log, TopicNames } from "../ports.ts";

/** Reads the totals topic to its end. @returns the areas whose kept record covers `rawPartition`, by its key */
export async function readPublishedAreas(
  log: Log,
  topics: TopicNames,
  rawPartition: number,
): Promise<ReadonlyMap<string, AreaName>> {
  const kept = new Map<string, Kept & { readonly name: AreaName | null }>();
  for await (const { records } of log.read({ topics: [topics.totals], from: "earliest", until: "end" })) {
    for (const { key, value, headers, timestampMs } of records) {
      if (key === null) continue;
      const through = decodeThrough(headers["through"]);
      if (!supersedes(kept.get(key), through, timestampMs)) continue;
      const name = value === null ? null : decodeTotals(value.toString("utf8"));
      kept.set(key, { through, asOfMs: timestampMs, name: name && areaName(name) });
    }
  }
  const areas = new Map<string, AreaName>();
  for (const [key, { through, name }] of kept)
    if (name !== null && through?.partition === rawPartition) areas.set(key, name);
  return areas;
}

/** Only what is kept of a whole topic. */
function areaName({ systemId, area }: AreaName): AreaName {
  return { systemId, area };
}
