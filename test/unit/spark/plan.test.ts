/** The SQL that is put to Spark: its size, its order of observations, its records. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { observationsSql, totalsSql } from "../../../src/stages/aggregate-spark/plan.ts";

const SHAPE = {
  slots: 3,
  partitions: 2,
  floors: [7, -1],
  schema: "velostream.totals.v1",
  writer: "spark:it's:1",
};

function count(text: string, pattern: RegExp): number {
  return [...text.matchAll(pattern)].length;
}

test("there is one latest observation a slot and one offset a partition, and nothing beyond them is summed", () => {
  const sql = totalsSql(SHAPE);
  assert.equal(count(sql, /max\(observation\) FILTER \(WHERE slot = \d+\)/g), 3);
  assert.equal(count(sql, /max\(offset\) FILTER \(WHERE partition = \d+\)/g), 2);
  assert.match(sql, /HAVING max\(slot\) < 3 AND max\(partition\) < 2/);
});

test("observations are compared by time, then not retired, then counts: as the reducer does", () => {
  const fields = [...observationsSql().matchAll(/^ {4}'(\w+)', /gm)].map((match) => match[1]);
  assert.deepEqual(fields, ["observed_at", "live", "total", "electric", "mechanical", "docks", "simulated"]);
});

test("a totals value starts with the reference pipeline's four fields", () => {
  const fields = [...totalsSql(SHAPE).matchAll(/^ {6}'(\w+)', /gm)].map((match) => match[1]);
  assert.deepEqual(fields, [
    "postcode",
    "nbr_total",
    "nbr_elec",
    "nbr_meca",
    "system_id",
    "stations",
    "docks",
    "as_of",
  ]);
});

test("totals never say they cover less than the first batch did", () => {
  assert.match(
    totalsSql(SHAPE),
    /greatest\(offsets\[newest\.partition\], array\(7L, -1L\)\[newest\.partition\]\)/,
  );
});

test("no second aggregate, no watermark: totals wait for nothing", () => {
  const sql = totalsSql(SHAPE);
  assert.equal(count(sql, /GROUP BY/g), 1);
  assert.doesNotMatch(sql, /watermark|window\(/i);
});
