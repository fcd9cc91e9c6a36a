/** The rows of the option table about what is asked of the history. */
import type { OptionRow } from "./option-types.ts";

export const HISTORY_OPTIONS = {
  system: {
    kind: "string",
    metavar: "SYSTEM",
    default: "velib",
    group: "history",
    help: "System of the archive that is meant.",
  },
  since: {
    kind: "duration",
    metavar: "DURATION",
    default: null,
    group: "history",
    help: "Begin this long before --to.",
  },
  to: {
    kind: "string",
    metavar: "TIME",
    default: null,
    group: "history",
    help: "End: a time like 2026-11-20, 2026-11-20T08:30 or 2026-11-20T07:30:00Z; now, when left out.",
  },
  at: {
    kind: "string",
    metavar: "TIME",
    default: null,
    group: "history",
    help: "One instant, like 2026-11-20T08:30.",
  },
  every: {
    kind: "duration",
    metavar: "DURATION",
    default: null,
    group: "history",
    help: "Length of a step; whole days keep to the calendar of --timezone.",
  },
  aggregate: {
    kind: "string",
    metavar: "HOW",
    choices: ["mean", "min", "max", "last"],
    default: "mean",
    group: "history",
    help: "What a step shows; mean is weighted by time.",
  },
  timezone: {
    kind: "string",
    metavar: "ZONE",
    default: "Europe/Paris",
    group: "history",
    help: "Zone in which times are read and written, e.g. UTC.",
  },
  format: {
    kind: "string",
    metavar: "FORMAT",
    choices: ["table", "csv", "ndjson", "json", "parquet"],
    default: null,
    group: "history",
    help: "How the answer is written (default: table on a terminal, else csv).",
  },
  raw: {
    kind: "flag",
    default: false,
    group: "history",
    help: "CSV cells exactly as recorded, for programs: spreadsheets would calculate what begins with =, +, - or @.",
  },
  table: {
    kind: "string",
    metavar: "TABLE",
    choices: ["stations", "areas"],
    default: "stations",
    group: "history",
    help: "What to export: station records, or totals of areas.",
  },
  output: {
    kind: "path",
    metavar: "FILE",
    default: null,
    group: "history",
    help: "File to write instead of stdout; there must be none yet.",
  },
} as const satisfies Record<string, OptionRow>;
