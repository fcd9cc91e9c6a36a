/**
 * Fails when the in-process paths have become twice as slow: processor time against a loop of JSON.parse over the same
 * bytes, in turn, median of the ratios. Machine and neighbours change both alike; a slow commit changes one.
 */
import { aggregating, type Measurement, pairs, polling } from "../bench/support/in-process.ts";
import { figure } from "../bench/support/report.ts";

const PAIRS = 15;
const WARM_UP = 5;
/** JSON.parse loops that one run may cost: twice what it cost when this was written (0.7 and up to 7). */
const CHECKS: readonly { name: string; measurement: Measurement; most: number }[] = [
  { name: "aggregate", measurement: aggregating(10), most: 1.4 },
  { name: "poll to totals", measurement: await polling(20), most: 14 },
];

for (const { name, measurement, most } of CHECKS) {
  const { ours, parse } = await pairs(measurement, PAIRS, WARM_UP);
  const cost = figure(
    name,
    "×",
    ours.map((ms, pair) => ms / (parse[pair] ?? NaN)),
  );
  const verdict = cost.median <= most ? "ok" : "TOO SLOW";
  console.log(
    `${name}: ${cost.median} JSON.parse loops (${cost.min} to ${cost.max}), at most ${most}: ${verdict}`,
  );
  if (cost.median > most) process.exitCode = 1;
}
