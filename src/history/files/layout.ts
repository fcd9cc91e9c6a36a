/**
 * Where things stand in a data folder's `history/`, and how days are named.
 *
 *   history/manifest.json                                   what is true: files, positions, coverage
 *           journal/00000012.journal                        what is not in a Parquet file yet
 *           stations/system=velib/day=2026-11-20/…parquet   one row a raw record
 *           areas/system=velib/day=2026-11-20/…parquet      one row a totals record
 *           stations/day=2026-11-20/…parquet                where many systems share a file: `system` is a column
 *           station_keyframes/…, area_keyframes/…           the state at 00:00 UTC of a day
 */
import { join } from "node:path";

export const DAY_MS = 86_400_000;

/** The tables, each a folder. Keyframes have the columns of the table they restate. */
export const TABLES = ["stations", "areas", "station_keyframes", "area_keyframes"] as const;
export type Table = (typeof TABLES)[number];

/** The keyframes of a table. */
export const KEYFRAMES_OF = { stations: "station_keyframes", areas: "area_keyframes" } as const;

export function historyFolder(dataDir: string): string {
  return join(dataDir, "history");
}

export function manifestPath(folder: string): string {
  return join(folder, "manifest.json");
}

export function journalFolder(folder: string): string {
  return join(folder, "journal");
}

/** Inside the history folder. */
export function journalName(number: number): string {
  return `journal/${String(number).padStart(8, "0")}.journal`;
}

export function journalPath(folder: string, number: number): string {
  return join(folder, journalName(number));
}

/** Locked by the process that makes files, as long as it is there. */
export function filesLockPath(folder: string): string {
  return join(folder, "files.lock");
}

/** Number of a journal file; null for a stranger's file. */
export function journalNumber(name: string): number | null {
  const match = /^(\d{8,15})\.journal$/.exec(name);
  return match === null ? null : Number(match[1]);
}

/** Longest folder name that every file system takes. */
const LONGEST_NAME = 200;

/** Whether a system's id can name a folder. */
export function canNameFolder(systemId: string): boolean {
  return encodeURIComponent(systemId).length <= LONGEST_NAME;
}

/**
 * Path inside the history folder, with `/`: what the manifest holds. Readers decode `system=` as a URL does.
 * @param system null where several share the file
 */
export function dataPath(table: Table, system: string | null, day: string, number: number): string {
  const own = system === null ? "" : `system=${encodeURIComponent(system).replaceAll("*", "%2A")}/`;
  return `${table}/${own}day=${day}/${String(number).padStart(8, "0")}.parquet`;
}

/** What a path says that `dataPath` made of these, or an earlier version did, which left `*` as it is. */
export function numberOfPath(path: string, table: Table, system: string | null, day: string): number | null {
  const number = Number(/\/(\d{8,15})\.parquet$/.exec(path)?.[1] ?? Number.NaN);
  if (!Number.isSafeInteger(number) || !isDay(day)) return null;
  const made = dataPath(table, system, day, number);
  return path === made || path === made.replaceAll("%2A", "*") ? number : null;
}

function isDay(day: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(day) && !Number.isNaN(dayStartMs(day)) && dayOf(dayStartMs(day)) === day;
}

/** UTC day of an instant, `2026-11-20`. */
export function dayOf(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(0, 10);
}

export function dayStartMs(day: string): number {
  return Date.parse(`${day}T00:00:00Z`);
}

export function nextDay(day: string): string {
  return dayOf(dayStartMs(day) + DAY_MS);
}
