/** Wall clocks across daylight saving, in Paris and elsewhere. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  calendarEdges,
  formatTime,
  instantsOf,
  isTimezone,
  readTime,
  shiftDays,
} from "../../../src/history/time/local-time.ts";

const HOUR = 3_600_000;
const PARIS = "Europe/Paris";
const utc = (text: string): number => Date.parse(text);

describe("reading", () => {
  test("takes a day, a local time, an offset and Z", () => {
    for (const [text, expected] of [
      ["2026-11-20", "2026-11-19T23:00:00Z"],
      ["2026-11-20T08:30", "2026-11-20T07:30:00Z"],
      ["2026-07-20 08:30:15", "2026-07-20T06:30:15Z"],
      ["2026-11-20T08:30Z", "2026-11-20T08:30:00Z"],
      ["2026-11-20T08:30:00-05:00", "2026-11-20T13:30:00Z"],
    ] as const)
      assert.deepEqual(readTime(text, PARIS), { ok: true, epochMs: utc(expected) }, text);
    assert.deepEqual(readTime("2026-11-20T08:30", "UTC"), { ok: true, epochMs: utc("2026-11-20T08:30Z") });
    assert.deepEqual(readTime("2026-11-20T08:30", "America/St_Johns"), {
      ok: true,
      epochMs: utc("2026-11-20T12:00Z"),
    });
  });

  test("says why a text is no instant", () => {
    const problem = (text: string): string => {
      const reading = readTime(text, PARIS);
      return reading.ok ? "" : reading.problem;
    };
    assert.match(
      problem("2026-03-29T02:30"),
      /the clock went forward over it: write 2026-03-29T03:30:00\+02:00$/,
    );
    assert.match(
      problem("2026-10-25T02:30"),
      /twice.*write 2026-10-25T02:30:00\+02:00 or 2026-10-25T02:30:00\+01:00/,
    );
    assert.match(problem("2026-02-30"), /calendar/);
    assert.match(problem("2026-13-01T00:00Z"), /calendar/);
    assert.match(problem("yesterday"), /write 2026-11-20/);
  });
});

test("a day begins also where its midnight is no time, or is twice", () => {
  // Cairo goes from 00:00 to 01:00, Havana from 01:00 back to 00:00.
  assert.deepEqual(readTime("2026-04-24", "Africa/Cairo"), { ok: true, epochMs: utc("2026-04-23T22:00Z") });
  assert.deepEqual(readTime("2026-11-01", "America/Havana"), { ok: true, epochMs: utc("2026-11-01T04:00Z") });
});

test("writes times with their offset, which reads back", () => {
  assert.equal(formatTime(utc("2026-10-25T00:30Z"), PARIS), "2026-10-25T02:30:00+02:00");
  assert.equal(formatTime(utc("2026-10-25T01:30Z"), PARIS), "2026-10-25T02:30:00+01:00");
  assert.equal(formatTime(utc("2026-10-25T01:30:00.250Z"), "UTC"), "2026-10-25T01:30:00.250Z");
  assert.equal(formatTime(utc("2026-11-20T12:00Z"), "America/St_Johns"), "2026-11-20T08:30:00-03:30");
  for (let at = utc("2026-10-24T20:00Z"); at < utc("2026-10-25T06:00Z"); at += HOUR / 2)
    assert.deepEqual(readTime(formatTime(at, PARIS), PARIS), { ok: true, epochMs: at });
});

test("days in steps have 23, 24 or 25 hours; hours have one each", () => {
  const hours = (edges: readonly number[]): number[] =>
    edges.slice(1).map((edge, at) => (edge - (edges[at] ?? 0)) / HOUR);
  const days = (from: string, to: string): number[] =>
    hours(calendarEdges(utc(from), utc(to), 24 * HOUR, PARIS));
  assert.deepEqual(days("2026-03-27T23:00Z", "2026-03-30T22:00Z"), [24, 23, 24]);
  assert.deepEqual(days("2026-10-23T22:00Z", "2026-10-26T23:00Z"), [24, 25, 24]);
  assert.equal(calendarEdges(utc("2026-03-28T23:00Z"), utc("2026-03-29T22:00Z"), HOUR, PARIS).length, 24);
});

test("a week earlier is the same wall clock; what a gap swallowed lies behind it", () => {
  assert.equal(shiftDays(utc("2026-10-28T07:30Z"), -7, PARIS), utc("2026-10-21T06:30Z"));
  assert.equal(shiftDays(utc("2026-04-05T00:30Z"), -7, PARIS), utc("2026-03-29T01:30Z"));
  assert.deepEqual(instantsOf(utc("2026-03-29T02:30Z"), PARIS), []);
});

test("knows a zone from a typing mistake", () => {
  assert.equal(isTimezone("Europe/Paris"), true);
  assert.equal(isTimezone("Europe/Pari"), false);
});
