/** Feeds that cannot be believed are found out, and only a lagging replica is kept away from the totals. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FEED_FLAGS, FeedTruth } from "../../src/domain/feed-truth.ts";
import type { StationStatus } from "../../src/domain/station.ts";

const START_MS = 1_760_000_000_000;
const MINUTE = 60_000;

function stations(count: number, vehicles: number): StationStatus[] {
  return Array.from({ length: count }, (_, n) => ({
    stationId: String(n),
    stationCode: null,
    vehiclesAvailable: n === 0 ? vehicles : 5,
    electricAvailable: null,
    mechanicalAvailable: null,
    docksAvailable: null,
    isInstalled: null,
    isRenting: null,
    isReturning: null,
    lastReportedMs: null,
    source: {},
  }));
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

test("flags a jump in size for an hour", () => {
  const at = (minute: number) => ({ header: minute, count: minute === 10 ? 80 : 150, vehicles: minute });
  assert.deepEqual(follow(60, at).flags, ["jumps_in_size"]);
  assert.deepEqual(follow(80, at).flags, []);
});

test("every flag has its sentence", () => {
  for (const sentence of Object.values(FEED_FLAGS)) assert.match(sentence, /^[A-Z].*\.$/);
});
