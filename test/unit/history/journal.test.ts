/** The journal on a disk that fills: what it could not take leaves no hole for what comes after. */
import assert from "node:assert/strict";
import fs, { type FileHandle } from "node:fs/promises";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { syncBuiltinESMExports } from "node:module";
import { test, type TestContext } from "node:test";
import {
  createJournal,
  encodeFrame,
  listJournals,
  readFrames,
  readJournal,
} from "../../../src/history/files/journal.ts";
import { StorageError } from "../../../src/errors.ts";
import type { Frame } from "../../../src/history/files/journal-frame.ts";
import { journalPath } from "../../../src/history/files/layout.ts";
import { temporaryFolder } from "../../support/archive.ts";

function frame(offset: number): Frame {
  return {
    epoch: { id: 1, kind: "kafka", topics: ["raw", "totals"], openedAtMs: 0 },
    positions: { "raw:0": offset },
    stations: [],
    areas: [],
    interrupted: false,
    gaps: [],
  };
}

/** Makes every file opened from now on fail as `disk` says: a part of a write lands, as on a real full disk. */
function faulty(context: TestContext, disk: { full: boolean; cutting: boolean }): void {
  const { open } = fs;
  context.mock.method(fs, "open", async (...args: Parameters<typeof open>): Promise<FileHandle> => {
    const handle = await open(...args);
    const [write, truncate] = [handle.appendFile.bind(handle), handle.truncate.bind(handle)];
    handle.appendFile = async (data) => {
      const bytes = data as Buffer;
      if (!disk.full) return write(bytes);
      await write(bytes.subarray(0, bytes.length >> 1));
      throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
    };
    handle.truncate = async (length) => {
      if (!disk.cutting) throw Object.assign(new Error("i/o error"), { code: "EIO" });
      return truncate(length);
    };
    return handle;
  });
  syncBuiltinESMExports();
  context.after(() => {
    context.mock.restoreAll();
    syncBuiltinESMExports();
  });
}

for (const cutting of [true, false])
  test(`after a full disk frames follow each other without a hole, ${cutting ? "" : "even if "}the torn one ${cutting ? "is" : "cannot be"} cut off at once`, async (context) => {
    const folder = await temporaryFolder(context);
    const disk = { full: false, cutting };
    faulty(context, disk);
    const journal = await createJournal(folder, 1);
    await journal.append(encodeFrame(frame(1)));
    for (let turn = 0; turn < 3; turn += 1) {
      disk.full = true;
      await assert.rejects(journal.append(encodeFrame(frame(2))));
      disk.full = false;
      disk.cutting = true;
    }
    await journal.append(encodeFrame(frame(2)));
    await journal.append(encodeFrame(frame(3)));
    await journal.close();
    const read = await readJournal(folder, 1);
    assert.deepEqual(
      read?.frames.map(({ positions }) => positions["raw:0"]),
      [1, 2, 3],
    );
    assert.equal(read.damagedBytes, 0);
    assert.ok(!(await readFile(journalPath(folder, 1))).includes(0));
  });

/** Journal 1 of a folder, with these bytes. */
async function journalOf(context: TestContext, bytes: Buffer): Promise<string> {
  const folder = await temporaryFolder(context);
  await mkdir(dirname(journalPath(folder, 1)), { recursive: true });
  await writeFile(journalPath(folder, 1), bytes);
  return folder;
}

async function offsetsOf(folder: string, start?: number): Promise<(number | undefined)[]> {
  const offsets: (number | undefined)[] = [];
  for await (const { frame: one } of readFrames(folder, 1, start)) offsets.push(one.positions["raw:0"]);
  return offsets;
}

test("a frame that is damaged or cut off anywhere ends the journal, and is told by its bytes", async (context) => {
  const [first, second] = [encodeFrame(frame(1)), encodeFrame(frame(2))];
  for (let at = 0; at < second.length; at += 1) {
    const bit = Buffer.from(second);
    bit[at] = (bit[at] ?? 0) ^ 1;
    for (const damaged of [bit, second.subarray(0, at)]) {
      const folder = await journalOf(context, Buffer.concat([first, damaged]));
      const read = await readJournal(folder, 1);
      assert.deepEqual(read?.frames, [{ ...frame(1) }], `byte ${at}`);
      assert.equal(read.damagedBytes, damaged.length);
      assert.deepEqual(await offsetsOf(folder), [1]);
    }
  }
});

test("nothing behind a damaged frame counts, though it is whole", async (context) => {
  const damaged = encodeFrame(frame(2));
  damaged[0] = 0x7a;
  const folder = await journalOf(
    context,
    Buffer.concat([encodeFrame(frame(1)), damaged, encodeFrame(frame(3))]),
  );
  assert.equal((await readJournal(folder, 1))?.frames.length, 1);
  assert.deepEqual(await offsetsOf(folder), [1]);
});

test("a whole line that is no frame is another program's: an error, not the end", async (context) => {
  for (const other of [{ ...frame(2), positions: "none" }, [], null]) {
    const bytes = Buffer.concat([encodeFrame(frame(1)), encodeFrame(other as unknown as Frame)]);
    const folder = await journalOf(context, bytes);
    await assert.rejects(readJournal(folder, 1), StorageError);
  }
});

