/** Which stations polls prove gone: at the very edges of every number in the rule. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Departures } from "../../src/domain/departures.ts";

const START_MS = 1_700_000_000_000;
const MINUTE_MS = 60_000;
const VEHICLES = "free-floating:areas_file:north";

interface Known {
  readonly wanted: boolean;
  readonly observedAtMs: number;
}

function known(ids: readonly string[], wanted = true): Map<string, Known> {
  return new Map(ids.map((id) => [id, { wanted, observedAtMs: START_MS }]));
}

interface Poll {
  /** Since the start. */
  readonly atMs: number;
  readonly present: readonly string[];
  readonly unobserved?: readonly ("stations" | "vehicles")[];
  readonly mayLeave?: boolean;
}

/** @returns the ids that this poll proves gone */
function observe(departures: Departures, stations: Map<string, Known>, poll: Poll): string[] {
  const { atMs, present, unobserved, mayLeave = true } = poll;
  const observed = { observedAtMs: START_MS + atMs, ...(unobserved === undefined ? {} : { unobserved }) };
  const gone = departures.observe(stations, new Set(present), () => mayLeave, observed);
  return [...gone].map(([id]) => id);
}

test("a station is gone with the third poll without it, two minutes after the first", () => {
  const [departures, stations] = [new Departures(), known(["a", "b"])];
  const poll = (atMs: number) => observe(departures, stations, { atMs, present: ["a"] });
  assert.deepEqual(poll(0), []);
  assert.deepEqual(poll(MINUTE_MS), []);
  assert.deepEqual(poll(2 * MINUTE_MS - 1), []);
  assert.deepEqual(poll(2 * MINUTE_MS), ["b"]);
});

test("two polls without it are too few, however far apart", () => {
  const [departures, stations] = [new Departures(), known(["a", "b"])];
  for (const atMs of [0, 20 * MINUTE_MS])
    assert.deepEqual(observe(departures, stations, { atMs, present: ["a"] }), []);
});

test("one poll with it and all begins anew", () => {
  const [departures, stations] = [new Departures(), known(["a", "b"])];
  const present = [["a"], ["a"], ["a", "b"], ["a"], ["a"]];
  for (const [n, ids] of present.entries())
    assert.deepEqual(observe(departures, stations, { atMs: n * MINUTE_MS, present: ids }), []);
  assert.deepEqual(observe(departures, stations, { atMs: 5 * MINUTE_MS, present: ["a"] }), ["b"]);
});

test("a station that left and came again is no longer half gone", () => {
  const [departures, stations] = [new Departures(), known(["a", "b"])];
  for (const n of [0, 1, 2]) observe(departures, stations, { atMs: n * MINUTE_MS, present: ["a"] });
  departures.forget("b");
  assert.deepEqual(observe(departures, stations, { atMs: 3 * MINUTE_MS, present: ["a"] }), []);
});

test("half of the stations make a poll, fewer do not until it was so for half an hour", () => {
  const stations = known(["a", "b", "c", "d"]);
  const half = new Departures();
  for (const n of [0, 1])
    assert.deepEqual(observe(half, stations, { atMs: n * MINUTE_MS, present: ["a", "b"] }), []);
  assert.deepEqual(observe(half, stations, { atMs: 2 * MINUTE_MS, present: ["a", "b"] }), ["c", "d"]);

  const fewer = new Departures();
  for (let n = 0; n < 30; n += 1)
    assert.deepEqual(observe(fewer, stations, { atMs: n * MINUTE_MS, present: ["a"] }), []);
  // Believed from now on: the absences are counted from here.
  const counted = [30, 31, 32].map((n) => observe(fewer, stations, { atMs: n * MINUTE_MS, present: ["a"] }));
  assert.deepEqual(counted, [[], [], ["b", "c", "d"]]);
});

test("one full poll ends the half hour", () => {
  const [departures, stations] = [new Departures(), known(["a", "b", "c"])];
  for (let n = 0; n < 29; n += 1) observe(departures, stations, { atMs: n * MINUTE_MS, present: [] });
  observe(departures, stations, { atMs: 29 * MINUTE_MS, present: ["a", "b", "c"] });
  for (let n = 30; n < 60; n += 1)
    assert.deepEqual(observe(departures, stations, { atMs: n * MINUTE_MS, present: [] }), []);
});

test("a status that could not be had neither begins the half hour nor ends it, and counts no absence", () => {
  const [departures, stations] = [new Departures(), known(["a", "b", "c"])];
  const unobserved = ["stations"] as const;
  for (let n = 0; n < 10; n += 1)
    assert.deepEqual(observe(departures, stations, { atMs: n * MINUTE_MS, present: [], unobserved }), []);
  for (let n = 10; n < 40; n += 1)
    assert.deepEqual(observe(departures, stations, { atMs: n * MINUTE_MS, present: [] }), [], `minute ${n}`);
});

test("what a selection leaves out is not absent, and counts for nothing", () => {
  const stations = new Map([...known(["mine", "gone"]), ...known(["x", "y", "z", "u", "v"], false)]);
  const departures = new Departures();
  for (const n of [0, 1]) observe(departures, stations, { atMs: n * MINUTE_MS, present: ["mine"] });
  assert.deepEqual(observe(departures, stations, { atMs: 2 * MINUTE_MS, present: ["mine"] }), ["gone"]);
});

test("a station that another collector answers for does not leave, nor begin to", () => {
  const [departures, stations] = [new Departures(), known(["a", "b"])];
  for (const n of [0, 1, 2])
    assert.deepEqual(
      observe(departures, stations, { atMs: n * MINUTE_MS, present: ["a"], mayLeave: false }),
      [],
    );
  assert.deepEqual(observe(departures, stations, { atMs: 3 * MINUTE_MS, present: ["a"] }), []);
});

test("vehicles leave with the first complete file of that very instant or later, and are no share of the stations", () => {
  const stations = new Map([
    ...known(["a"]),
    [VEHICLES, { wanted: true, observedAtMs: START_MS + MINUTE_MS }] as const,
  ]);
  const departures = new Departures();
  const poll = (atMs: number, unobserved: Poll["unobserved"] = []) =>
    observe(departures, stations, { atMs, present: ["a"], unobserved });
  assert.deepEqual(poll(2 * MINUTE_MS, ["vehicles"]), []);
  assert.deepEqual(poll(MINUTE_MS - 1), []);
  assert.deepEqual(poll(MINUTE_MS), [VEHICLES]);
  // Many areas of vehicles that are gone do not make a poll of stations incomplete.
  const areas = known(Array.from({ length: 9 }, (_, n) => `free-floating:system:area ${n}`));
  const many = new Map([...known(["a", "b"]), ...areas]);
  const other = new Departures();
  const gone = [0, 1, 2].map((n) => observe(other, many, { atMs: n * MINUTE_MS, present: ["a"] }));
  assert.ok(gone[2]?.includes("b"));
});
