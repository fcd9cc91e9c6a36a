/** Every velostream command that the documentation shows is one the program takes, with the options it takes. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { COMMANDS } from "../../src/cli/commands.ts";
import { settle } from "../../src/config/settings.ts";

const pages = [
  "README.md",
  "CONTRIBUTING.md",
  ...readdirSync("docs")
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

/** The command lines of a page's shell blocks, continued lines joined, comments and pipes cut off. */
function commandLines(text: string): string[] {
  const lines: string[] = [];
  for (const [, block = ""] of text.matchAll(/```(?:sh|bash|console)\n([\s\S]*?)```/g)) {
    for (const line of block.replaceAll("\\\n", " ").split("\n")) {
      const command = /(?:npx )?\bvelostream (.*)/.exec(line.replace(/(^|\s)#.*$/, ""))?.[1];
      if (command !== undefined) lines.push(command.split(/\s[|<>&;]/)[0]?.trim() ?? "");
    }
  }
  return lines;
}

/** Splits as a shell does, as far as documentation goes: spaces, single and double quotes. */
function words(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    (match) => match[1] ?? match[2] ?? match[3] ?? "",
  );
}

for (const page of pages) {
  const lines = commandLines(readFileSync(page, "utf8"));
  if (lines.length === 0) continue;
  test(`the ${lines.length} commands of ${page} are understood`, async () => {
    for (const line of lines) {
      const args = words(line);
      const entry = COMMANDS.toSorted((a, b) => b.name.length - a.name.length).find(({ name }) =>
        name.split(" ").every((part, index) => args[index] === part),
      );
      assert.ok(entry !== undefined, `${page}: velostream ${line} is not a command`);
      const command = await entry.load();
      const { positionals } = settle({
        args: args.slice(entry.name.split(" ").length),
        env: {},
        accepts: command.options,
        commandName: `velostream ${entry.name}`,
      });
      const [least, most] = command.positionals ?? [0, 0];
      assert.ok(positionals.length >= least && positionals.length <= most, `${page}: velostream ${line}`);
    }
  });
}
