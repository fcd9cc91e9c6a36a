/** `bin/velostream.js` is the one file that must run on the machine's own Node, however old: it starts the right one. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

/** Named imports fail before the first line runs where the module has no such export; these are in Node 18 already. */
const OLD_ENOUGH = new Set(["spawn", "existsSync", "constants", "fileURLToPath", "setFlagsFromString"]);

test("imports by name only what a Node too old for the program has too", () => {
  const source = readFileSync(new URL("../../../bin/velostream.js", import.meta.url), "utf8");
  const names = [...source.matchAll(/^import \{([^}]*)\}/gm)].flatMap(([, list = ""]) => list.split(","));
  assert.ok(names.length > 0);
  for (const name of names.map((one) => one.trim())) assert.ok(OLD_ENOUGH.has(name), name);
});
