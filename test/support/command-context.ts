/** A CommandContext for tests: settings from flags, a terminal that remembers, a clock moved by hand. */
import type { CommandContext } from "../../src/cli/command.ts";
import type { Terminal } from "../../src/cli/terminal.ts";
import { OPTIONS, type OptionName } from "../../src/config/options.ts";
import { settle } from "../../src/config/settings.ts";
import type { Clock } from "../../src/ports.ts";
import { silentLogger } from "./silent.ts";

export interface RememberingTerminal extends Terminal {
  readonly stdout: string;
  readonly stderr: string;
}

export function rememberingTerminal(): RememberingTerminal {
  let stdout = "";
  let stderr = "";
  return {
    get stdout() {
      return stdout;
    },
    get stderr() {
      return stderr;
    },
    out: (text) => {
      stdout += text;
      return Promise.resolve();
    },
    json: (text) => {
      stdout += text;
      return Promise.resolve();
    },
    raw: (text) => {
      stdout += text;
      return Promise.resolve();
    },
    erased: () => "",
    err: (text) => {
      stderr += text;
    },
    interactive: false,
    errInteractive: false,
    columns: 80,
    rows: 24,
    style: (_style, text) => text,
    errStyle: (_style, text) => text,
    colour: false,
    errColour: false,
    flush: () => Promise.resolve(),
    interceptErr() {},
  };
}

export function commandContext(
  args: readonly string[],
  clock: Clock,
  signal: AbortSignal = new AbortController().signal,
): CommandContext & { readonly terminal: RememberingTerminal } {
  const { settings, positionals, origins } = settle({
    args,
    env: {},
    accepts: Object.keys(OPTIONS) as OptionName[],
    commandName: "velostream test",
  });
  return {
    settings,
    positionals,
    origins,
    terminal: rememberingTerminal(),
    logger: silentLogger,
    clock,
    signal,
  };
}
