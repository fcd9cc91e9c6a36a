/** The aggregate's rows of the table of options: the group of its workers, and how often they commit. */
import type { OptionRow } from "../../config/option-types.ts";

export const AGGREGATE_OPTIONS = {
  group: {
    kind: "string",
    metavar: "ID",
    default: "velostream-aggregate",
    group: "kafka",
    help: "Consumer group of the aggregate workers.",
  },
  "take-over": {
    kind: "flag",
    default: false,
    group: "kafka",
    help: "Compute the totals from now on though another engine or group wrote them; stop that one first.",
  },
  "member-id": {
    kind: "string",
    metavar: "NAME",
    default: null,
    group: "kafka",
    help: "Name of this worker, its own and the same after a restart: it gets its partitions back at once.",
  },
  "commit-interval": {
    kind: "duration",
    metavar: "DURATION",
    default: 100,
    group: "kafka",
    help: "How long totals may wait for their commit: the first after a quiet while commits at once, then one transaction per interval and partition. 0ms commits whatever was read at once.",
  },
} as const satisfies Record<string, OptionRow>;
