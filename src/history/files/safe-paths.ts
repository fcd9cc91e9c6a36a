/**
 * Where the archive's files really are: nothing in its folder is a link, so that nothing outside is read, written or
 * removed through one. The folder itself may be reached by links: that is its owner's choice.
 */
import { constants, lstatSync, type Stats } from "node:fs";
import { open, rm, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { StorageError } from "../../errors.ts";
import { unusableFolder } from "./storage-problem.ts";

/** Makes a file where nothing is, through no link. */
const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/**
 * @param inside path inside the folder, with `/`
 * @param looked folders that were looked at a moment ago
 * @returns where it is
 * @throws StorageError when a link, or what is no file or folder, is on its way
 */
export function realPath(folder: string, inside: string, looked = new Set<string>()): string {
  const parts = inside.split("/");
  let path = folder;
  for (const [index, part] of parts.entries()) {
    path = join(path, part);
    const isLast = index === parts.length - 1;
    if (!isLast && looked.has(path)) continue;
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found === undefined) return join(folder, ...parts);
    if (found.isSymbolicLink() || !(isLast || found.isDirectory())) throw strange(path, found);
    if (!isLast) looked.add(path);
  }
  return path;
}

/** Removes a file of the archive, if it is there. @throws StorageError when it is not really inside */
export async function removeInside(folder: string, inside: string): Promise<void> {
  await rm(realPath(folder, inside), { force: true });
}

/** Opens a file to be made: what stood there under this name, a link too, is removed, not written to. */
export async function openNew(path: string): Promise<FileHandle> {
  await rm(path, { force: true });
  return open(path, NEW_FILE, 0o644);
}

/**
 * The folder belongs to this user: somebody else's could change under our hands.
 * @throws StorageError when it is another user's; root writes anybody's
 */
export function requireOwn(folder: string): void {
  const me = process.geteuid?.();
  const { uid } = lstatSync(join(folder, "."));
  if (me === undefined || me === 0 || uid === me || uid === 0) return;
  throw new StorageError(
    "VELOSTREAM_STORAGE_INVALID",
    `${folder} belongs to another user (${uid}, this is ${me}). Change its owner, or name another folder with --data-dir.`,
  );
}

/** @throws StorageError when a file that is opened by name is a link, no file, or another user's */
export function requireOwnFile(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (found.isSymbolicLink()) throw strange(path, found);
  const me = process.geteuid?.();
  if (me === undefined || me === 0 || found.uid === me || found.uid === 0) return;
  throw new StorageError(
    "VELOSTREAM_STORAGE_INVALID",
    `${path} belongs to another user (${found.uid}, this is ${me}). Remove it, or name another folder with --data-dir.`,
  );
}

function strange(path: string, found: Stats): StorageError {
  if (!found.isSymbolicLink()) return unusableFolder(path, { code: "ENOTDIR" });
  return new StorageError(
    "VELOSTREAM_STORAGE_INVALID",
    `${path} is a link: nothing in an archive is. Remove it, or restore the archive from a backup.`,
  );
}
