/** The aggregate's rows of the table of options: the group of its workers. */
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
} as const satisfies Record<string, OptionRow>;
