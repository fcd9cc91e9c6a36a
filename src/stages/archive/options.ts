/** The archive's rows of the table of options: where the history is kept, and for how long. */
import type { OptionRow } from "../../config/option-types.ts";

export const ARCHIVE_OPTIONS = {
  "data-dir": {
    kind: "path",
    metavar: "DIR",
    default: "velostream-data",
    group: "history",
    help: "Folder of the history, written by one process and read by any number; caches go there too when it is named.",
  },
  archive: {
    kind: "flag",
    default: true,
    group: "history",
    help: "Keep the history of what is collected under --data-dir.",
    without: "Keep no history of what is collected.",
  },
  retain: {
    kind: "duration",
    metavar: "DURATION",
    default: null,
    group: "history",
    help: "Remove history older than this, by whole UTC days; without it all is kept.",
  },
} as const satisfies Record<string, OptionRow>;
