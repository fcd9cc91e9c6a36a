/** The live view equals a recount of the log, and its changes, replayed, equal the view. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Delta } from "../../src/domain/change-journal.ts";
import { Collection } from "../../src/domain/collection.ts";
import type { LiveArea } from "../../src/domain/live-area.ts";
import type { LiveStation } from "../../src/domain/live-station.ts";
import { LiveView } from "../../src/domain/live-view.ts";
import type { ReadRecord } from "../../src/record/received-record.ts";
import { observation } from "../../src/record/change-detection.ts";
import type { StationStatus } from "../../src/record/station.ts";
import type { Totals } from "../../src/record/totals-record.ts";
import { recount, step, type Step } from "../support/history.ts";
import { extrasOf, rawRecord, TotalsWriter } from "../support/live-records.ts";

const RUNS = { numRuns: 1_500 };
const batches = fc.array(fc.array(step, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 10 });

function sorted<T>(entries: Iterable<readonly [string, T]>): [string, T][] {
  return [...entries].map(([key, value]): [string, T] => [key, value]).sort(([a], [b]) => (a < b ? -1 : 1));
}

function timeless({ asOfMs, ...totals }: Totals): Omit<Totals, "asOfMs"> {
  assert.ok(asOfMs > 0);
  return totals;
}

/** What a client holds: the rules of docs/api.md, "Events". */
class Client {
  readonly stations = new Map<string, LiveStation>();
  readonly areas = new Map<string, LiveArea>();

  snapshot(view: LiveView): void {
    this.stations.clear();
    this.areas.clear();
    for (const station of view.stations()) this.stations.set(station.place.key, station);
    for (const area of view.areas()) this.areas.set(area.key, area);
  }

  apply(delta: Delta): void {
    for (const area of delta.areasRemoved) assert.ok(this.areas.delete(area.key), "removes what is held");
    for (const station of delta.stationsRemoved) {
      assert.ok(this.stations.delete(station.place.key), "removes what is held");
    }
    for (const area of delta.areas) this.areas.set(area.key, area);
    for (const { station, placed } of delta.stations) {
      const held = this.stations.get(station.place.key);
      assert.equal(placed, held?.place !== station.place, "the place is sent when it is new, and only then");
      this.stations.set(station.place.key, station);
    }
  }

  assertEquals(view: LiveView): void {
    assert.deepEqual(sorted(this.stations), sorted([...view.stations()].map((s) => [s.place.key, s])));
    assert.deepEqual(sorted(this.areas), sorted([...view.areas()].map((a) => [a.key, a])));
  }
}

/** Feeds one batch and the totals it makes, then commits. */
function feed(view: LiveView, writer: TotalsWriter, batch: readonly Step[]): Delta | null {
  const raw = batch.map((next) => rawRecord(next));
  for (const record of raw) view.applyRaw(record);
  for (const record of writer.write(raw)) view.applyTotals(record);
  return view.commit();
}

test("stations, totals and what the stations add equal a recount after every batch", () => {
  fc.assert(
    fc.property(batches, (batches) => {
      const view = new LiveView();
      const writer = new TotalsWriter();
      const steps: Step[] = [];
      for (const batch of batches) {
        feed(view, writer, batch);
        steps.push(...batch);
        const expected = recount(steps);
        assert.deepEqual(sorted([...view.areas()].map((a) => [a.key, timeless(a.totals)])), sorted(expected));
        for (const area of view.areas()) {
          const stations = [...view.stationsOf(area.key)];
          assert.equal(stations.length, area.totals.stations);
          assert.equal(
            stations.reduce((sum, s) => sum + s.total, 0),
            area.totals.total,
          );
          const extras = stations.map((s) => extrasOf(s.place.stationId, s.total));
          assert.equal(area.stationsRenting, extras.filter((e) => e.isRenting).length);
          const capacities = extras.flatMap((e) => e.capacity ?? []);
          assert.equal(area.capacity, capacities.length === 0 ? null : capacities.reduce((a, b) => a + b, 0));
          const lat = extras.reduce((sum, e) => sum + e.lat, 0) / extras.length;
          assert.ok(Math.abs((area.lat ?? NaN) - lat) < 2e-6);
        }
        let stations = 0;
        for (const system of view.systems()) {
          const areas = [...view.areas()].filter((a) => a.totals.systemId === system.systemId);
          assert.equal(system.areas, areas.length);
          assert.equal(
            system.sums.total,
            areas.reduce((sum, a) => sum + a.totals.total, 0),
          );
          stations += system.stations;
        }
        assert.equal(view.stationCount, stations);
        assert.equal(view.stationCount, [...view.stations()].length);
      }
    }),
    RUNS,
  );
});

