/** The memory log keeps the log contract. */
import { MemoryLog } from "../../src/log/memory-log.ts";
import { systemClock } from "../../src/telemetry/system-clock.ts";
import { logContract } from "./log-contract.ts";

logContract({
  name: "memory",
  start: () =>
    Promise.resolve({
      open: () => Promise.resolve(new MemoryLog({ clock: systemClock })),
      stop: () => Promise.resolve(),
    }),
});
