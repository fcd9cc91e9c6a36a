/** Help: what an option of a command does, said once and truly. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { COMMANDS } from "../../../src/cli/commands.ts";
import { commandHelp } from "../../../src/cli/help.ts";
import { OPTIONS, type OptionRow } from "../../../src/config/options.ts";

const pages = await Promise.all(
  COMMANDS.map(async ({ name, load }) => ({ name, help: commandHelp(name, await load()) })),
);

/** What a command's help says of an option; null where it does not take it. */
function saidOf(command: string, flag: string): string | null {
  const { help = "" } = pages.find(({ name }) => name === command) ?? {};
  const options = help.slice(help.indexOf("\nUsage: "));
  const entry = new RegExp(`^ {2}${flag}(?= |$).*(?:\n {10}.*)*`, "m").exec(options);
  return entry === null ? null : entry[0].replaceAll(/\s+/g, " ").trim();
}

test("every option stands once in a command's help", () => {
  for (const { name, help } of pages) {
    const flags = [...help.matchAll(/^ {2}(--[a-z-]+)/gm)].map(([, flag]) => flag);
    assert.deepEqual(flags, [...new Set(flags)], name);
  }
});

test("a flag that switches something off says what it is without", () => {
  for (const [name, row] of Object.entries<OptionRow>(OPTIONS))
    assert.equal(row.kind === "flag" && row.default === true, row.without !== undefined, name);
  assert.equal(saidOf("run", "--no-serve"), "--no-serve Serve neither page nor API.");
});

test("commands that work on Kafka alone do not promise a log in memory, nor polls that they do not make", () => {
  for (const name of ["aggregate", "serve", "archive", "watch totals", "watch raw"]) {
    assert.doesNotMatch(saidOf(name, "--brokers") ?? "", /memory/, name);
    assert.doesNotMatch(saidOf(name, "--for") ?? "", /poll/, name);
  }
  for (const name of ["collect", "topics create", "topics list"])
    assert.doesNotMatch(saidOf(name, "--brokers") ?? "", /memory/, name);
});

test("--from is a time where history is asked, and a place in the topic where records are watched", () => {
  for (const name of ["history area", "history station", "history export", "replay"])
    assert.match(saidOf(name, "--from") ?? "", /^--from TIME Begin: a time like/, name);
  assert.match(saidOf("watch raw", "--from") ?? "", /earliest or latest/);
});
