/** Feeds that cannot be believed are found out, and only a lagging replica is kept away from the totals. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FEED_FLAGS, FeedTruth } from "../../src/domain/feed-truth.ts";
import { observation } from "../../src/record/change-detection.ts";
import type { StationStatus } from "../../src/record/station.ts";

const START_MS = 1_760_000_000_000;
const MINUTE = 60_000;

function stations(count: number, vehicles: number): StationStatus[] {
  return Array.from({ length: count }, (_, n) => stationOf(String(n), n === 0 ? vehicles : 5));
}

function stationOf(stationId: string, total: number): StationStatus {
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
    source: {},
  });
}

/** Polls once a minute what `at` says; returns the flags at the end and the polls that were not believed. */
function follow(
  minutes: number,
  at: (minute: number) => { header: number | null; count?: number; vehicles: number },
) {
  const truth = new FeedTruth();
  const disbelieved: number[] = [];
  for (let minute = 0; minute < minutes; minute += 1) {
    const { header, count = 150, vehicles } = at(minute);
    const lastUpdatedMs = header === null ? null : START_MS + header * MINUTE;
    const atMs = START_MS + minute * MINUTE;
    const { believed } = truth.observe({ atMs, lastUpdatedMs, stations: stations(count, vehicles) });
    if (!believed) disbelieved.push(minute);
  }
  const flags = truth.flags().map(({ flag }) => flag);
  return { flags, disbelieved };
}

test("an honest feed raises no flag, with or without a header", () => {
  fc.assert(
    fc.property(fc.boolean(), fc.integer({ min: 1, max: 9 }), (withHeader, every) => {
      const { flags, disbelieved } = follow(400, (minute) => ({
        header: withHeader ? minute - (minute % every) : null,
        vehicles: Math.floor(minute / every),
      }));
      assert.deepEqual([flags, disbelieved], [[], []]);
    }),
    { numRuns: 20 },
  );
});

test("flags a header that moves while the content does not", () => {
  assert.deepEqual(follow(90, (minute) => ({ header: minute, vehicles: 1 })).flags, [
    "header_moves_content_does_not",
  ]);
});

test("a small system may sleep all night", () => {
  assert.deepEqual(follow(9 * 60, (minute) => ({ header: minute, count: 20, vehicles: 1 })).flags, []);
  assert.deepEqual(follow(13 * 60, (minute) => ({ header: minute, count: 20, vehicles: 1 })).flags, [
    "header_moves_content_does_not",
  ]);
});

test("lowers the flag when the content moves again", () => {
  const { flags } = follow(100, (minute) => ({ header: minute, vehicles: minute < 95 ? 1 : 2 }));
  assert.deepEqual(flags, []);
});

test("flags a header that stands still while the content moves", () => {
  assert.deepEqual(follow(60, (minute) => ({ header: 0, vehicles: minute })).flags, ["header_stands_still"]);
});

test("flags data of months ago within half an hour, and a frozen feed without a header within its idle time", () => {
  assert.deepEqual(follow(40, () => ({ header: -200_000, vehicles: 1 })).flags, ["stale"]);
  assert.deepEqual(follow(65, () => ({ header: null, vehicles: 1 })).flags, ["stale"]);
});

test("does not believe a lagging replica, and flags it", () => {
  const { flags, disbelieved } = follow(60, (minute) => ({
    header: minute % 4 === 3 ? minute - 7 : minute,
    vehicles: minute % 4 === 3 ? minute - 7 : minute,
  }));
  assert.ok(flags.includes("runs_backwards"));
  assert.deepEqual(disbelieved, [3, 7, 11, 15, 19, 23, 27, 31, 35, 39, 43, 47, 51, 55, 59]);
});

test("believes a publisher again whose clock was wrong before, after ten minutes", () => {
  const { disbelieved } = follow(60, (minute) => ({
    header: minute < 10 ? minute + 500_000 : minute,
    vehicles: minute,
  }));
  assert.deepEqual(disbelieved, [10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
});

test("flags copies that alternate, header or not", () => {
  assert.ok(follow(20, (minute) => ({ header: null, vehicles: minute % 2 })).flags.includes("alternates"));
});

/**
 * A city of many stations in which `moving` of them change at every step. 23 has no divisor in common with any period
 * here (19 steps at most): else all stations would change at once, and the city would stand still in between.
 */
function movingCity(step: number, moving: number, count = 150): number[] {
  return Array.from(
    { length: count },
    (_, n) => 5 + ((Math.floor((step + n * 23) / Math.ceil(count / moving)) * 3) % 11),
  );
}

function flagsOf(
  polls: number,
  at: (poll: number) => readonly number[],
  header: (poll: number) => number | null,
) {
  const truth = new FeedTruth();
  const seen = new Set<string>();
  for (let poll = 0; poll < polls; poll += 1) {
    const city = at(poll).map((vehicles, n) => stationOf(String(n), vehicles));
    const lastUpdatedMs = header(poll);
    truth.observe({ atMs: START_MS + poll * MINUTE, lastUpdatedMs, stations: city });
    for (const { flag } of truth.flags()) seen.add(flag);
  }
  return seen;
}

test("flags replicas without a header, in turn or at random, however far one lags and though both move on", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 4 }),
      fc.integer({ min: 8, max: 100 }),
      fc.array(fc.boolean(), { minLength: 60, maxLength: 60 }),
      fc.boolean(),
      (lag, moving, turns, random) => {
        const isBehind = (poll: number): boolean => (random ? turns[poll] === true : poll % 2 === 1);
        fc.pre(!random || turns.filter((turn, n) => turn !== turns[n - 1]).length >= 24);
        const at = (poll: number) => movingCity(isBehind(poll) ? poll - lag : poll, moving);
        assert.ok(flagsOf(60, at, () => null).has("alternates"));
      },
    ),
    { numRuns: 60 },
  );
});

