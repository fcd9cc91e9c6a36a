/**
 * Keyframes: the state of every station and area at 00:00 UTC, so that no instant is far from a whole state.
 *
 *   keyframe of the 20th ─┐ rows of the 20th … 22nd ─┐ (no keyframe of the 23rd yet)
 *                         └──────────────────────────┴──▶ state at the start of the 23rd
 */
import { dayStartMs, KEYFRAMES_OF } from "./layout.ts";
import type { DataFile, Manifest } from "./manifest.ts";

/** Epochs whose state matters on `day`: begun before it and watched on it or later, and the newest. */
export function epochsAlive(manifest: Manifest, system: string, day: string): readonly number[] {
  const startMs = dayStartMs(day);
  const newest = manifest.epochs.at(-1)?.id;
  const alive = new Set<number>();
  for (const span of manifest.spans)
    if (span.system === system && (span.toMs >= startMs || span.epoch === newest)) alive.add(span.epoch);
  return [...alive].sort((a, b) => a - b);
}

export function covers(keyframe: DataFile, epochs: readonly number[]): boolean {
  return epochs.every((epoch) => keyframe.epochs?.includes(epoch) === true);
}

/** The files that tell the state at the start of `day`: the last keyframe that holds, and the rows since. */
export function stateSources(
  manifest: Manifest,
  table: "stations" | "areas",
  system: string,
  day: string,
): readonly DataFile[] {
  const own = manifest.files.filter((file) => file.system === system);
  const epochs = epochsAlive(manifest, system, day);
  const keyframe = own
    .filter((file) => file.table === KEYFRAMES_OF[table] && file.day <= day && covers(file, epochs))
    .reduce<DataFile | null>((best, file) => (best === null || file.day > best.day ? file : best), null);
  const rows = own.filter(
    (file) => file.table === table && file.day < day && (keyframe === null || file.day >= keyframe.day),
  );
  return keyframe === null ? rows : [keyframe, ...rows];
}
