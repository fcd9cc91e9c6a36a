/** The aggregate alone, in process: raw records as bytes in, totals records out; beside JSON.parse of the same bytes, by processor time. */
import { aggregateProcessor } from "../src/pipeline/aggregate.ts";
import type { LogRecord } from "../src/ports.ts";
import { SILENT } from "../src/telemetry/logger.ts";
import { rawRecords } from "./support/raw-records.ts";
import { cpuMs, figure, report } from "./support/report.ts";

const STATIONS = 1_495;
const POLLS = 40;
const PAIRS = 40;
const WARM_UP = 10;
const SHARE = 0.8;
const TOPICS = { raw: "raw", totals: "totals", rejects: "rejects" };

/** Values share one buffer and keys are strings of their own, as a fetch answer gives them. */
function batches(): LogRecord[][] {
  let offset = 0;
  return [...rawRecords(STATIONS, POLLS, 1)].map(({ observedAtMs, records }) => {
    const bytes = Buffer.from(records.map(({ value }) => value).join(""));
    let at = 0;
    return records.map(({ key, value, partition }): LogRecord => {
      const start = at;
      at += Buffer.byteLength(value ?? "");
      return {
        topic: TOPICS.raw,
        partition,
        offset: offset++,
        key,
        value: bytes.subarray(start, at),
        headers: {},
        timestampMs: observedAtMs,
      };
    });
  });
}

const polls = batches();
const count = polls.reduce((sum, records) => sum + records.length, 0);
let totals = 0;

async function aggregate(): Promise<number> {
  const processor = aggregateProcessor({
    topics: TOPICS,
    readReference: () => null,
    partitionCount: 1,
    publishedAreas: () => Promise.resolve(new Set()),
    clock: { now: () => 0 },
    logger: SILENT,
    metrics: { count() {}, set() {}, observe() {}, forget() {} },
  });
  await processor.restore(0, none(), { committedOffset: 0, endOffset: 0 });
  // As a consumer gets them: the key is a new string each time.
  const fresh = polls.map((records) =>
    records.map((record) => ({ ...record, key: Buffer.from(record.key ?? "").toString("latin1") })),
  );
  return cpuMs(() => {
    for (const records of fresh) totals += processor.process(0, records)?.length ?? 0;
  });
}

async function parse(): Promise<number> {
  let sum = 0;
  const ms = await cpuMs(() => {
    for (const records of polls)
      for (const { value } of records)
        sum += (JSON.parse((value as Buffer).toString("utf8")) as { nbr_total: number }).nbr_total;
  });
  if (sum === 0) throw new Error("nothing was parsed");
  return ms;
}

async function* none(): AsyncGenerator<readonly LogRecord[]> {
  await Promise.resolve();
  yield* [];
}

const ours: number[] = [];
const theirs: number[] = [];
for (let pair = -WARM_UP; pair < PAIRS; pair += 1) {
  const a = await aggregate();
  const b = await parse();
  if (pair < 0) continue;
  ours.push(a);
  theirs.push(b);
}
if (totals === 0) throw new Error("no totals came out");
const rate = (times: readonly number[]): number[] => times.map((ms) => count / ms);
const ratios = ours.map((ms, pair) => (theirs[pair] ?? NaN) / ms);
const ratio = figure("aggregate ÷ JSON.parse, records a second, pair by pair", "×", ratios);
report({
  name: "aggregate-in-process",
  claim: `the aggregate takes at least ${SHARE * 100} % of the records a second that JSON.parse alone takes (median, one core)`,
  holds: ratio.median >= SHARE,
  figures: [
    figure("bytes to totals records", "records per ms of CPU", rate(ours)),
    figure("toString and JSON.parse of the same bytes alone", "records per ms of CPU", rate(theirs)),
    ratio,
  ],
  facts: {
    stations: STATIONS,
    records: count,
    bytesPerRecord: Math.round(
      polls.flat().reduce((sum, { value }) => sum + (value?.length ?? 0), 0) / count,
    ),
  },
});
