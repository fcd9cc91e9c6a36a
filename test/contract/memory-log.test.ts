/** The memory log keeps the log contract. */
import { MemoryLog } from "../../src/log/memory-log.ts";
import { logContract } from "./log-contract.ts";

logContract({
  name: "memory",
  start: () =>
    Promise.resolve({
      open: () => Promise.resolve(new MemoryLog({ clock: { now: () => Date.now() } })),
      stop: () => Promise.resolve(),
    }),
});
