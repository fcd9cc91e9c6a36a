/** The simulator as the collector's own client sees it: described, polled, conditional, and failing as it was told to. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { typedTarget } from "../../../src/feed/feed-target.ts";
import { HttpClient } from "../../../src/feed/http-client.ts";
import { HttpFeed } from "../../../src/feed/http-feed.ts";
import { startSimulator, type Simulator, type SimulatorOptions } from "../../../src/simulate/simulator.ts";
import { TestClock } from "../../support/test-clock.ts";

async function collected(
  context: TestContext,
  options: Partial<SimulatorOptions> = {},
): Promise<{ simulator: Simulator; feed: HttpFeed }> {
  const clock = new TestClock();
  const simulator = await startSimulator({ clock, stations: 60, ...options });
  const client = new HttpClient({
    userAgent: "velostream-test (+mailto:test@example.org)",
    now: () => clock.now(),
    limits: { firstByteMs: 200, totalMs: 400 },
  });
  context.after(async () => {
    await feed.close();
    await client.close();
    await simulator.stop();
  });
  const target = typedTarget(simulator.url);
  assert.ok(target !== null);
  const feed = new HttpFeed({ target, client, clock });
  return { simulator, feed };
}

for (const dialect of ["velib", "2.3", "3.0"] as const) {
  test(`dialect ${dialect} is collected as Vélib', simulated, every bike counted`, async (context) => {
    const { simulator, feed } = await collected(context, { dialect });
    const system = await feed.describe();
    assert.deepEqual(
      [system.systemId, system.name, system.timezone, system.simulated],
      ["velib", "Vélib' Métropole (simulated)", "Europe/Paris", true],
    );
    const first = await feed.poll();
    assert.ok(first.kind === "changed");
    const electric = first.status.stations.reduce((sum, station) => sum + (station.electric ?? NaN), 0);
    const all = first.status.stations.reduce((sum, station) => sum + station.total, 0);
    assert.equal(all, simulator.model.docked);
    assert.ok(electric > 0 && electric < all);
    assert.equal(feed.information().size, 60);
    assert.equal((await feed.poll()).kind, "unchanged");
    simulator.advance(600_000);
    assert.equal((await feed.poll()).kind, "changed");
  });
}

test("every fault is a failed poll with its own word, and passes", async (context) => {
  const { simulator, feed } = await collected(context);
  await feed.describe();
  assert.equal((await feed.poll()).kind, "changed");
  const outcome = async (): Promise<string> => {
    const poll = await feed.poll();
    return poll.kind === "failed" ? poll.outcome : poll.kind;
  };
  simulator.setFault("5xx");
  const down = await feed.poll();
  assert.ok(down.kind === "failed");
  assert.deepEqual([down.outcome, down.retryAfterMs], ["http_503", 5000]);
  simulator.setFault("html");
  assert.equal(await outcome(), "not_json");
  simulator.setFault("truncated");
  assert.equal(await outcome(), "not_json");
  simulator.setFault("stalled");
  assert.equal(await outcome(), "timeout");
  simulator.setFault("slow");
  assert.equal(await outcome(), "timeout");
  simulator.setFault("missing-stations");
  const few = await feed.poll();
  assert.ok(few.kind === "changed");
  assert.equal(few.status.stations.length, 20);
  simulator.setFault(null);
  const healed = await feed.poll();
  assert.ok(healed.kind === "changed");
  assert.equal(healed.status.stations.length, 60);
});
