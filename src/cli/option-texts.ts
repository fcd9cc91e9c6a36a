/** What help says of options that mean less, or something else, for some commands than in the table. */
import type { OptionText } from "./command.ts";

/** For commands that work on Kafka's topics and on nothing else. */
export const NEEDED_BROKERS: OptionText = {
  metavar: "HOST:PORT,…",
  help: "Kafka brokers; needed.",
};

/** For commands that poll no feed. */
export const FOR_A_WHILE: OptionText = {
  metavar: "DURATION",
  help: "Run that long, finish what is in hand, exit 0.",
};

/** For commands that ask the history, and for nothing else. */
export const FROM_TIME: OptionText = {
  metavar: "TIME",
  help: "Begin: a time like 2026-11-20, 2026-11-20T08:30 or 2026-11-20T07:30:00Z.",
};

/** For commands that keep no history. */
export const CACHES_ONLY: OptionText = {
  metavar: "DIR",
  help: "Folder of what is fetched once and kept: the catalogue, postal codes.",
  default: "~/.cache/velostream",
};
