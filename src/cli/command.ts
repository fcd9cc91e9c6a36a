/** What a command is, and what it is given to run with. */
import type { Settings, OptionName } from "../config/options.ts";
import type { Clock, Logger } from "../ports.ts";
import type { Terminal } from "./terminal.ts";

export interface CommandContext {
  readonly settings: Settings;
  readonly positionals: readonly string[];
  /** Where each option that is not at its default came from. */
  readonly origins: ReadonlyMap<OptionName, string>;
  readonly terminal: Terminal;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Aborts at the first SIGINT or SIGTERM, or when stdout is closed: finish what is in hand, then return. */
  readonly signal: AbortSignal;
}

/** What help says of an option instead of its row in the table. */
export interface OptionText {
  readonly metavar: string;
  readonly help: string;
  /** As a user would write it. */
  readonly default?: string;
}

export interface Command {
  /** After the command's name: `PATH [options]`. */
  readonly usage: string;
  /** One paragraph. */
  readonly description: string;
  /** Shown first in help; the first ones are run by the documentation tests. */
  readonly examples: readonly { readonly command: string; readonly does: string }[];
  readonly options: readonly OptionName[];
  /** Options that mean something of this command's own: their text in help. */
  readonly optionTexts?: Readonly<Partial<Record<OptionName, OptionText>>>;
  /** How many positional arguments it takes. @default [0, 0] */
  readonly positionals?: readonly [least: number, most: number];
  /** @returns the exit code; throws AppError for errors that have one */
  run(context: CommandContext): Promise<number>;
}

/** The headings that commands stand under in `velostream --help`, in this order. */
export const COMMAND_GROUPS = {
  start: "Every day",
  history: "The past",
  kafka: "Over Kafka, a process each",
  tools: "Beside it",
} as const;

export type CommandGroup = keyof typeof COMMAND_GROUPS;

/** One row of the table of commands: modules are loaded only when their command runs. */
export interface CommandEntry {
  /** One word, or two for a family: `topics create`. */
  readonly name: string;
  readonly summary: string;
  readonly group: CommandGroup;
  readonly load: () => Promise<Command>;
}
