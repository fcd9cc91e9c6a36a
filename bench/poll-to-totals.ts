/** One poll of Vélib' from bytes to totals records, in process: decode, compare, encode, aggregate; by processor time. */
import { pairs, polling, STATIONS } from "./support/in-process.ts";
import { figure, report } from "./support/report.ts";

const POLLS = 20;
const PAIRS = 30;
const WARM_UP = 5;
const LIMIT_MS = 15;

const measurement = await polling(POLLS);
const { ours, parse } = await pairs(measurement, PAIRS, WARM_UP);
const whole = figure("bytes to totals, every station changed", "ms", ours);
report({
  name: "poll-to-totals",
  claim: `one poll of ${STATIONS.toLocaleString("en")} stations goes from bytes to totals in under ${LIMIT_MS} ms of processor time (median)`,
  holds: whole.median < LIMIT_MS,
  figures: [whole, figure("JSON.parse of the same bytes alone", "ms", parse)],
  facts: { stations: STATIONS, bodyBytes: measurement.bodyBytes, pollsPerRun: POLLS },
});
