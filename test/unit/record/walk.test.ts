/** A record's way through one process is short: `node test/support/record-walk.ts` tells it file by file. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { recordWalk } from "../../support/record-walk.ts";

const STATIONS = 400;
/** Of src/, from the feed to the event stream: those with a function that runs for every station. A bound, no aim. */
const MOST_FILES = 60;

test("a record has one digest, and is parsed once in a process that shows it and archives it", async () => {
  const { parses, digests, files } = await recordWalk(STATIONS, true);
  // The feed's file is parsed once, whole; the aggregate reads bytes.
  assert.deepEqual(parses, { feed: 1, raw: 1, totals: 1 });
  assert.equal(digests, 1);
  assert.ok(files.length <= MOST_FILES, `${files.length} files: ${files.join(" ")}`);
});
