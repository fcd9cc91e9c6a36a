/** The systems of a server that reads another's log: what it may say of a publisher that it never asked. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { LiveSystem } from "../../../src/domain/live-system.ts";
import { presentSystems } from "../../../src/http/systems.ts";
import { VELIB } from "../../../src/feed/feed-target.ts";

const VELIB_LIVE: LiveSystem = {
  systemId: "velib",
  stations: 3,
  areas: 2,
  sums: { total: 35, electric: 10, mechanical: 25, docks: 58 },
  observedAtMs: 1_795_163_396_000,
  changePeriodMs: null,
  simulated: false,
};

function presented(live: Partial<LiveSystem>) {
  const [system] = presentSystems([{ ...VELIB_LIVE, ...live }], undefined, 1_795_163_400_000);
  return [system?.name, system?.attribution, system?.license_url];
}

test("credits Vélib' as its own collector does", () => {
  assert.deepEqual(presented({}), [VELIB.name, VELIB.attribution, VELIB.licenseUrl]);
});

test("credits nobody for a simulated city, and calls it one", () => {
  assert.deepEqual(presented({ simulated: true }), ["Vélib' Métropole (simulated)", null, null]);
});
