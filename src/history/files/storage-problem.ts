/** What is wrong with a disk, for people. */
import { AppError, StorageError } from "../../errors.ts";

/** There is no space left, or none that this user may take. DuckDB says so in words only. */
export function isDiskFull(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ENOSPC" || code === "EDQUOT" || /no space left|disk (is )?full/i.test(textOf(error));
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
}

/** One sentence with its remedy. */
export function storageProblem(folder: string, error: unknown): string {
  if (error instanceof AppError) return error.message;
  const { code } = error as NodeJS.ErrnoException;
  const text = textOf(error);
  if (isDiskFull(error)) return `The disk of ${folder} is full. Free some space, or keep less with --retain.`;
  return `The archive in ${folder} cannot be written (${code ?? text}). Check the disk and its permissions.`;
}

/** A folder that cannot be made, or not be read: no permission, a file in its way, a read-only disk. */
export function unusableFolder(folder: string, error: unknown): StorageError {
  const { code = String(error) } = error as NodeJS.ErrnoException;
  return new StorageError(
    "VELOSTREAM_STORAGE_UNAVAILABLE",
    `The folder ${folder} cannot be used (${code}). Check its permissions, or name another with --data-dir.`,
    { cause: error },
  );
}

/** What stops the opening of an archive, as an error with its remedy: a full disk is no bug. */
export function notWritable(folder: string, error: unknown): Error {
  const { code } = error as NodeJS.ErrnoException;
  if (error instanceof AppError || (code === undefined && !isDiskFull(error))) return error as Error;
  return new StorageError("VELOSTREAM_STORAGE_UNAVAILABLE", storageProblem(folder, error), { cause: error });
}
