/** What a supervisor must remember of its query to find it again: one small file in the data folder. */
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import { StorageError } from "../../errors.ts";
import type { TopicNames } from "../../ports.ts";

/** Of the query: a record of another one only tells what to release. 2: keys are percent-encoded. */
export const QUERY_VERSION = 2;

const schema = z.object({
  version: z.int().positive(),
  rawTopic: z.string(),
  totalsTopic: z.string(),
  /** Names the query and its checkpoint folder; a new one begins from the start of the topic. */
  generation: z.string(),
  checkpoint: z.string(),
  slots: z.int().positive(),
  partitions: z.int().positive(),
  floors: z.array(z.int()),
  /** Spark was asked to start it: its checkpoint may hold something. */
  started: z.boolean(),
  /** The first batch is out and the areas it cannot know of have their tombstones. */
  handedOver: z.boolean(),
  sessionId: z.uuid(),
  queryId: z.string().nullable(),
  runId: z.string().nullable(),
  /** Next raw offsets after the last batch that was looked at, by partition. */
  covered: z.record(z.string(), z.int()),
});

export type QueryRecord = z.infer<typeof schema>;

/** Reads the file; null when there is none, or none that is of use: the query then begins anew, which is always right. */
export async function loadQueryRecord(file: string): Promise<QueryRecord | null> {
  try {
    const parsed = schema.safeParse(JSON.parse(await readFile(file, "utf8")));
    return parsed.success ? parsed.data : null;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || error instanceof SyntaxError) return null;
    throw unusable(file, error);
  }
}

/** Whether its query can go on. Before its first batch was looked at it may hold areas back: there is no telling. */
export function canGoOn(record: QueryRecord, topics: Pick<TopicNames, "raw" | "totals">): boolean {
  const isOfTopics = record.rawTopic === topics.raw && record.totalsTopic === topics.totals;
  return isOfTopics && record.handedOver && record.version === QUERY_VERSION;
}

/** Writes it whole or not at all: killed in between, the old one is still there. */
export async function saveQueryRecord(file: string, record: QueryRecord): Promise<void> {
  const partial = `${file}.${process.pid}.partial`;
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(partial, `${JSON.stringify(record, null, 2)}\n`);
    await rename(partial, file);
  } catch (error) {
    throw unusable(file, error);
  }
}

export function coveredOf(record: QueryRecord): Map<number, number> {
  return new Map(Object.entries(record.covered).map(([partition, next]) => [Number(partition), next]));
}

function unusable(file: string, error: unknown): StorageError {
  const { code } = error as NodeJS.ErrnoException;
  return new StorageError(
    "VELOSTREAM_STORAGE_UNAVAILABLE",
    `${file} cannot be used (${code ?? "unreadable"}). Check the folder, or name another with --data-dir.`,
    { cause: error },
  );
}
