/** A simulated city looks and moves like Paris: its stations, its totals, its mornings and evenings. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CityModel } from "../../../src/simulate/city-model.ts";
import { parisTime, rhythmAt } from "../../../src/simulate/rhythm.ts";

const TUESDAY_6_AM = Date.parse("2026-11-24T05:00:00Z");

test("has the two stations of the reference case, whatever the seed", () => {
  const { stations } = new CityModel({ stations: 2, seed: 99, startsAtMs: 0, stepMs: 60_000 });
  assert.deepEqual(
    stations.map(({ stationId, stationCode, name, postcode }) => [stationId, stationCode, name, postcode]),
    [
      [213_688_169, "16107", "Benjamin Godard - Victor Hugo", "75016"],
      [2_515_829_865, "32017", "Basilique", "93200"],
    ],
  );
});

test("resembles the real system: docks, bikes, electric share, closed stations, ids above int32", () => {
  const model = new CityModel({ stations: 1500, seed: 7, startsAtMs: TUESDAY_6_AM, stepMs: 60_000 });
  const { stations } = model;
  const docks = stations.reduce((sum, { capacity }) => sum + capacity, 0);
  const electric = stations.reduce((sum, _, index) => sum + model.counts(index).electric, 0);
  assert.ok(docks > 43_000 && docks < 52_000, `docks: ${docks}`);
  assert.ok(model.docked > 16_000 && model.docked < 20_500, `bikes: ${model.docked}`);
  assert.ok(electric / model.docked > 0.36 && electric / model.docked < 0.42);
  assert.ok(stations.some(({ capacity }) => capacity === 0));
  assert.ok(stations.some(({ isOpen }) => !isOpen));
  assert.ok(stations.filter(({ stationId }) => stationId > 2 ** 31).length > 700);
  assert.ok(new Set(stations.map(({ postcode }) => postcode)).size > 70);
});

test("fills the offices' stations in the morning and empties them by the evening", () => {
  const model = new CityModel({ stations: 800, seed: 3, startsAtMs: TUESDAY_6_AM, stepMs: 60_000 });
  const atOffices = (): number =>
    model.stations.reduce((sum, { workplaces }, index) => {
      const { mechanical, electric } = model.counts(index);
      return workplaces > 0.5 ? sum + mechanical + electric : sum;
    }, 0);
  const run = (hours: number): number => {
    for (let minute = 0; minute < hours * 60; minute += 1) model.step();
    return atOffices();
  };
  const night = atOffices();
  const morning = run(4);
  const evening = run(10);
  assert.ok(morning > night * 1.1, `${night} bikes at 6:00, ${morning} at 10:00`);
  assert.ok(evening < morning * 0.6, `${morning} bikes at 10:00, ${evening} at 20:00`);
});

test("tells the time of Paris in summer and in winter, and rides most when people do", () => {
  assert.deepEqual(parisTime(Date.parse("2026-07-01T06:30:00Z")), { day: 3, hour: 8.5 });
  assert.deepEqual(parisTime(Date.parse("2026-12-01T07:30:00Z")), { day: 2, hour: 8.5 });
  const trips = (iso: string): number => rhythmAt(Date.parse(iso)).tripsPerHour;
  assert.ok(trips("2026-11-24T17:00:00Z") > 10 * trips("2026-11-24T02:00:00Z"));
  assert.ok(trips("2026-11-24T07:00:00Z") > 2 * trips("2026-11-22T07:00:00Z"), "a Tuesday against a Sunday");
  assert.equal(rhythmAt(Date.parse("2026-11-22T07:00:00Z")).commute, 0);
});

test("time that is skipped moves nobody, and loses nobody", () => {
  const model = new CityModel({
    stations: 300,
    seed: 5,
    startsAtMs: TUESDAY_6_AM + 7_200_000,
    stepMs: 60_000,
  });
  for (let minute = 0; minute < 10; minute += 1) model.step();
  const { docked, inFlight, cityTimeMs } = model;
  model.skip(600);
  assert.deepEqual([model.docked, model.inFlight], [docked, inFlight]);
  assert.equal(model.cityTimeMs, cityTimeMs + 600 * 60_000);
});
