/** The journal on a disk that fills: what it could not take leaves no hole for what comes after. */
import assert from "node:assert/strict";
import fs, { type FileHandle } from "node:fs/promises";
import { readFile } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { test, type TestContext } from "node:test";
import { createJournal, encodeFrame, readJournal } from "../../../src/history/files/journal.ts";
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
