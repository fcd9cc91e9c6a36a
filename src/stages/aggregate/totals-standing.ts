/** What stands in the totals topic now, by the keys that it stands under, former ones too. */
import type { Log, TopicNames } from "../../ports.ts";
import type { AreaName } from "../../record/keys.ts";
import { unusableReason } from "../../record/received-record.ts";
import {
  decodeThrough,
  decodeTotals,
  supersedes,
  type Kept,
  type Through,
} from "../../record/totals-record.ts";

export interface StandingTotals {
  readonly through: Through;
  /** As its value says; null where that says nothing. */
  readonly name: AreaName | null;
}

/** Reads the topic to its end. Tombstones, and what says not what it follows from, are left out. */
export async function readStandingTotals(
  log: Log,
  { totals }: Pick<TopicNames, "totals">,
): Promise<ReadonlyMap<string, StandingTotals>> {
  const latest = new Map<string, Kept & { readonly gone: boolean; readonly name: AreaName | null }>();
  for await (const { records } of log.read({ topics: [totals], from: "earliest", until: "end" })) {
    for (const record of records) {
      const { key, value, headers, timestampMs } = record;
      if (key === null || unusableReason(record) !== null) continue;
      const through = decodeThrough(headers["through"]);
      if (!supersedes(latest.get(key), through, timestampMs)) continue;
      const said = value === null ? null : decodeTotals(value.toString("utf8"));
      // Only what is kept of a whole topic.
      const name = said && { systemId: said.systemId, area: said.area };
      latest.set(key, { through, asOfMs: timestampMs, gone: value === null, name });
    }
  }
  const standing = new Map<string, StandingTotals>();
  for (const [key, { through, gone, name }] of latest)
    if (!gone && through !== null) standing.set(key, { through, name });
  return standing;
}