test("a journal of many pieces is read whole, and from any frame on", async (context) => {
  const frames = Array.from({ length: 40 }, (_, n): Frame => ({
    ...frame(n),
    epoch: { ...frame(n).epoch, topics: ["x".repeat(20_000 + n * 977), "totals"] },
  }));
  const bytes = frames.map(encodeFrame);
  const folder = await journalOf(
    context,
    Buffer.concat([...bytes, bytes[0]?.subarray(0, 100) ?? Buffer.alloc(0)]),
  );
  const all = frames.map((_, n) => n);
  assert.deepEqual(await offsetsOf(folder), all);
  assert.equal((await readJournal(folder, 1))?.damagedBytes, 100);
  let end = 0;
  const ends = bytes.map(({ length }) => (end += length));
  const read: number[] = [];
  for await (const { end: at } of readFrames(folder, 1)) read.push(at);
  assert.deepEqual(read, ends);
  assert.deepEqual(await offsetsOf(folder, ends[16]), all.slice(17));
  const later: number[] = [];
  for await (const { end: at } of readFrames(folder, 1, ends[16])) later.push(at);
  assert.deepEqual(later, ends.slice(17));
});

test("a journal that is gone is none, and a folder without journals has none", async (context) => {
  const folder = await temporaryFolder(context);
  assert.equal(await readJournal(folder, 1), null);
  assert.deepEqual(await offsetsOf(folder), []);
  assert.deepEqual(await listJournals(folder), []);
});

test("journals are listed by number, and nothing else is", async (context) => {
  const folder = await journalOf(context, Buffer.alloc(0));
  for (const number of [1_000_000_001, 10, 9, 100]) await (await createJournal(folder, number)).close();
  await writeFile(`${dirname(journalPath(folder, 1))}/notes.txt`, "");
  assert.deepEqual(await listJournals(folder), [1, 9, 10, 100, 1_000_000_001]);
});

test("a journal is never begun where one stands", async (context) => {
  const folder = await journalOf(context, encodeFrame(frame(1)));
  await assert.rejects(createJournal(folder, 1), { code: "EEXIST" });
  assert.equal((await readJournal(folder, 1))?.frames.length, 1);
});

test("a frame counts when the disk has synced it, and one that could not be synced is cut off", async (context) => {
  const folder = await temporaryFolder(context);
  const synced: number[] = [];
  const disk = { broken: false };
  const { open } = fs;
  context.mock.method(fs, "open", async (...args: Parameters<typeof open>): Promise<FileHandle> => {
    const handle = await open(...args);
    const sync = handle.datasync.bind(handle);
    handle.datasync = async () => {
      if (disk.broken) throw Object.assign(new Error("i/o error"), { code: "EIO" });
      await sync();
      synced.push((await handle.stat()).size);
    };
    return handle;
  });
  syncBuiltinESMExports();
  context.after(() => {
    context.mock.restoreAll();
    syncBuiltinESMExports();
  });
  const journal = await createJournal(folder, 1);
  const bytes = encodeFrame(frame(1));
  await journal.append(bytes);
  assert.deepEqual(synced, [bytes.length]);
  disk.broken = true;
  await assert.rejects(journal.append(encodeFrame(frame(2))));
  disk.broken = false;
  await journal.append(encodeFrame(frame(3)));
  await journal.close();
  assert.deepEqual(await offsetsOf(folder), [1, 3]);
});

test("a journal whose folder cannot be synced is closed and not left behind", async (context) => {
  const folder = await journalOf(context, Buffer.alloc(0));
  const { open } = fs;
  const disk = { broken: true, open: 0 };
  context.mock.method(fs, "open", async (...args: Parameters<typeof open>): Promise<FileHandle> => {
    const handle = await open(...args);
    const close = handle.close.bind(handle);
    disk.open += 1;
    handle.close = async () => {
      disk.open -= 1;
      await close();
    };
    // Only once the journal is there.
    if (args[1] === "r" && disk.broken && (await listJournals(folder)).includes(2))
      handle.sync = () => Promise.reject(Object.assign(new Error("i/o error"), { code: "EIO" }));
    return handle;
  });
  syncBuiltinESMExports();
  context.after(() => {
    context.mock.restoreAll();
    syncBuiltinESMExports();
  });
  await assert.rejects(createJournal(folder, 2), { code: "EIO" });
  assert.equal(disk.open, 0, "files left open");
  assert.deepEqual(await listJournals(folder), [1]);
  disk.broken = false;
  const journal = await createJournal(folder, 2);
  await journal.append(encodeFrame(frame(1)));
  await journal.close();
  for await (const _ of readFrames(folder, 2));
  assert.equal(disk.open, 0, "files left open");
  assert.deepEqual(await listJournals(folder), [1, 2]);
});

test("a folder of journals that cannot be read is an error, not an empty one", async (context) => {
  const folder = await temporaryFolder(context);
  await writeFile(dirname(journalPath(folder, 1)), "no folder");
  await assert.rejects(listJournals(folder), StorageError);
  await assert.rejects(readJournal(folder, 1), StorageError);
  await assert.rejects(offsetsOf(folder), { code: "ENOTDIR" });
});
