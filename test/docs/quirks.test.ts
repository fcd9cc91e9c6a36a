/** docs/quirks.md names tests that exist, and every flag, oddity and reason that the code knows. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { FEED_FLAGS } from "../../src/domain/feed-truth.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const page = readFileSync(join(ROOT, "docs/quirks.md"), "utf8");

function read(folder: string): string {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => readFileSync(join(ROOT, folder, name), "utf8"))
    .join("\n");
}

test("every test that docs/quirks.md names exists", () => {
  const tests = read("test");
  const named = [...page.matchAll(/\| `([^`|]+)` \|$/gm)].map((match) => match[1] ?? "");
  assert.ok(named.length > 45, `${named.length} named`);
  for (const name of named) assert.ok(tests.includes(`test("${name}"`), name);
});

test("every flag is in docs/quirks.md, in its own words", () => {
  for (const [flag, meaning] of Object.entries(FEED_FLAGS))
    assert.ok(page.includes(`| \`${flag}\` | ${meaning} |`), flag);
});

test("every oddity and reject of the decoders is in docs/quirks.md", () => {
  const code = read("src/domain/gbfs") + read("src/feed");
  const oddities = [...code.matchAll(/(?:count|oddity)\("([a-z_]+)"\)/g)].map((match) => match[1] ?? "");
  const reasons = [...code.matchAll(/reason: "([a-z_]+)"/g)].map((match) => match[1] ?? "");
  assert.ok(oddities.length >= 6 && reasons.length >= 6);
  for (const word of new Set([...oddities, ...reasons])) {
    // The information file's own repetition is told with the station's.
    if (word !== "repeated_station_information") assert.ok(page.includes(`\`${word}\``), word);
  }
});
