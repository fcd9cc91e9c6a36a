/**
 * From argv to exit code: finds the command, settles its options, runs it, and turns what goes wrong into one message.
 *
 *   argv ─▶ command ─▶ settings ─▶ run ─▶ exit code        first signal: drain        second signal: 130
 */
import { settle, nearest } from "../config/settings.ts";
import { AppError, EXIT, UsageError } from "../errors.ts";
import { withDuckDB } from "../history/sql/with-duckdb.ts";
import { createLogger } from "../telemetry/logger.ts";
import { PACKAGE_VERSION } from "../package-version.ts";
import { redactText } from "../telemetry/redact.ts";
import { systemClock } from "../telemetry/system-clock.ts";
import type { CommandEntry } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { commandHelp, overview } from "./help.ts";
import type { Terminal } from "./terminal.ts";

export interface DispatchInput {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}

/** Runs the command line. Never throws. @returns the exit code */
export async function dispatch(input: DispatchInput): Promise<number> {
  const { terminal } = input;
  try {
    return await runCommand(input);
  } catch (error) {
    if (error instanceof AppError) {
      terminal.err(`${terminal.errStyle("red", "error:")} ${redactText(error.message)}\n`);
      return error.exitCode;
    }
    terminal.err(
      `${terminal.errStyle("red", "bug:")} velostream met an error it did not expect. Please report it with these lines.\n` +
        `${redactText(error instanceof Error ? (error.stack ?? error.message) : String(error))}\n`,
    );
    return EXIT.bug;
  }
}

async function runCommand({ args, env, terminal, signal }: DispatchInput): Promise<number> {
  const wantsHelp = args.includes("--help") || args.includes("-h");
  const found = findCommand(args);
  if (found === null) {
    const word = args.find((arg) => !arg.startsWith("-")) ?? (wantsHelp ? undefined : args[0]);
    if (args.includes("--version") || args[0] === "-v") {
      await terminal.out(`velostream ${PACKAGE_VERSION}\n`);
      return EXIT.done;
    }
    const family = COMMANDS.filter(({ name }) => name.startsWith(`${word} `));
    if (wantsHelp && family.length > 0) {
      await terminal.out(overview(family));
      return EXIT.done;
    }
    if (word === "help" && args[0] === "help" && args.length > 1)
      return runCommand({ args: [...args.slice(1), "--help"], env, terminal, signal });
    if (word !== undefined && word !== "help") throw unknownCommand(word, args[args.indexOf(word) + 1]);
    await terminal.out(overview(COMMANDS));
    return args.length === 0 ? EXIT.usage : EXIT.done;
  }
  const { entry, rest } = found;
  const command = await withDuckDB(entry.load);
  if (wantsHelp) {
    await terminal.out(commandHelp(entry.name, command));
    return EXIT.done;
  }
  const name = `velostream ${entry.name}`;
  const { settings, positionals, origins } = settle({
    args: rest,
    env,
    accepts: command.options,
    commandName: name,
  });
  const [least, most] = command.positionals ?? [0, 0];
  if (positionals.length < least)
    throw new UsageError(`"${name}" needs ${command.usage.split(" ")[0]}. See "${name} --help".`);
  if (positionals.length > most)
    throw new UsageError(
      `${JSON.stringify(positionals[most])} is one argument too many. See "${name} --help".`,
    );
  const logger = createLogger({
    level: settings["log-level"] as "info",
    format: terminal.errInteractive ? "pretty" : "json",
    style: (style, text) => terminal.errStyle(style, text),
    write: (line) => terminal.err(line),
  });
  return command.run({ settings, positionals, origins, terminal, logger, clock: systemClock, signal });
}

/** The longest name that `args` begins with: `topics create` before `topics`. */
function findCommand(args: readonly string[]): { entry: CommandEntry; rest: string[] } | null {
  const words = COMMANDS.toSorted((a, b) => b.name.length - a.name.length);
  for (const entry of words) {
    const parts = entry.name.split(" ");
    if (parts.every((part, index) => args[index] === part)) return { entry, rest: args.slice(parts.length) };
  }
  return null;
}

function unknownCommand(word: string, second: string | undefined): UsageError {
  const family = COMMANDS.filter(({ name }) => name.startsWith(`${word} `)).map(({ name }) => name);
  if (family.length > 0) {
    if (second === undefined || second.startsWith("-"))
      return new UsageError(
        `"${word}" needs a second word: ${family.map((name) => `"velostream ${name}"`).join(" or ")}. See "velostream ${word} --help".`,
      );
    const whole = `${word} ${second}`;
    const meant = nearest(whole, family);
    const hint = meant === null ? "" : ` Did you mean "velostream ${meant}"?`;
    return new UsageError(
      `${JSON.stringify(whole)} is not a command.${hint} See "velostream ${word} --help".`,
    );
  }
  const near = nearest(
    word,
    COMMANDS.map(({ name }) => name),
  );
  const hint = near === null ? "" : ` Did you mean "velostream ${near}"?`;
  return new UsageError(`${JSON.stringify(word)} is not a command.${hint} See "velostream --help".`);
}
