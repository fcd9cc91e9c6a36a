/** A member of a group on the memory log stops whenever it is told to, whatever it is about to wait for. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { TestClock } from "../support/test-clock.ts";
import { MemoryLog } from "../../src/log/memory-log.ts";

const SPEC = { partitions: 2, replicationFactor: 1, cleanupPolicy: "compact" } as const;

test("a member that is told to stop while it settles its partitions stops", async () => {
  for (let turns = 0; turns < 12; turns += 1) {
    const log = new MemoryLog({ clock: new TestClock(0) });
    await log.createTopics([{ topic: "raw", ...SPEC }]);
    const handle = await log.process(
      { topic: "raw", group: "g" },
      { restore: () => Promise.resolve(), process: () => [], release: () => {} },
    );
    for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
    const stopped = handle.stop().then(() => "stopped");
    // Everything that is due is done by the third turn of the event loop; a member that missed the word never stops.
    const waited = (async () => {
      for (let loop = 0; loop < 3; loop += 1) await new Promise((resolve) => setImmediate(resolve));
      return "still waiting";
    })();
    assert.equal(await Promise.race([stopped, waited]), "stopped", `after ${turns} turns`);
    await log.close();
  }
});
