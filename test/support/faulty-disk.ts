/**
 * A disk that is full, or fails, when the test says so: every file that is opened from now on fails as a real one does,
 * with a part of what was to be written in it.
 */
import fs, { type FileHandle } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";

export interface FaultyDisk {
  /** Whether the next operation fails. */
  fails(operation: "open" | "write" | "sync" | "truncate" | "rename" | "mkdir"): boolean;
}

/** @returns mends the disk for good */
export function faultyDisk(disk: FaultyDisk): () => void {
  const real = { open: fs.open, rename: fs.rename, mkdir: fs.mkdir };
  const full = (): Error => Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
  const faulty = {
    open: async (...args: Parameters<typeof fs.open>): Promise<FileHandle> => {
      const [, flags] = args;
      const writes = typeof flags === "number" && (flags & 3) !== 0;
      if (writes && disk.fails("open")) throw full();
      const handle = await real.open(...args);
      if (!writes) return handle;
      const write = handle.appendFile.bind(handle);
      const writeFaulty = async (data: string | Uint8Array): Promise<void> => {
        if (!disk.fails("write")) return write(data);
        const bytes = Buffer.from(data as Uint8Array);
        await write(bytes.subarray(0, Math.floor(bytes.length * 0.6)));
        throw full();
      };
      handle.appendFile = writeFaulty as FileHandle["appendFile"];
      handle.writeFile = writeFaulty as FileHandle["writeFile"];
      for (const [name, kind] of [
        ["sync", "sync"],
        ["datasync", "sync"],
        ["truncate", "truncate"],
      ] as const) {
        const works = handle[name].bind(handle);
        handle[name] = async (length?: number) => {
          if (disk.fails(kind)) throw full();
          return works(length);
        };
      }
      return handle;
    },
    rename: async (...args: Parameters<typeof fs.rename>) => {
      if (disk.fails("rename")) throw full();
      return real.rename(...args);
    },
    mkdir: async (...args: Parameters<typeof fs.mkdir>) => {
      if (disk.fails("mkdir")) throw full();
      return real.mkdir(...args);
    },
  };
  Object.assign(fs, faulty);
  syncBuiltinESMExports();
  return () => {
    Object.assign(fs, real);
    syncBuiltinESMExports();
  };
}
