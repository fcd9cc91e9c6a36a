/**
 * The journal: what is acknowledged but not in a Parquet file yet. One line a batch, synced before it counts:
 *
 *   <crc32 of the JSON, 8 hex digits> <JSON>\n
 *
 * A line that is cut off or damaged at the end was never acknowledged, and ends the file.
 */
import { constants } from "node:fs";
import { open, readdir, readFile, rm, type FileHandle } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { makeFolder } from "./durable-files.ts";
import { readFrame, type Frame } from "./journal-frame.ts";
import { journalFolder, journalName, journalNumber, journalPath } from "./layout.ts";
import { realPath } from "./safe-paths.ts";
import { unusableFolder } from "./storage-problem.ts";

export function encodeFrame(frame: Frame): Buffer {
  const json = Buffer.from(JSON.stringify(frame));
  return Buffer.concat([
    Buffer.from(`${crc32(json).toString(16).padStart(8, "0")} `),
    json,
    Buffer.from("\n"),
  ]);
}

/**
 * The whole frames of a journal's bytes, and how many bytes they take.
 * @throws StorageError when one is whole, but no frame
 */
function decodeFrames(
  bytes: Buffer,
  path: string,
): {
  readonly frames: readonly Frame[];
  readonly ends: readonly number[];
  readonly length: number;
} {
  const frames: Frame[] = [];
  const ends: number[] = [];
  let length = 0;
  for (;;) {
    const end = bytes.indexOf(0x0a, length);
    if (end === -1 || end - length < 10) break;
    const json = bytes.subarray(length + 9, end);
    const sum = Number.parseInt(bytes.toString("latin1", length, length + 8), 16);
    if (bytes[length + 8] !== 0x20 || sum !== crc32(json)) break;
    frames.push(readFrame(json, path));
    length = end + 1;
    ends.push(length);
  }
  return { frames, ends, length };
}

/** Where frames go; a test may put a full disk behind it. */
export interface JournalFile {
  /** Resolves when the bytes will survive a power cut; otherwise they do not count, and the next ones take their place. */
  append(bytes: Buffer): Promise<void>;
  /** Cuts off what does not count; rejects when it cannot. Call before another journal is begun. */
  mend(): Promise<void>;
  close(): Promise<void>;
}

export type OpenJournal = (folder: string, number: number) => Promise<JournalFile>;

/** A journal is made, never opened where something is, and always written at its end: no frame stands behind a hole. */
const NEW_FILE =
  constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_APPEND | constants.O_NOFOLLOW;

/** Makes journal `number`; there must be none. */
export const createJournal: OpenJournal = async (folder, number) => {
  await makeFolder(journalFolder(folder));
  const path = realPath(folder, journalName(number));
  const handle = await open(path, NEW_FILE);
  try {
    await syncFolderOf(folder);
  } catch (error) {
    await handle.close();
    // Left there, it would be in the way of the next try.
    await rm(path, { force: true });
    throw error;
  }
  /** Bytes of whole frames. */
  let length = 0;
  /** Part of a frame may stand behind these. */
  let torn = false;
  const mend = async (): Promise<void> => {
    if (!torn) return;
    await handle.truncate(length);
    torn = false;
  };
  return {
    async append(bytes) {
      await mend();
      try {
        await handle.appendFile(bytes);
        await handle.datasync();
        length += bytes.length;
      } catch (error) {
        torn = true;
        // When it cannot be cut off now either, it is before anything else is written.
        await mend().catch(() => {});
        throw error;
      }
    },
    mend,
    async close() {
      await mend().catch(() => {});
      await handle.close();
    },
  };
};

async function syncFolderOf(folder: string): Promise<void> {
  const handle: FileHandle = await open(journalFolder(folder), "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Numbers of the journals there are, ascending. */
export async function listJournals(folder: string): Promise<readonly number[]> {
  const names = await readdir(realPath(folder, "journal/.")).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw unusableFolder(journalFolder(folder), error);
  });
  return names
    .map(journalNumber)
    .filter((number) => number !== null)
    .sort((a, b) => a - b);
}

const READ_FILE = constants.O_RDONLY | constants.O_NOFOLLOW;
/** Bytes of a journal read at one go. */
const PIECE_BYTES = 256 * 1_024;

/** A frame, and where it ends in its journal. */
interface FrameAt {
  readonly frame: Frame;
  readonly end: number;
}

/** The whole frames of a journal from `start` on, a piece of it at a time; none when it is gone. */
export async function* readFrames(folder: string, number: number, start = 0): AsyncGenerator<FrameAt> {
  const file = await open(journalPath(folder, number), READ_FILE).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
  if (file === null) return;
  try {
    let rest = Buffer.alloc(0);
    let end = start;
    for (let position = start; ;) {
      const { bytesRead, buffer } = await file.read(
        Buffer.allocUnsafe(PIECE_BYTES),
        0,
        PIECE_BYTES,
        position,
      );
      if (bytesRead === 0) return;
      position += bytesRead;
      rest = Buffer.concat([rest, buffer.subarray(0, bytesRead)]);
      const { frames, ends, length } = decodeFrames(rest, journalPath(folder, number));
      for (const [index, frame] of frames.entries()) yield { frame, end: end + (ends[index] ?? 0) };
      rest = rest.subarray(length);
      end += length;
    }
  } finally {
    await file.close();
  }
}

/** null when the journal is gone: its rows are in Parquet files by now. */
export async function readJournal(
  folder: string,
  number: number,
): Promise<{ readonly frames: readonly Frame[]; readonly damagedBytes: number } | null> {
  const bytes = await readFile(journalPath(folder, number), { flag: READ_FILE }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return null;
      throw unusableFolder(journalFolder(folder), error);
    },
  );
  if (bytes === null) return null;
  const { frames, length } = decodeFrames(bytes, journalPath(folder, number));
  return { frames, damagedBytes: bytes.length - length };
}
