/**
 * The manifest: the one file that says what the archive is. Parquet files that it does not name do not exist; positions
 * stand in it beside the files that hold their rows, so that both change at once or not at all.
 */
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { StorageError } from "../../errors.ts";
import { writeWhole } from "./durable-files.ts";
import { manifestPath, numberOfPath, TABLES } from "./layout.ts";

const timeMs = z.number();

const DataFile = z.object({
  /** Inside the history folder. */
  path: z.string(),
  table: z.enum(TABLES),
  /** Whose rows it holds; absent where several systems share it. */
  system: z.string().optional(),
  /** Of a file that several systems share: the first and the last of them, as JavaScript sorts. Since format 2. */
  systems: z.tuple([z.string(), z.string()]).optional(),
  day: z.string(),
  rows: z.int().nonnegative(),
  bytes: z.int().nonnegative(),
  /** Sorted whole: no compaction is needed. */
  sealed: z.boolean(),
  /** Of keyframes: the epochs whose state it holds. */
  epochs: z.array(z.int()).optional(),
});
export type DataFile = z.infer<typeof DataFile>;

/** Whether a file may hold rows of a system. */
export function mayHold({ system, systems }: Pick<DataFile, "system" | "systems">, wanted: string): boolean {
  if (system !== undefined) return system === wanted;
  return systems !== undefined && systems[0] <= wanted && wanted <= systems[1];
}

const Span = z.object({
  system: z.string(),
  epoch: z.int(),
  fromMs: timeMs,
  toMs: timeMs,
  patienceMs: timeMs,
});

const Manifest = z.object({
  /** 2 once several systems share a file: programs that know format 1 alone must not read it. */
  format: z.union([z.literal(1), z.literal(2)]),
  revision: z.int(),
  nextFile: z.int().nonnegative(),
  /** Journals below this one are in Parquet files. */
  journalFrom: z.int().nonnegative(),
  epochs: z.array(
    z.object({
      id: z.int(),
      kind: z.enum(["kafka", "memory", "import"]),
      topics: z.array(z.string()),
      openedAtMs: timeMs,
      /** Absent where they are not known: brokers before 2.8, an earlier version. */
      topicIds: z.record(z.string(), z.string()).optional(),
      /** The first day with rows of it; absent where an earlier version did not write it. */
      fromDay: z.string().optional(),
    }),
  ),
  /** Whether all of it is simulated; the two are never mixed. Absent until there is a row. */
  simulated: z.boolean().optional(),
  /** Next offset to read by `topic:partition`, of the newest Kafka epoch. */
  positions: z.record(z.string(), z.int().nonnegative()),
  spans: z.array(Span),
  /** What of the spans may still change as earlier records come (coverage.ts). */
  unsettled: z
    .array(
      z.object({
        system: z.string(),
        epoch: z.int(),
        settled: Span.nullable(),
        timesMs: z.array(timeMs),
        missing: z.array(z.object({ fromMs: timeMs, toMs: timeMs })),
        /** By partition, those of totals as −1, −2 and so on: the time of the last record. */
        lanes: z.array(z.tuple([z.int(), timeMs])).optional(),
      }),
    )
    .optional(),
  /** Gaps with a reason of their own. */
  gaps: z.array(z.object({ system: z.string(), fromMs: timeMs, toMs: timeMs, reason: z.string() })),
  files: z.array(DataFile),
});
export type Manifest = Readonly<z.infer<typeof Manifest>>;
export type RecordedGap = Manifest["gaps"][number];
/** Why records are missing that the log once had. */
export type GapReason = "compacted" | "retention" | "disk_full" | "not_writable" | "journal_damaged";

export const EMPTY_MANIFEST: Manifest = {
  format: 1,
  revision: 0,
  nextFile: 1,
  journalFrom: 1,
  epochs: [],
  positions: {},
  spans: [],
  gaps: [],
  files: [],
};

/**
 * null where there is no archive yet.
 * @throws StorageError when there is one that this version cannot read
 */
export async function readManifest(folder: string): Promise<Manifest | null> {
  const path = manifestPath(folder);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw unusable(path, "cannot be read", error);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw unusable(path, "is not JSON", error);
  }
  const parsed = Manifest.safeParse(value);
  if (parsed.success) return itsOwn(path, parsed.data);
  const format = (value as { format?: unknown } | null)?.format;
  if (typeof format === "number" && format !== 1 && format !== 2)
    throw new StorageError(
      "VELOSTREAM_STORAGE_INVALID",
      `The archive in ${folder} is of format ${format}, this version reads formats 1 and 2. Use a newer velostream.`,
    );
  throw unusable(path, `is not a manifest (${z.prettifyError(parsed.error).split("\n")[0] ?? ""})`, null);
}

/**
 * The manifest, when every file that it names is one that an archive makes: what it names is opened and removed.
 * @throws StorageError when somebody else has written into it
 */
function itsOwn(path: string, manifest: Manifest): Manifest {
  const named = new Set<string>();
  let nextFile = manifest.nextFile;
  for (const file of manifest.files) {
    const number = numberOfPath(file.path, file.table, file.system ?? null, file.day);
    if (number === null || named.has(file.path))
      throw unusable(path, `names ${JSON.stringify(file.path)}, which is not a file of this archive`, null);
    named.add(file.path);
    nextFile = Math.max(nextFile, number + 1);
  }
  return nextFile === manifest.nextFile ? manifest : { ...manifest, nextFile };
}

export async function writeManifest(folder: string, manifest: Manifest): Promise<void> {
  await writeWhole(manifestPath(folder), JSON.stringify(manifest));
}

function unusable(path: string, what: string, cause: unknown): StorageError {
  return new StorageError(
    "VELOSTREAM_STORAGE_INVALID",
    `${path} ${what}. Restore it from a backup, or name another folder with --data-dir.`,
    { cause },
  );
}
