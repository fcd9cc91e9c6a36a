/** Attacks the command line: arguments, environment, configuration file, lists of feeds; and what it writes. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { COMMANDS } from "../../../src/cli/commands.ts";
import { csvLines } from "../../../src/cli/csv-text.ts";
import { dispatch } from "../../../src/cli/dispatch.ts";
import { createTerminal } from "../../../src/cli/terminal.ts";
import { parseFeedList } from "../../../src/config/feed-list.ts";
import { environmentName, OPTIONS, type OptionName } from "../../../src/config/options.ts";
import { settle } from "../../../src/config/settings.ts";
import { AppError, EXIT } from "../../../src/errors.ts";
import { NOT_PLAIN, OWN_SEQUENCES, rememberingStreams } from "../hostile-text.ts";
import { bentBytes, oddText, pick, type FuzzTarget, type OpenTarget, type Random } from "./target.ts";

const NAMES = Object.keys(OPTIONS) as OptionName[];
const safe = csvLines({ raw: false });

export const cliTarget: FuzzTarget = { name: "cli", open };

function open(): Promise<OpenTarget> {
  const folder = mkdtempSync(join(tmpdir(), "velostream-fuzz-"));
  const file = join(folder, "config.yaml");
  return Promise.resolve({
    once: async (random) => {
      settings(file, random);
      await command(random);
      feedList(random);
      const line = safe([oddText(random), oddText(random)]);
      assert.equal(line.indexOf("\n"), line.length - 1);
    },
    close: () => Promise.resolve(rmSync(folder, { recursive: true, force: true })),
  });
}

function settings(file: string, random: Random): void {
  const yaml = NAMES.filter(() => random() < 0.05).map(
    (name) => `${name}: ${JSON.stringify(oddText(random))}`,
  );
  writeFileSync(file, bentBytes(Buffer.from(`${yaml.join("\n")}\n`), random));
  const args = Array.from({ length: 4 }, () => argument(random)).flat();
  const name = environmentName(pick(random, NAMES));
  const env = { [random() < 0.9 ? name : `${name}${oddText(random)}`]: oddText(random) };
  refusable(() =>
    settle({
      args: random() < 0.5 ? [...args, "--config", file] : args,
      env,
      accepts: NAMES,
      commandName: "velostream run",
    }),
  );
}

function argument(random: Random): string[] {
  const flag = `--${random() < 0.8 ? pick(random, NAMES) : oddText(random)}`;
  const value =
    random() < 0.5 ? oddText(random) : pick(random, ["1", "10s", "auto", "true", "a,b", "2026-11-20"]);
  return pick(random, [
    [flag],
    [flag, value],
    [`${flag}=${value}`],
    [value],
    [`--no-${pick(random, NAMES)}`],
    ["--"],
  ]);
}

/** A command with arguments that it cannot take: it says so, and starts nothing. */
async function command(random: Random): Promise<void> {
  const streams = rememberingStreams(random() < 0.5);
  const terminal = createTerminal({ ...streams, env: {}, onClosed: () => {} });
  const words = random() < 0.7 ? pick(random, COMMANDS).name.split(" ") : [oddText(random)];
  // A level that is none comes first: behind "--" it would be one more name, and the command would start.
  const args = [...words, "--log-level", oddText(random), ...argument(random)];
  const exitCode = await dispatch({ args, env: {}, terminal, signal: AbortSignal.abort() });
  await terminal.flush();
  const said = streams.written().replace(OWN_SEQUENCES, "");
  assert.doesNotMatch(said, NOT_PLAIN);
  assert.notEqual(exitCode, EXIT.bug, said);
}

function feedList(random: Random): void {
  const text = `- url: ${oddText(random)}\n  system: ${oddText(random)}\n- https://x.example/gbfs.json\n`;
  const name = pick(random, ["feeds.yaml", "feeds.csv"]);
  refusable(() => parseFeedList(name, bentBytes(Buffer.from(text), random).toString("utf8"), {}));
}

function refusable(act: () => unknown): void {
  try {
    act();
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
  }
}
