/** The table of commands, in the order help shows them. */
import type { CommandEntry } from "./command.ts";

export const COMMANDS: readonly CommandEntry[] = [];
