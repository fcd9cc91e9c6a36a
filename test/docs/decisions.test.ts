/** The index of decisions names every one of them, by its own title, with a status. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

const FOLDER = "docs/decisions";
const files = readdirSync(FOLDER).filter((name) => name !== "README.md");

test("every decision is in the index once, with its title and a status", () => {
  const index = readFileSync(`${FOLDER}/README.md`, "utf8");
  const listed = [...index.matchAll(/^\| \[(\d{4})\]\(([^)]+)\) \| (.+) \| ([^|]+) \|$/gm)].map(
    ([, number = "", file = "", title = "", status = ""]) => ({ number, file, title, status }),
  );
  assert.deepEqual(
    listed.map(({ file }) => file),
    files.toSorted(),
    "add a row to docs/decisions/README.md",
  );
  for (const { number, file, title, status } of listed) {
    assert.equal(readFileSync(`${FOLDER}/${file}`, "utf8").split("\n")[0], `# ${number}: ${title}`, file);
    assert.match(status, /^(in force|replaced by \d{4})$/, file);
    const replacement = /\d{4}$/.exec(status)?.[0];
    if (replacement !== undefined)
      assert.ok(
        files.some((each) => each.startsWith(replacement)),
        status,
      );
  }
});