test("a client that reconnects at any point, as often as it likes, holds what an uninterrupted one holds", () => {
  fc.assert(
    fc.property(
      batches,
      fc.array(fc.boolean(), { minLength: 1, maxLength: 10 }),
      fc.integer({ min: 1, max: 60 }),
      (batches, connected, journalItems) => {
        const view = new LiveView({ journalItems });
        const writer = new TotalsWriter();
        const uninterrupted = new Client();
        const interrupted = new Client();
        let seen = 0;
        batches.forEach((batch, index) => {
          const delta = feed(view, writer, batch);
          if (delta !== null) uninterrupted.apply(delta);
          if (connected[index % connected.length] === true) {
            const missed = view.since(seen);
            if (missed === null) interrupted.snapshot(view);
            else for (const delta of missed) interrupted.apply(delta);
            seen = view.seq;
            interrupted.assertEquals(view);
          }
          uninterrupted.assertEquals(view);
        });
      },
    ),
    RUNS,
  );
});

test("repeated totals records and repeated raw records change nothing", () => {
  fc.assert(
    fc.property(batches, (batches) => {
      const view = new LiveView();
      const writer = new TotalsWriter();
      const totals: ReadRecord[] = [];
      for (const batch of batches) {
        const raw = batch.map((next) => rawRecord(next));
        for (const record of raw) view.applyRaw(record);
        const written = writer.write(raw);
        totals.push(...written);
        for (const record of written) view.applyTotals(record);
        view.commit();
        // An at-least-once writer repeats itself, from any earlier point on.
        for (const record of totals) assert.notEqual(view.applyTotals(record), "changed");
        assert.equal(view.commit(), null);
      }
    }),
    RUNS,
  );
});

interface City {
  readonly polls: readonly ReadonlyMap<number, { area: string; total: number }>[];
  readonly turns: readonly number[];
}

const city: fc.Arbitrary<City> = fc.record({
  polls: fc.array(
    fc
      .uniqueArray(
        fc.tuple(
          fc.integer({ min: 1, max: 6 }),
          fc.record({ area: fc.constantFrom("a", "b", "c", "d"), total: fc.nat({ max: 9 }) }),
        ),
        { minLength: 3, selector: ([id]) => id },
      )
      .map((stations) => new Map(stations)),
    { minLength: 1, maxLength: 12 },
  ),
  turns: fc.array(fc.nat({ max: 2 }), { minLength: 1, maxLength: 40 }),
});

test("stations that move between areas and partitions end where the collector last saw them, however partitions interleave", () => {
  fc.assert(
    fc.property(city, ({ polls, turns }) => {
      let areas = new Map<string, string>();
      const collection = new Collection({
        systemId: "velib",
        mode: "changes",
        simulated: false,
        resolveArea: (_information, _code, id) => ({ area: areas.get(id) ?? "?", rule: "region" }),
      });
      const partitions: ReadRecord[][] = [[], [], []];
      const published = new Map<string, number>();
      polls.forEach((poll, index) => {
        areas = new Map([...poll].map(([id, { area }]) => [String(id), area]));
        const plan = collection.plan({
          observedAtMs: (index + 1) * 60_000,
          stations: [...poll].map(([id, { total }]) => status(String(id), total)),
          unreadable: new Set(),
          information: new Map(),
          partitionCount: 3,
        });
        for (const { key, value, partition } of plan.records) {
          partitions[partition]?.push({
            partition,
            key,
            value,
            timestampMs: (index + 1) * 60_000,
            headers: {},
          });
          if (value === null) continue;
          const { retired, nbr_total: total } = JSON.parse(value) as { retired?: true; nbr_total: number };
          if (retired === true) published.delete(key);
          else published.set(key, total);
        }
        collection.acknowledge(plan);
      });
      const view = new LiveView();
      const next = [0, 0, 0];
      for (let turn = 0; partitions.some((records, p) => (next[p] ?? 0) < records.length); turn += 1) {
        const partition = turn < turns.length ? (turns[turn] ?? 0) : turn % 3;
        const record = partitions[partition]?.[next[partition] ?? 0];
        if (record === undefined) continue;
        next[partition] = (next[partition] ?? 0) + 1;
        view.applyRaw(record);
      }
      assert.deepEqual(sorted([...view.stations()].map((s) => [s.place.key, s.total])), sorted(published));
    }),
    RUNS,
  );
});

function status(stationId: string, total: number): StationStatus {
  return observation({
    stationId,
    stationCode: null,
    total,
    electric: null,
    mechanical: null,
    docks: null,
    isInstalled: null,
    isRenting: null,
    isReturning: null,
    lastReportedMs: null,
    source: { station_id: stationId, num_bikes_available: total },
  });
}
