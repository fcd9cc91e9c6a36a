/** src/velib/ is the only room that knows Paris: its codes, communes, default feed and pace stand nowhere else. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { test } from "node:test";

/** What only somebody who knows Paris writes into a program. */
const KNOWLEDGE: readonly (readonly [what: string, pattern: RegExp])[] = [
  ["a postal or INSEE code of Paris and around", /\b(?:75|77|78|91|92|93|94|95)\d{3}\b/],
  ["the table of communes", /etalab|decoupage-administratif/i],
  ["the publisher's address", /smovengo|velib-metropole-opendata/i],
  ["the city's name", /\bParis\b/],
  ["the city's time zone", /Europe\/Paris/],
];

/** Where it may stand all the same, and why. */
const EXCEPTIONS: readonly (readonly [files: RegExp, why: string])[] = [
  [
    /^src\/simulate\//,
    "a made-up city has to be somewhere: it stands around Paris, and says that it is simulated",
  ],
  [/^src\/cli\//, "help and examples are of the default system; nothing is decided by them"],
  [/^src\/config\/history-options\.ts$/, "the default time zone of questions is the default system's"],
  [/^src\/feed\/recording-reader\.ts$/, "a message names the publisher of a format that it could not read"],
];

/** Code without its comments. */
function codeOf(file: string): string {
  return readFileSync(file, "utf8")
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/(^|[^:"'`])\/\/.*$/gm, "$1");
}

const FILES = globSync("src/**/*.ts").filter((file) => !file.startsWith("src/velib/"));

for (const [what, pattern] of KNOWLEDGE)
  test(`outside of src/velib/ nothing knows ${what}`, () => {
    const found = FILES.filter((file) => !EXCEPTIONS.some(([files]) => files.test(file))).filter((file) =>
      pattern.test(codeOf(file)),
    );
    assert.deepEqual(found, [], `${what}: move it to src/velib/`);
  });

test("every exception is one", () => {
  for (const [files, why] of EXCEPTIONS)
    assert.ok(
      FILES.some((file) => files.test(file) && KNOWLEDGE.some(([, pattern]) => pattern.test(codeOf(file)))),
      `${files.source} (${why}) holds nothing of it any more: take it out`,
    );
});

test("who asks for what src/velib/ knows is a stage, the feed, the server or the command line, and no inner room", () => {
  const asking = new Set(
    FILES.filter((file) => /from "(?:\.\.\/)+velib\//.test(readFileSync(file, "utf8"))).map(
      (file) => file.split("/")[1],
    ),
  );
  assert.deepEqual(asking, new Set(["cli", "feed", "http", "session", "stages"]));
});
