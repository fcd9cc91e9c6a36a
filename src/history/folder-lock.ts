/**
 * One writer per archive: a lock that the operating system lets go of when the process dies, however it dies. Node has
 * no file locks, DuckDB takes one on every database file that it opens to write.
 */
import { realpath } from "node:fs/promises";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { StorageError } from "../errors.ts";

export interface FolderLock {
  release(): void;
}

/** DuckDB's lock does not hold within one process. */
const HELD = new Set<string>();

/** @throws StorageError when another process, or this one, writes there already */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const path = join(await realpath(folder), "writer.lock");
  if (HELD.has(path)) throw locked(folder, null);
  HELD.add(path);
  try {
    const instance = await DuckDBInstance.create(path, { threads: "1", memory_limit: "32MB" });
    return {
      release: () => {
        instance.closeSync();
        HELD.delete(path);
      },
    };
  } catch (error) {
    HELD.delete(path);
    const text = error instanceof Error ? error.message : String(error);
    if (/lock/i.test(text)) throw locked(folder, error);
    throw new StorageError(
      "VELOSTREAM_STORAGE_UNAVAILABLE",
      `Cannot write in ${folder} (${text.split("\n")[0] ?? ""}). Check its permissions and free space.`,
      { cause: error },
    );
  }
}

function locked(folder: string, cause: unknown): StorageError {
  const pid = /PID (\d+)/.exec(cause instanceof Error ? cause.message : "")?.[1];
  return new StorageError(
    "VELOSTREAM_STORAGE_UNAVAILABLE",
    `Another velostream writes the archive in ${folder}${pid === undefined ? "" : ` (process ${pid})`}. Stop it, or name another folder with --data-dir.`,
    { cause },
  );
}
