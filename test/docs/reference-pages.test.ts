/** Documentation that is made from code is up to date, and help fits the terminal. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fieldPages } from "../../scripts/field-tables.ts";
import { performancePages } from "../../scripts/performance-page.ts";
import { promisesPages } from "../../scripts/promises-page.ts";
import { referencePages } from "../../scripts/reference-pages.ts";
import { COMMANDS } from "../../src/cli/commands.ts";
import { commandHelp, overview } from "../../src/cli/help.ts";
import type { OPTIONS } from "../../src/config/options.ts";

for (const [path, content] of [
  ...(await referencePages()),
  ...fieldPages(),
  ...performancePages(),
  ...promisesPages(),
]) {
  test(`${path} is what \`npm run docs\` writes`, () => {
    assert.equal(readFileSync(path, "utf8"), content, 'run "npm run docs" and commit the result');
  });
}

test("help fits 80 columns", async () => {
  const texts = [overview(COMMANDS)];
  for (const { name, load } of COMMANDS) texts.push(commandHelp(name, await load()));
  for (const line of texts.join("\n").split("\n")) assert.ok(line.length <= 80, line);
});

test("every command shows examples that are its own", async () => {
  for (const { name, load } of COMMANDS) {
    const { examples, options } = await load();
    assert.ok(examples.length > 0, name);
    for (const { command } of examples) {
      assert.match(command, new RegExp(`^(npx )?velostream ${name}( |$)|^npm (start|run)`));
      for (const [, flag] of command.matchAll(/ --(?:no-)?([a-z-]+)/g))
        assert.ok(
          options.includes(flag as keyof typeof OPTIONS) || flag === "log-level",
          `${command}: --${flag}`,
        );
    }
  }
});
