/** Completion: what a real bash offers once it has read the script, and that all three shells know every option. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { completion } from "../../../src/cli/completion.ts";
import { COMMANDS } from "../../../src/cli/commands.ts";
import { OPTIONS, type OptionRow } from "../../../src/config/options.ts";
import { commandContext } from "../../support/command-context.ts";
import { TestClock } from "../../support/test-clock.ts";

async function script(shell: string): Promise<string> {
  const context = commandContext([shell], new TestClock(0));
  assert.equal(await completion.run(context), 0);
  return context.terminal.stdout;
}

const bash = await script("bash");

/** What bash offers for the last of `words`. */
function offered(...words: readonly string[]): string[] {
  const line = ["velostream", ...words];
  const { stdout, stderr } = spawnSync(
    "bash",
    [
      "-c",
      `${bash}\nCOMP_WORDS=(${line.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length}; _velostream; printf '%s\\n' "\${COMPREPLY[@]}"`,
    ],
    { encoding: "utf8" },
  );
  assert.equal(stderr, "");
  return stdout.split("\n").filter((word) => word !== "");
}

test("bash offers commands, the second word of a family, options, and the choices of one", () => {
  assert.deepEqual(offered("d"), ["demo", "doctor"]);
  assert.deepEqual(offered("history", "s"), ["station", "sql"]);
  assert.deepEqual(offered("topics", "create", "--part"), ["--partitions"]);
  assert.deepEqual(offered("run", "--compression", "z"), ["zstd"]);
  assert.deepEqual(offered("systems", "--brok"), [], "an option of another command is not offered");
});

for (const shell of ["bash", "zsh", "fish"])
  test(`${shell}: every command and each of its options is there, and no secret has a flag`, async () => {
    const text = await script(shell);
    for (const { name, load } of COMMANDS) {
      for (const word of name.split(" ")) assert.ok(text.includes(word), name);
      for (const option of (await load()).options) {
        const isSecret = (OPTIONS[option] as OptionRow).kind === "secret";
        const flag = new RegExp(`(?:--|-l )(?:no-)?${option}(?![\\w-])`);
        assert.equal(flag.test(text), !isSecret, `${name} ${option}`);
      }
    }
  });

test("a shell that is not known is an error that names those that are", async () => {
  const context = commandContext(["tcsh"], new TestClock(0));
  await assert.rejects(completion.run(context), /one of bash, zsh, fish/);
});
