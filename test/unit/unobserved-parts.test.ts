/** A poll that did not see a part of its system takes nothing of that part out of the totals. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Plan } from "../../src/domain/collection-plan.ts";
import { Collection } from "../../src/domain/collection.ts";
import type { Observed } from "../../src/domain/collection-plan.ts";
import { decodeStationStatus } from "../../src/domain/gbfs/station-status.ts";
import type { SystemPart } from "../../src/record/station.ts";

const MINUTE_MS = 60_000;
const FREE = "free-floating:system:s";

/** Polls once a minute; returns the ids that are retired, in order. */
function retiredBy(
  polls: readonly { ids: readonly string[]; unobserved?: readonly SystemPart[] }[],
): string[] {
  const collection = new Collection({
    systemId: "s",
    mode: "changes",
    simulated: false,
    resolveArea: () => ({ area: "s", rule: "system" }),
  });
  const retired: string[] = [];
  polls.forEach(({ ids, unobserved }, minute) => {
    const stations = ids.map((id) => ({ station_id: id, num_bikes_available: 1 }));
    const status = decodeStationStatus({ data: { stations } }, new Map()) ?? assert.fail();
    const observed: Observed = {
      observedAtMs: minute * MINUTE_MS,
      stations: status.stations,
      unreadable: new Set(),
      information: new Map(),
      partitionCount: 1,
      ...(unobserved !== undefined && { unobserved }),
    };
    const plan: Plan = collection.plan(observed);
    collection.acknowledge(plan);
    retired.push(...plan.records.filter(({ value }) => value === null).map(({ key }) => key));
  });
  return retired;
}

const times = <T>(n: number, value: T): T[] => Array.from({ length: n }, () => value);

test("vehicles stand while their file fails, and leave once it answers without them", () => {
  const whole = { ids: ["a", "b", FREE] };
  const failing = { ids: ["a", "b"], unobserved: ["vehicles"] } as const;
  assert.deepEqual(retiredBy([whole, ...times(60, failing)]), []);
  assert.equal(retiredBy([whole, ...times(60, failing), { ids: ["a", "b"] }]).length, 1);
});

test("stations stand while their file fails, though the vehicles are seen", () => {
  const whole = { ids: ["a", "b", FREE] };
  assert.deepEqual(retiredBy([whole, ...times(60, { ids: [FREE], unobserved: ["stations"] })]), []);
});

test("a station that is gone leaves, though its file fails at every second poll", () => {
  const whole = { ids: ["a", "b", "c"] };
  const without = { ids: ["a", "b"] };
  const failing = { ids: [], unobserved: ["stations"] } as const;
  assert.deepEqual(retiredBy([whole, without, failing, without, failing]), []);
  assert.deepEqual(retiredBy([whole, without, failing, without, failing, without]), ["s:c"]);
});
