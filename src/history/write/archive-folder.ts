/**
 * The archive's folder as its one writer holds it: locked, cleaned of what a crash left, changed by commits only.
 *
 *   commit: files of new rows are whole ─▶ manifest replaced (files, positions, coverage: all or nothing) ─▶ what it no
 *   longer names is removed
 */
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { StorageError } from "../../errors.ts";
import { UNFINISHED, makeFolder } from "../files/durable-files.ts";
import { lockFolder, takeLock, type FolderLock } from "../files/folder-lock.ts";
import { listJournals } from "../files/journal.ts";
import { filesLockPath, journalName, TABLES } from "../files/layout.ts";
import { EMPTY_MANIFEST, readManifest, writeManifest, type Manifest } from "../files/manifest.ts";
import type { OpenParquet, ParquetFiles } from "../files/parquet-jobs.ts";
import { ParquetProcess } from "./parquet-process.ts";
import { realPath, removeInside, requireOwn, requireOwnFile } from "../files/safe-paths.ts";
import { unusableFolder } from "../files/storage-problem.ts";

/** Changes to the manifest: what is given replaces. */
export type ManifestChange = Partial<Omit<Manifest, "format" | "revision" | "nextFile">>;

const ORPHAN_PATIENCE_MS = 10_000;

export class ArchiveFolder {
  readonly path: string;
  readonly parquet: ParquetFiles;
  readonly #lock: FolderLock;
  #manifest: Manifest;
  #nextFile: number;
  #committing: Promise<void> = Promise.resolve();

  private constructor(path: string, parquet: ParquetFiles, lock: FolderLock, manifest: Manifest) {
    this.path = path;
    this.parquet = parquet;
    this.#lock = lock;
    this.#manifest = manifest;
    this.#nextFile = manifest.nextFile;
  }

  /**
   * @param openParquet by default in a process of its own
   * @throws StorageError when the folder is another process's, or cannot be used
   */
  static async open(
    path: string,
    openParquet: OpenParquet = (folder) => new ParquetProcess(folder),
  ): Promise<ArchiveFolder> {
    await makeFolder(path).catch((error: unknown) => {
      throw unusableFolder(path, error);
    });
    requireOwn(path);
    const lock = await lockFolder(path);
    try {
      for (const inside of [...TABLES, "journal"]) realPath(path, `${inside}/.`);
      requireOwnFile(filesLockPath(path));
      // A killed writer's process may still be making a file: it ends as soon as it sees that nobody wants it.
      (await takeLock(filesLockPath(path), ORPHAN_PATIENCE_MS))();
      const manifest = (await readManifest(path)) ?? (await begin(path));
      await removeLeftovers(path, manifest);
      return new ArchiveFolder(path, openParquet(path), lock, manifest);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  get manifest(): Manifest {
    return this.#manifest;
  }

  /** A number that no file has had. */
  takeFileNumber(): number {
    this.#nextFile += 1;
    return this.#nextFile - 1;
  }

  /** Replaces the manifest, one commit at a time; then removes the files and journals it no longer names. */
  async commit(change: (manifest: Manifest) => ManifestChange): Promise<void> {
    const turn = this.#committing.then(async () => this.#replace(change));
    // The next commit waits for this one, whatever becomes of it.
    this.#committing = turn.catch(() => {});
    return turn;
  }

  async #replace(change: (manifest: Manifest) => ManifestChange): Promise<void> {
    const before = this.#manifest;
    const changed = { ...before, ...change(before) };
    const after: Manifest = {
      ...changed,
      format: changed.files.some(({ systems }) => systems !== undefined) ? 2 : 1,
      revision: before.revision + 1,
      nextFile: this.#nextFile,
    };
    await writeManifest(this.path, after);
    this.#manifest = after;
    await this.#remove(before, after);
  }

  /** Files that did not come to their commit: removed, unless the manifest on disk names them after all. */
  async discard(paths: readonly string[]): Promise<void> {
    const manifest = await readManifest(this.path).catch(() => null);
    if (manifest === null) return;
    const named = new Set(manifest.files.map(({ path }) => path));
    for (const path of paths) if (!named.has(path)) await removeInside(this.path, path).catch(() => {});
  }

  async #remove(before: Manifest, after: Manifest): Promise<void> {
    const named = new Set(after.files.map(({ path }) => path));
    const gone = before.files.map(({ path }) => path).filter((path) => !named.has(path));
    for (let number = before.journalFrom; number < after.journalFrom; number += 1)
      gone.push(journalName(number));
    // What cannot be removed now is removed at the next start.
    for (const path of gone) await removeInside(this.path, path).catch(() => {});
  }

  /** Lets go of the folder. */
  async close(): Promise<void> {
    await this.#committing;
    await this.parquet.close();
    this.#lock.release();
  }
}

/**
 * The manifest of a new archive, there before any file is.
 * @throws StorageError when files are there without one: it was lost, and they would be taken for leftovers
 */
async function begin(folder: string): Promise<Manifest> {
  const [file] = await dataFiles(folder);
  if (file !== undefined)
    throw new StorageError(
      "VELOSTREAM_STORAGE_INVALID",
      `${folder} has data files (${file}) but no manifest.json. Restore it from a backup, or name another folder with --data-dir.`,
    );
  await writeManifest(folder, EMPTY_MANIFEST);
  return EMPTY_MANIFEST;
}

/** Files by the names that this program gives them, inside the folder; a stranger's are left alone. */
async function dataFiles(folder: string): Promise<readonly string[]> {
  const files: string[] = [];
  for (const table of TABLES) {
    const entries = await readdir(realPath(folder, table), { recursive: true, withFileTypes: true }).catch(
      () => [],
    );
    for (const entry of entries)
      if (entry.isFile() && /^\d{8,15}\.parquet(\.tmp)?$/.test(entry.name))
        files.push(
          join(entry.parentPath, entry.name)
            .slice(folder.length + 1)
            .replaceAll("\\", "/"),
        );
  }
  return files;
}

/** Removes what the manifest does not name: files of a flush or a compaction that did not come to its commit. */
async function removeLeftovers(folder: string, manifest: Manifest): Promise<void> {
  const named = new Set(manifest.files.map(({ path }) => path));
  for (const path of await dataFiles(folder)) if (!named.has(path)) await removeInside(folder, path);
  await rm(join(folder, `manifest.json${UNFINISHED}`), { force: true });
  for (const number of await listJournals(folder))
    if (number < manifest.journalFrom) await removeInside(folder, journalName(number));
}
