/** Finds the files of a recording: captures of station_status, and what stands beside them. */
import type { Dirent } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { StorageError } from "../errors.ts";

/** One file of a recording. */
export interface RecordedFile {
  readonly path: string;
  readonly name: string;
  /** `ndjson`: one capture a line; `csv`: a table of Paris' open data. */
  readonly format: "json" | "ndjson" | "csv";
  readonly gzip: boolean;
  /** The time in its name, epoch ms; null when its name has none (a date alone is none). */
  readonly nameTimeMs: number | null;
  readonly modifiedAtMs: number;
}

export interface RecordingFiles {
  /** As the user named it. */
  readonly path: string;
  /** Name of the folder: the system's, where no file names one. */
  readonly folder: string;
  /** Never empty; in order of name. */
  readonly status: readonly RecordedFile[];
  /** In order of name: the last one wins. */
  readonly information: readonly RecordedFile[];
  readonly vehicleTypes: readonly RecordedFile[];
  readonly system: readonly RecordedFile[];
  readonly regions: readonly RecordedFile[];
}

const DATA_FILE = /\.(json|ndjson|jsonl|csv)(\.gz)?$/i;
const KINDS = {
  status: /station[_-]?status/i,
  information: /station[_-]?info/i,
  vehicleTypes: /vehicle[_-]?types/i,
  system: /system[_-]?information/i,
  regions: /system[_-]?regions/i,
} as const;
/** Other files of GBFS: no captures, whatever else is in the folder. */
const OTHER =
  /gbfs|manifest|system[_-]|geofencing|free[_-]?bike|vehicle[_-]|station[_-]?(info|alert)|package|tsconfig/i;

/**
 * Looks at `path`: a folder, or one file whose folder holds the rest.
 * @throws StorageError (VELOSTREAM_STORAGE_INVALID) when there is nothing to replay, saying what was looked for
 */
export async function findRecording(path: string): Promise<RecordingFiles> {
  const unreadable = (error: unknown): never => {
    const reason = (error as NodeJS.ErrnoException).code ?? String(error);
    throw noRecording(path, `cannot be read (${reason})`, error);
  };
  const found = await stat(path).catch(unreadable);
  if (!found.isDirectory() && !found.isFile()) throw noRecording(path, "is neither a folder nor a file");
  const folder = found.isDirectory() ? path : dirname(path);
  const entries = await readdir(folder, { withFileTypes: true }).catch(unreadable);
  const files: RecordedFile[] = [];
  for (const { name } of entries.toSorted((a, b) => compareNames(a.name, b.name))) {
    if (!DATA_FILE.test(name)) continue;
    const file = await describeFile(folder, name);
    if (file !== null) files.push(file);
  }
  const of = (kind: RegExp): RecordedFile[] =>
    files.filter(({ name, format }) => format !== "csv" && kind.test(name));
  const single = found.isDirectory() ? null : await describeFile(folder, basename(path));
  const status = single === null ? statusOf(path, entries, files) : [single];
  return {
    path,
    folder: basename(await realpath(folder)),
    status,
    information: of(KINDS.information),
    vehicleTypes: of(KINDS.vehicleTypes),
    system: of(KINDS.system),
    regions: of(KINDS.regions),
  };
}

/** The captures of a folder: files named station_status; where there are none, all that are no other GBFS file. */
function statusOf(
  path: string,
  entries: readonly Dirent[],
  files: readonly RecordedFile[],
): readonly RecordedFile[] {
  const named = files.filter(({ name }) => KINDS.status.test(name));
  if (named.length > 0) return named;
  const unnamed = files.filter(({ name, format }) => format !== "csv" && !OTHER.test(name));
  if (unnamed.length > 0) return unnamed;
  // Tables stand beside captures for other ends too: they are captures where nothing else is.
  const tables = files.filter(({ format }) => format === "csv");
  if (tables.length > 0) return tables;
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  if (folders.length > 0)
    throw noRecording(
      path,
      `holds no station_status file, but folders: ${list(folders)}`,
      null,
      "Name one of them",
    );
  if (files.length > 0)
    throw noRecording(path, `holds no station_status file, only ${list(files.map(({ name }) => name))}`);
  throw noRecording(
    path,
    entries.length === 0 ? "is an empty folder" : "holds no .json, .ndjson or .csv file",
  );
}

function formatOf(name: string): RecordedFile["format"] {
  if (/\.csv(\.gz)?$/i.test(name)) return "csv";
  return /\.(ndjson|jsonl)(\.gz)?$/i.test(name) ? "ndjson" : "json";
}

/** null for what is no file: a folder of that name, a link to nowhere. */
async function describeFile(folder: string, name: string): Promise<RecordedFile | null> {
  const path = join(folder, name);
  const found = await stat(path).catch(() => null);
  if (found === null || !found.isFile()) return null;
  return {
    path,
    name,
    format: formatOf(name),
    gzip: /\.gz$/i.test(name),
    nameTimeMs: timeInName(name),
    modifiedAtMs: found.mtimeMs,
  };
}

const DATE_TIME =
  /(?<!\d)(20\d\d)[-_]?([01]\d)[-_]?([0-3]\d)[-_T ]?([0-2]\d)[-_:h]?([0-5]\d)(?:[-_:m]?([0-5]\d))?(?!\d)/i;
const EPOCH = /(?<!\d)(1\d{9})(\d{3})?(?!\d)/;

/** The time that a file's name tells: `2025-10-18T09-09-16Z`, `20251018_090916` (both UTC), or epoch seconds or ms. */
export function timeInName(name: string): number | null {
  const epoch = EPOCH.exec(name);
  if (epoch !== null) return Number(epoch[1]) * 1000 + Number(epoch[2] ?? 0);
  const match = DATE_TIME.exec(name);
  if (match === null) return null;
  const [, year, month, day, hour, minute, second = "00"] = match;
  const timeMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(timeMs) ? null : timeMs;
}

/** `poll-9` before `poll-10`. */
function compareNames(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}

function list(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(", ");
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}

/** Why a path is no recording, with what to name instead. */
export function noRecording(
  path: string,
  what: string,
  cause: unknown = null,
  remedy = "Name a folder of captured station_status files, or an NDJSON file of them",
): StorageError {
  return new StorageError(
    "VELOSTREAM_STORAGE_INVALID",
    `Recording ${path === "-" ? "on stdin" : path} ${what}. ${remedy}.`,
    {
      ...(cause !== null && { cause }),
    },
  );
}
