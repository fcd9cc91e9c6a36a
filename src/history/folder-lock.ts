/**
 * One writer per archive: a lock that the operating system lets go of when the process dies, however it dies. Node has
 * no file locks, DuckDB takes one on every database file that it opens to write.
 */
import { realpath, rm, stat } from "node:fs/promises";
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
    const instance = await openLock(path);
    return {
      release: () => {
        instance.closeSync();
        HELD.delete(path);
      },
    };
  } catch (error) {
    HELD.delete(path);
    if (isConflict(error)) throw locked(folder, error);
    const text = error instanceof Error ? error.message : String(error);
    throw new StorageError(
      "VELOSTREAM_STORAGE_UNAVAILABLE",
      `Cannot write in ${folder} (${text.split("\n")[0] ?? ""}). Check its permissions and free space.`,
      { cause: error },
    );
  }
}

/** A lock file that a kill, a power cut or a full disk left half made is nobody's, and is made anew. */
async function openLock(path: string): Promise<DuckDBInstance> {
  const options = { threads: "1", memory_limit: "32MB" };
  const before = await stat(path).catch(() => null);
  try {
    return await DuckDBInstance.create(path, options);
  } catch (error) {
    const after = await stat(path).catch(() => null);
    const isBroken = /not a valid DuckDB database|could not read enough bytes|corrupt/i.test(String(error));
    if (!isBroken || after === null || after.ino !== before?.ino) throw error;
    await rm(path);
    return DuckDBInstance.create(path, options);
  }
}

/** DuckDB says so; the path itself has the word "lock" in it. */
function isConflict(error: unknown): boolean {
  return /could not set lock|conflicting lock/i.test(error instanceof Error ? error.message : String(error));
}

function locked(folder: string, cause: unknown): StorageError {
  const pid = /PID (\d+)/.exec(cause instanceof Error ? cause.message : "")?.[1];
  return new StorageError(
    "VELOSTREAM_STORAGE_UNAVAILABLE",
    `Another velostream writes the archive in ${folder}${pid === undefined ? "" : ` (process ${pid})`}. Stop it, or name another folder with --data-dir.`,
    { cause },
  );
}
