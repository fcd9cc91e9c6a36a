/** Memory of the aggregate against the number of stations it holds: one partition restored, then measured after a full collection. */
import { aggregateProcessor } from "../src/stages/aggregate/totals-processor.ts";
import type { LogRecord } from "../src/ports.ts";
import { SILENT } from "../src/telemetry/logger.ts";
import { type Figure, figure, report } from "./support/report.ts";

const SIZES = [1_500, 30_000, 300_000, 3_000_000];
/** A big city has some hundreds of stations in an area. */
const STATIONS_PER_AREA = 75;
const BATCH = 5_000;
const MOST_BYTES_PER_STATION = 400;
const TOPICS = { raw: "raw", totals: "totals", rejects: "rejects" };

if (globalThis.gc === undefined) throw new Error("start this with --expose-gc (npm run bench does)");
const collect = globalThis.gc;

async function* history(stations: number): AsyncGenerator<readonly LogRecord[]> {
  for (let start = 0; start < stations; start += BATCH) {
    await Promise.resolve();
    yield Array.from({ length: Math.min(BATCH, stations - start) }, (_, index) => record(start + index));
  }
}

function record(n: number): LogRecord {
  const stationId = String(100_000_000 + n);
  const area = String(10_000 + Math.floor(n / STATIONS_PER_AREA));
  const value = Buffer.from(
    `{"last_reported":1760778000,"system_id":"velib","station_id":"${stationId}","postcode":"${area}","slot":1,"nbr_total":12,"nbr_elec":4,"nbr_meca":8,"nbr_docks":20,"observed_at":1760000000000,"area_rule":"station_code"}`,
  );
  const key = Buffer.from(`velib:${stationId}`).toString("latin1");
  return { topic: "raw", partition: 0, offset: n, key, value, headers: {}, timestampMs: 1_760_000_000_000 };
}

const figures: Figure[] = [];
let worst = 0;
for (const stations of SIZES) {
  collect();
  const before = used();
  const processor = aggregateProcessor({
    writer: { engine: "node", group: "test", sinceMs: 0 },
    topics: TOPICS,
    readReference: () => null,
    partitionCount: 1,
    publishedAreas: () => Promise.resolve(new Map()),
    clock: { now: () => Date.now() },
    logger: SILENT,
    metrics: { count() {}, set() {}, observe() {}, forget() {} },
  });
  const startMs = performance.now();
  await processor.restore(0, history(stations), { committedOffset: stations, endOffset: stations });
  const restoreMs = performance.now() - startMs;
  collect();
  const bytes = used() - before;
  if (stations > 100_000) worst = Math.max(worst, bytes / stations);
  figures.push(
    figure(`${stations.toLocaleString("en")} stations: state`, "MiB", [bytes / 2 ** 20]),
    figure(`${stations.toLocaleString("en")} stations: bytes a station`, "B", [bytes / stations]),
    figure(`${stations.toLocaleString("en")} stations: making and restoring the records`, "ms", [restoreMs]),
  );
  processor.release(0);
}

function used(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

report({
  name: "memory",
  claim: `the aggregate holds a station in less than ${MOST_BYTES_PER_STATION} bytes, three million of them too`,
  holds: worst < MOST_BYTES_PER_STATION,
  figures,
  facts: { stationsPerArea: STATIONS_PER_AREA },
});
