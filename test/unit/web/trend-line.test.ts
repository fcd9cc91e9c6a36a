import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Trend } from "../../../web/src/live/seen-history.ts";
import { trendLine } from "../../../web/src/view/trend-line.ts";

/** `totals` as they were seen, one a minute from minute 0 on. */
function seen(...totals: readonly number[]): Trend {
  return {
    length: totals.length,
    atMs: (minute) => minute * 60_000,
    total: (minute) => totals[minute] ?? NaN,
  };
}

describe("a trend line", () => {
  it("steps from one observation to the next, from its lowest to its highest", () => {
    const { path, endY } = trendLine(seen(10, 20, 15), 0, 3 * 60_000);
    assert.equal(path, "M0 17H23V3H46V10H69");
    assert.equal(endY, 10);
  });

  it("is nothing where nothing was seen, and level where nothing moved", () => {
    assert.equal(trendLine(seen(), 0, 60_000).path, "");
    assert.equal(trendLine(seen(7), 0, 60_000).path, "M0 10H69");
    assert.equal(trendLine(seen(7, 7), 0, 120_000).path, "M0 10H35H69");
  });

  it("starts at its edge with what was seen before", () => {
    assert.match(trendLine(seen(1, 2), 30_000, 120_000).path, /^M0 17H23/);
  });

  it("stays short however much was seen, and loses no peak", () => {
    const totals = Array.from({ length: 720 }, (_, minute) => 100 + (minute % 2));
    totals[400] = 500;
    totals[401] = 0;
    const { path } = trendLine(seen(...totals), 0, 720 * 60_000);
    assert.ok((path.match(/[HV]/g) ?? []).length < 70 * 4, path);
    assert.match(path, /V3V17H/, "from the highest to the lowest");
  });
});
