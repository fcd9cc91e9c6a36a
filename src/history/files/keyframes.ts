/**
 * Keyframes: the state of every station and area at 00:00 UTC, so that no instant is far from a whole state.
 *
 *   keyframe of the 20th ─┐ rows of the 20th … 22nd ─┐ (no keyframe of the 23rd yet)
 *                         └──────────────────────────┴──▶ state at the start of the 23rd
 *
 * A keyframe that systems share is the state of all that there were.
 */
import { dayStartMs, KEYFRAMES_OF } from "./layout.ts";
import { mayHold, type DataFile, type Manifest } from "./manifest.ts";
import type { PlainTable } from "./parquet-jobs.ts";

/**
 * Epochs whose state matters on `day`: with rows before it, and watched on it or later, or the newest.
 * @param system null: of any
 */
export function epochsAlive(manifest: Manifest, system: string | null, day: string): readonly number[] {
  const startMs = dayStartMs(day);
  const newest = manifest.epochs.at(-1)?.id;
  const lastMs = system === null ? lastSeenMs(manifest) : lastSeenMsOf(manifest, system);
  const begun = new Map(manifest.epochs.map(({ id, fromDay }) => [id, fromDay ?? ""]));
  return [...lastMs]
    .filter(([epoch, toMs]) => (toMs >= startMs || epoch === newest) && (begun.get(epoch) ?? "") < day)
    .map(([epoch]) => epoch)
    .sort((a, b) => a - b);
}

const SEEN = new WeakMap<Manifest, ReadonlyMap<number, number>>();

/** By epoch: when any system was seen last. A pass over all days asks this of one manifest many times. */
export function lastSeenMs(manifest: Manifest): ReadonlyMap<number, number> {
  let seen = SEEN.get(manifest);
  if (seen === undefined) SEEN.set(manifest, (seen = latestByEpoch(manifest.spans)));
  return seen;
}

export function lastSeenMsOf({ spans }: Manifest, system: string): ReadonlyMap<number, number> {
  return latestByEpoch(spans.filter((span) => span.system === system));
}

function latestByEpoch(spans: Manifest["spans"]): ReadonlyMap<number, number> {
  const latest = new Map<number, number>();
  for (const { epoch, toMs } of spans) latest.set(epoch, Math.max(toMs, latest.get(epoch) ?? 0));
  return latest;
}

export function covers(keyframe: DataFile, epochs: readonly number[]): boolean {
  return epochs.every((epoch) => keyframe.epochs?.includes(epoch) === true);
}

/** The files that tell a system's state at the start of `day`: the last keyframe that holds, and the rows since. */
export function stateSources(
  manifest: Manifest,
  table: PlainTable,
  system: string,
  day: string,
): readonly DataFile[] {
  const own = manifest.files.filter((file) => mayHold(file, system));
  const keyframe = lastKeyframe(own, table, day, epochsAlive(manifest, system, day));
  return [...(keyframe === null ? [] : [keyframe]), ...rowsBetween(own, table, keyframe?.day ?? "", day)];
}

/** The files that tell the state of all systems at the start of `day`. */
export function sharedStateSources(manifest: Manifest, table: PlainTable, day: string): readonly DataFile[] {
  const { files } = manifest;
  const epochs = epochsAlive(manifest, null, day);
  const shared = files.filter(({ system }) => system === undefined);
  const keyframe = lastKeyframe(shared, table, day, epochs);
  if (keyframe !== null) return [keyframe, ...rowsBetween(files, table, keyframe.day, day)];
  // The first one: from the keyframes that systems had of their own before they shared a file.
  const sharedRows = rowsBetween(shared, table, "", day);
  const sharedFrom = sharedRows.reduce((least, file) => (file.day < least ? file.day : least), day);
  const sources = [...sharedRows];
  for (const [system, own] of Map.groupBy(files, (file) => file.system)) {
    if (system === undefined) continue;
    const before = lastKeyframe(own, table, sharedFrom, epochsAlive(manifest, system, day));
    sources.push(...(before === null ? [] : [before]), ...rowsBetween(own, table, before?.day ?? "", day));
  }
  return sources;
}

function lastKeyframe(
  files: readonly DataFile[],
  table: PlainTable,
  day: string,
  epochs: readonly number[],
): DataFile | null {
  let best: DataFile | null = null;
  for (const file of files)
    if (file.table === KEYFRAMES_OF[table] && file.day <= day && covers(file, epochs))
      if (best === null || file.day > best.day) best = file;
  return best;
}

function rowsBetween(
  files: readonly DataFile[],
  table: PlainTable,
  fromDay: string,
  toDay: string,
): readonly DataFile[] {
  return files.filter((file) => file.table === table && file.day >= fromDay && file.day < toDay);
}
