/** The aggregate alone, in process: raw records as bytes in, totals records out; beside JSON.parse of the same bytes, by processor time. */
import { aggregating, pairs, STATIONS } from "./support/in-process.ts";
import { figure, report } from "./support/report.ts";

const POLLS = 40;
const PAIRS = 40;
const WARM_UP = 10;
const SHARE = 0.8;

const measurement = aggregating(POLLS);
const { records, bytes } = measurement;
const { ours, parse } = await pairs(measurement, PAIRS, WARM_UP);
const rate = (times: readonly number[]): number[] => times.map((ms) => (records / ms) * 1000);
const ratio = figure(
  "aggregate ÷ JSON.parse, records per core-second, pair by pair",
  "×",
  ours.map((ms, pair) => (parse[pair] ?? NaN) / ms),
);
report({
  name: "aggregate-in-process",
  claim: `the aggregate takes at least ${SHARE * 100} % of the records a second that JSON.parse alone takes (median, one core)`,
  holds: ratio.median >= SHARE,
  figures: [
    figure("bytes to totals records, per core-second", "records/s", rate(ours)),
    figure("toString and JSON.parse of the same bytes alone, per core-second", "records/s", rate(parse)),
    ratio,
  ],
  facts: { stations: STATIONS, records, bytesPerRecord: Math.round(bytes / records) },
});