test("flags a replica that lags one change behind", () => {
  const at = (poll: number) => {
    const change = poll % 2 === 0 ? poll / 2 + 1 : (poll - 1) / 2;
    return Array.from({ length: 100 }, () => 100 + change);
  };
  assert.ok(flagsOf(12, at, () => null).has("alternates"));
});

test("a city that moves, or a sensor that flaps now and then, is not two copies", () => {
  const flapping = (poll: number) => movingCity(poll, 20).map((count, n) => (n === 3 ? poll % 2 : count));
  assert.deepEqual([...flagsOf(300, flapping, () => null)], []);
});

/** A city that changes at every poll of ten minutes but from `from` to `to` o'clock, UTC; `frozen` from a poll on. */
function sleeping(days: number, from: number, to: number, frozen = Infinity) {
  const truth = new FeedTruth("Europe/Paris");
  const raised: number[] = [];
  let [vehicles, was] = [0, false];
  const midnight = Date.parse("2026-05-04T00:00:00Z");
  for (let poll = 0; poll < days * 144; poll += 1) {
    const hour = (poll / 6) % 24;
    const asleep = from > to ? hour >= from || hour < to : hour >= from && hour < to;
    if (!asleep && poll < frozen) vehicles += 1;
    const atMs = midnight + poll * 10 * MINUTE;
    truth.observe({ atMs, lastUpdatedMs: atMs, stations: stations(250, vehicles) });
    const up = truth.flags().length > 0;
    if (up && !was) raised.push(poll);
    was = up;
  }
  return raised;
}

test("a city that sleeps every night raises no flag, the first night neither", () => {
  assert.deepEqual(sleeping(30, 23, 4), []);
  assert.deepEqual(sleeping(30, 21.5, 5), []);
});

test("a city that freezes by day is found within two hours, once, after weeks of quiet nights", () => {
  const frozen = 20 * 144 + 6 * 11;
  const raised = sleeping(22, 23, 4, frozen);
  assert.equal(raised.length, 1);
  assert.ok((raised[0] ?? 0) - frozen <= 12, `${(raised[0] ?? 0) - frozen} polls`);
});

test("a header that moves with the content only is honest, through the quietest night", () => {
  const { flags } = follow(24 * 60, (minute) => {
    const moved = minute % 1440 < 600 ? minute : 599;
    return { header: moved, vehicles: moved };
  });
  assert.ok(!flags.includes("header_stands_still"));
});

test("flags a jump in size for an hour", () => {
  const at = (minute: number) => ({ header: minute, count: minute === 10 ? 80 : 150, vehicles: minute });
  assert.deepEqual(follow(60, at).flags, ["jumps_in_size"]);
  assert.deepEqual(follow(80, at).flags, []);
});

test("areas that vehicles come to or leave are no jump in size, stations among them are", () => {
  const following = (docked: (minute: number) => number, areas: (minute: number) => number): string[] => {
    const truth = new FeedTruth();
    for (let minute = 0; minute < 30; minute += 1) {
      const parked = Array.from({ length: areas(minute) }, (_, n) =>
        stationOf(`free-floating:system:area ${n}`, minute),
      );
      const atMs = START_MS + minute * MINUTE;
      truth.observe({
        atMs,
        lastUpdatedMs: atMs,
        stations: [...stations(docked(minute), minute), ...parked],
      });
    }
    return truth.flags().map(({ flag }) => flag);
  };
  const leaving = (minute: number): number => (minute < 15 ? 60 : 2);
  assert.deepEqual(
    following(() => 40, leaving),
    [],
  );
  assert.deepEqual(
    following(() => 0, leaving),
    [],
  );
  assert.deepEqual(
    following(
      (minute) => (minute < 15 ? 40 : 20),
      (minute) => (minute < 15 ? 10 : 30),
    ),
    ["jumps_in_size"],
  );
});

test("every flag has its sentence", () => {
  for (const sentence of Object.values(FEED_FLAGS)) assert.match(sentence, /^[A-Z].*\.$/);
});
