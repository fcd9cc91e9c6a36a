/**
 * All totals anew, where what was published before is known from the totals topic only: after a restore that could not
 * tell from history, or of areas that stand there under keys of old.
 */
import { areaKey, plainAreaKey, type AreaName } from "../record/keys.ts";
import { goneArea, type AreaTotals, type TotalsChange } from "./area-totals.ts";

/** Whether one of the areas stands under another key than its own. */
export function standUnderFormerKeys(published: ReadonlyMap<string, AreaName>): boolean {
  return [...published].some(([key, { systemId, area }]) => key !== areaKey(systemId, area));
}

/**
 * Every area that is held, once, and a tombstone for every key that is not: an area that emptied, or a key of old.
 * @param published the areas of the totals topic, by the key that each stands under
 */
export function drainAnew(totals: AreaTotals, published: ReadonlyMap<string, AreaName>): TotalsChange[] {
  const held = new Set([...totals.totals()].map(([key]) => key));
  totals.forgetDrained();
  const changes = new Map(totals.drain().map((change) => [change.key, change] as const));
  const emptied = new Map<string, TotalsChange>();
  for (const [key, { systemId, area }] of published) {
    const plainKey = plainAreaKey(systemId, area);
    // The own key first, whatever the area stands under: readers that know nothing else know that one.
    for (const each of [areaKey(systemId, area), key])
      if (!held.has(each)) emptied.set(each, changes.get(each) ?? { ...goneArea(each), systemId, plainKey });
  }
  return [...[...changes.values()].filter(({ totals: now }) => now !== null), ...emptied.values()];
}

/** The changes, and behind them a tombstone for the key of old of each area, where it has one: it may stand there. */
export function clearingFormerKeys(
  changes: readonly TotalsChange[],
  totals: AreaTotals,
): readonly TotalsChange[] {
  const renamed = changes.filter(({ key, plainKey }) => key !== plainKey);
  if (renamed.length === 0) return changes;
  const held = new Set([...totals.totals()].map(([key]) => key));
  const former = renamed
    .filter(({ plainKey }) => !held.has(plainKey))
    .map(({ plainKey, systemId }) => ({ ...goneArea(plainKey), systemId, plainKey }));
  return [...changes, ...former];
}
