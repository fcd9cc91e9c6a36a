/** A simulated city neither makes nor loses a bike, overfills no station, and is the same for the same seed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CityModel } from "../../src/simulate/city-model.ts";

const city = fc.record({
  stations: fc.integer({ min: 1, max: 120 }),
  seed: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  startsAtMs: fc.integer({ min: Date.parse("2025-01-01"), max: Date.parse("2027-01-01") }),
  stepMs: fc.integer({ min: 500, max: 60_000 }),
});

function counts(model: CityModel): unknown[] {
  return model.stations.map((_, index) => model.counts(index));
}

test("bikes are conserved, and no station holds fewer than none or more than its docks", () => {
  fc.assert(
    fc.property(
      city,
      fc.integer({ min: 1, max: 90 }),
      fc.integer({ min: 0, max: 50 }),
      (options, steps, skip) => {
        const model = new CityModel(options);
        const bikes = model.docked + model.inFlight;
        for (let step = 0; step < steps; step += 1) {
          if (step === 30) model.skip(skip);
          model.step();
          assert.equal(model.docked + model.inFlight, bikes);
          model.stations.forEach((station, index) => {
            const { mechanical, electric, docks } = model.counts(index);
            assert.ok(mechanical >= 0 && electric >= 0 && docks >= 0);
            assert.ok(mechanical + electric + docks <= station.capacity);
          });
        }
      },
    ),
    { numRuns: 150 },
  );
});

test("the same seed and start give the same city, step by step", () => {
  fc.assert(
    fc.property(city, fc.integer({ min: 1, max: 40 }), (options, steps) => {
      const one = new CityModel(options);
      const other = new CityModel(options);
      assert.deepEqual(one.stations, other.stations);
      for (let step = 0; step < steps; step += 1) {
        one.step();
        other.step();
      }
      assert.deepEqual(counts(one), counts(other));
      assert.equal(one.inFlight, other.inFlight);
    }),
    { numRuns: 50 },
  );
});

test("station ids and codes are unique, whatever the size", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3000 }), fc.nat(), (stations, seed) => {
      const plan = new CityModel({ stations, seed, startsAtMs: 0, stepMs: 1000 }).stations;
      assert.equal(plan.length, stations);
      assert.equal(new Set(plan.map(({ stationId }) => stationId)).size, stations);
      assert.equal(new Set(plan.map(({ stationCode }) => stationCode)).size, stations);
    }),
    { numRuns: 20 },
  );
});
