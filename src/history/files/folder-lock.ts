/**
 * One writer per archive: a lock that the operating system lets go of when the process dies, however it dies. Node has
 * no file locks of its own, the SQLite inside it takes one on every database that it opens to write.
 *
 * Earlier versions had DuckDB take it, on the same file: that lock and this one keep each other out.
 */
import { readFile, realpath, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { StorageError } from "../../errors.ts";
import { openNew, requireOwnFile } from "./safe-paths.ts";

export interface FolderLock {
  release(): void;
}

/** SQLite's result codes. */
const BUSY = 5;
const NOT_A_DATABASE = 26;

/** Locks of this process: SQLite sees them too, but one message is enough. */
const HELD = new Set<string>();

/** @throws StorageError when another process, or this one, writes there already */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const path = join(await realpath(folder), "writer.lock");
  if (HELD.has(path)) throw await locked(folder, null);
  HELD.add(path);
  try {
    requireOwnFile(path);
    const release = await takeLock(path);
    await writePid(folder).catch(() => {});
    return {
      release: () => {
        release();
        HELD.delete(path);
      },
    };
  } catch (error) {
    HELD.delete(path);
    if (error instanceof StorageError) throw error;
    if (codeOf(error) === BUSY) throw await locked(folder, error);
    const text = error instanceof Error ? error.message : String(error);
    throw new StorageError(
      "VELOSTREAM_STORAGE_UNAVAILABLE",
      `Cannot write in ${folder} (${text.split("\n")[0] ?? ""}). Check its permissions and free space.`,
      { cause: error },
    );
  }
}

/**
 * Takes a lock on a file that is made for it. What stands there and is no database of SQLite's, and locked by nobody, is
 * an earlier version's, or was left half made, and is made anew.
 * @param patienceMs how long to wait for another process to let go of it
 * @returns lets go of it
 */
export async function takeLock(path: string, patienceMs = 0): Promise<() => void> {
  const before = await stat(path).catch(() => null);
  try {
    return openLock(path, patienceMs);
  } catch (error) {
    const after = await stat(path).catch(() => null);
    if (codeOf(error) !== NOT_A_DATABASE || after === null || after.ino !== before?.ino) throw error;
    await rm(path);
    return openLock(path, patienceMs);
  }
}

function openLock(path: string, timeout: number): () => void {
  const database = new DatabaseSync(path, { timeout });
  try {
    database.exec("PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    throw error;
  }
  return () => database.close();
}

function codeOf(error: unknown): number | undefined {
  return (error as { readonly errcode?: number }).errcode;
}

/** For the message that another one gives; nothing else is told by it. */
async function writePid(folder: string): Promise<void> {
  const file = await openNew(pidPath(folder));
  try {
    await file.writeFile(`${process.pid}\n`);
  } finally {
    await file.close();
  }
}

function pidPath(folder: string): string {
  return join(folder, "writer.pid");
}

async function locked(folder: string, cause: unknown): Promise<StorageError> {
  const pid = await readFile(pidPath(folder), "utf8").then(
    (text) => /^\d+$/m.exec(text)?.[0],
    () => undefined,
  );
  return new StorageError(
    "VELOSTREAM_STORAGE_UNAVAILABLE",
    `Another velostream writes the archive in ${folder}${pid === undefined ? "" : ` (process ${pid})`}. Stop it, or name another folder with --data-dir.`,
    { cause },
  );
}
