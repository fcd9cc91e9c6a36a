/** Files that are there whole or not at all, also after a power cut: written aside, synced, renamed, folder synced. */
import { constants } from "node:fs";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { openNew } from "./safe-paths.ts";

/** Ends in this until it is whole; what is left of a crash is removed at the next start. */
export const UNFINISHED = ".tmp";

export async function writeWhole(path: string, text: string): Promise<void> {
  const unfinished = `${path}${UNFINISHED}`;
  const file = await openNew(unfinished);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(unfinished, path);
  await syncFolder(dirname(path));
}

/** Writes bytes as a file that is there whole or not at all. */
export async function writeBytes(path: string, bytes: Uint8Array): Promise<void> {
  return makeWhole(path, async (unfinished) => {
    const file = await openNew(unfinished);
    try {
      await file.writeFile(bytes);
    } finally {
      await file.close();
    }
  });
}

/**
 * Lets `write` make a file aside, then puts it in its place.
 * @param write makes the whole file at the path it is given, where nothing is
 */
export async function makeWhole(path: string, write: (unfinished: string) => Promise<void>): Promise<void> {
  await makeFolder(dirname(path));
  const unfinished = `${path}${UNFINISHED}`;
  try {
    await rm(unfinished, { force: true });
    await write(unfinished);
    const file = await open(unfinished, constants.O_RDWR | constants.O_NOFOLLOW);
    try {
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(unfinished, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(unfinished, { force: true }).catch(() => {});
    throw error;
  }
}

/** Makes a folder and those above it, and syncs the topmost one made into its parent. */
export async function makeFolder(path: string): Promise<void> {
  const made = await mkdir(path, { recursive: true });
  if (made === undefined) return;
  for (let folder = path; folder.length >= made.length; folder = dirname(folder))
    await syncFolder(dirname(folder));
}

async function syncFolder(path: string): Promise<void> {
  // Some systems cannot open a folder, and need not sync one.
  const folder = await open(path, "r").catch(() => null);
  if (folder === null) return;
  try {
    await folder.sync();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "EINVAL" && code !== "EPERM" && code !== "EISDIR") throw error;
  } finally {
    await folder.close();
  }
}
