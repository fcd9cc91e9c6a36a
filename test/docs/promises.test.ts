/** Every invariant of docs/contracts.md has breakages, and every breakage its line and its tests. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { BREAKAGES, PROMISES } from "../mutation/breakages.ts";
import { findFile } from "../mutation/find-file.ts";

const INVARIANTS = readFileSync("docs/contracts.md", "utf8").split("\n## Invariants\n")[1] ?? "";

test("the invariants of docs/contracts.md are those that are broken on purpose", () => {
  const numbers = [...INVARIANTS.matchAll(/^(\d+)\. /gm)].map(([, number]) => number);
  assert.deepEqual(numbers, Object.keys(PROMISES));
  for (const number of numbers)
    assert.ok(
      BREAKAGES.some(({ invariant }) => String(invariant) === number),
      `nothing breaks invariant ${number}`,
    );
});

for (const { file, find, wrong, tests } of BREAKAGES)
  test(`the line that makes it wrong is there once: ${wrong}`, () => {
    const path = findFile("src", file);
    assert.ok(path !== null, `one file in src/ ends in ${file}: mend the row in test/mutation/breakages.ts`);
    const times = readFileSync(path, "utf8").split(find).length - 1;
    assert.equal(times, 1, `${path} holds "${find}" so often: mend the row in test/mutation/breakages.ts`);
    for (const name of tests) assert.ok(findFile("test", name) !== null, `one file in test/ ends in ${name}`);
  });
