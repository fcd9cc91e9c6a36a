/**
 * Which files belong together: those of one table and day, of one system; where several systems share any of them, all
 * of that table and day. And which of them are worth merging. Pure.
 *
 *   rows of a file   < 30,000        < 360,000        < 4.3 million        more
 *   tier             0 ──twelve──▶   1 ──twelve──▶    2                    merged no further before the day is over
 */
import type { DataFile, Manifest } from "../files/manifest.ts";
import type { PlainTable } from "../files/parquet-jobs.ts";

/** Small files that are merged into one. */
export const MERGE_FROM_FILES = 12;
const TIER_ROWS = 30_000;
/** Merging these again would cost more than reading them. */
const LAST_TIER = 2;

export interface Lot {
  readonly table: PlainTable;
  readonly day: string;
  /** null where several share it. */
  readonly system: string | null;
  readonly files: readonly DataFile[];
}

/** The files of plain tables, the oldest day first. */
export function lotsOf({ files }: Manifest): readonly Lot[] {
  const lots: Lot[] = [];
  const plain = files.filter(({ table }) => table === "stations" || table === "areas");
  const days = [...Map.groupBy(plain, ({ day, table }) => `${day}\n${table}`).entries()];
  for (const [, own] of days.sort(([a], [b]) => (a < b ? -1 : 1))) {
    const [first] = own;
    if (first === undefined) continue;
    const { day } = first;
    const table = first.table as PlainTable;
    if (own.some(({ system }) => system === undefined)) lots.push({ table, day, system: null, files: own });
    else
      for (const [system, one] of Map.groupBy(own, (file) => file.system ?? ""))
        lots.push({ table, day, system, files: one });
  }
  return lots;
}

/** Files to be merged into one: the smallest that are as many and of one size; null when there are none. */
export function toMerge(files: readonly DataFile[]): readonly DataFile[] | null {
  const tiers = Map.groupBy(
    files.filter(({ sealed }) => !sealed),
    tierOf,
  );
  for (let tier = 0; tier < LAST_TIER; tier += 1) {
    const some = tiers.get(tier) ?? [];
    if (some.length >= MERGE_FROM_FILES) return some;
  }
  return null;
}

function tierOf({ rows }: DataFile): number {
  let tier = 0;
  for (let limit = TIER_ROWS; rows >= limit && tier < LAST_TIER; limit *= MERGE_FROM_FILES) tier += 1;
  return tier;
}
