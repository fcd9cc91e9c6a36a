/** The gate of requests is fair to hosts, and never exceeds its limits. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FairGate } from "../../../src/feed/request-gate.ts";
import { settled } from "../../support/test-clock.ts";

test("never lets in more than the limits, and lets everyone in at last, whatever the order", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 3 }),
      fc.array(fc.constantFrom("a", "b", "c", "d"), { minLength: 1, maxLength: 30 }),
      fc.infiniteStream(fc.nat()),
      async (total, perHost, hosts, choices) => {
        const gate = new FairGate({ total, perHost });
        const inside: { host: string; leave: () => void }[] = [];
        let entered = 0;
        const check = (): void => {
          assert.ok(inside.length <= total);
          for (const host of "abcd") assert.ok(inside.filter((one) => one.host === host).length <= perHost);
        };
        const all = hosts.map(async (host) => {
          const leave = await gate.enter(host);
          inside.push({ host, leave });
          entered += 1;
          check();
        });
        await settled();
        while (inside.length > 0) {
          const [gone] = inside.splice((choices.next().value ?? 0) % inside.length, 1);
          gone?.leave();
          gone?.leave();
          await settled();
        }
        await Promise.all(all);
        assert.equal(entered, hosts.length);
        assert.equal(gate.waiting, 0);
      },
    ),
    { numRuns: 100 },
  );
});

test("a host that hangs with a long queue does not hold up another", async () => {
  const gate = new FairGate({ total: 4, perHost: 2 });
  const hanging = Array.from({ length: 50 }, () => gate.enter("slow"));
  await settled();
  const leave = await gate.enter("quick");
  leave();
  assert.equal(gate.waiting, 48);
  assert.equal(hanging.length, 50);
});

test("who gives up leaves the queue", async () => {
  const gate = new FairGate({ total: 1, perHost: 1 });
  const leave = await gate.enter("a");
  const giveUp = new AbortController();
  const waiting = gate.enter("a", giveUp.signal);
  giveUp.abort(new Error("stopping"));
  await assert.rejects(waiting, /stopping/);
  await assert.rejects(gate.enter("a", giveUp.signal), /stopping/);
  leave();
  (await gate.enter("a"))();
});
