/** Opens the archive under `--data-dir` to read it, beside its writer or without one. */
import { stat } from "node:fs/promises";
import type { Settings } from "../config/options.ts";
import { StorageError } from "../errors.ts";
import { ArchiveReader } from "../history/read/archive-reader.ts";
import { historyFolder } from "../history/files/layout.ts";

/**
 * Opens an archive that is there.
 * @throws StorageError when there is none
 */
export async function openReader(settings: Settings): Promise<ArchiveReader> {
  const folder = historyFolder(settings["data-dir"]);
  // Before the first files there is a journal only.
  if ((await stat(folder).catch(() => null)) === null)
    throw new StorageError(
      "VELOSTREAM_STORAGE_INVALID",
      `There is no archive in ${settings["data-dir"]}. Start "velostream run" or "velostream import" with it, or name another --data-dir.`,
    );
  return new ArchiveReader(folder);
}
