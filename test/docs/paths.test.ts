/** Paths and links that the documentation names exist; npm scripts it names exist too. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";

const pages = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "*.md"], {
  encoding: "utf8",
})
  .split("\n")
  .filter((path) => path !== "" && existsSync(path));
const scripts = new Set(
  Object.keys(
    (JSON.parse(readFileSync("package.json", "utf8")) as { scripts: Record<string, string> }).scripts,
  ),
);

for (const page of pages) {
  const text = readFileSync(page, "utf8");

  test(`every link of ${page} leads somewhere`, () => {
    for (const [, target = ""] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^(https?:|mailto:|#)/.test(target)) continue;
      const path = join(dirname(page), target.replace(/#.*$/, ""));
      assert.ok(existsSync(path), `${page} links to ${target}`);
    }
  });

  test(`every path of the repository that ${page} names exists`, () => {
    for (const [, path = ""] of text.matchAll(
      /`((?:src|test|docs|bench|infra|scripts|web|bin|\.ci)\/[\w./-]+)`/g,
    ))
      assert.ok(existsSync(path), `${page} names ${path}`);
  });

  test(`every npm script that ${page} names exists`, () => {
    for (const [, name = ""] of text.matchAll(/npm run ([a-z][\w:-]*)/g))
      assert.ok(scripts.has(name), `${page} names npm run ${name}`);
  });
}
