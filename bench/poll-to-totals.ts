/** One poll of Vélib' from bytes to totals records, in process: decode, compare, publish on the memory log, aggregate. */
import { Collection } from "../src/domain/collection.ts";
import { decodeStationStatus } from "../src/domain/gbfs/station-status.ts";
import { AreaResolver } from "../src/domain/areas.ts";
import { velibPostcodes } from "../src/feed/velib-communes.ts";
import { aggregateProcessor } from "../src/pipeline/aggregate.ts";
import type { LogRecord } from "../src/ports.ts";
import { SILENT } from "../src/telemetry/logger.ts";
import { velibBody } from "./support/velib-body.ts";
import { figure, report, timed } from "./support/report.ts";

const STATIONS = 1_495;
const RUNS = 200;
const LIMIT_MS = 15;
const TOPICS = { raw: "raw", totals: "totals", rejects: "rejects" };

/** Two bodies in turn, every station different: the worst poll there is. */
const bodies = [0, 1].map((bikes) => velibBody(STATIONS, bikes));
const collection = new Collection({
  systemId: "velib",
  mode: "changes",
  simulated: true,
  resolveArea: new AreaResolver({ systemId: "velib", postcodeOfCommune: velibPostcodes() }).resolve,
});
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

let offset = 0;
let totals = 0;
let turn = 0;
const NO_TYPES = new Map<string, never>();

function poll(): void {
  const body = bodies[turn % 2] as Buffer;
  turn += 1;
  const observedAtMs = 1_760_000_000_000 + turn * 60_000;
  const status = decodeStationStatus(JSON.parse(body.toString("utf8")), NO_TYPES);
  if (status === null) throw new Error("the body is no station_status");
  const plan = collection.plan({
    observedAtMs,
    stations: status.stations,
    unreadable: new Set(),
    information: new Map(),
    partitionCount: 1,
  });
  const records = plan.records.map(({ key, value, partition }): LogRecord => ({
    topic: TOPICS.raw,
    partition,
    offset: offset++,
    key,
    value: value === null ? null : Buffer.from(value),
    headers: {},
    timestampMs: observedAtMs,
  }));
  totals += processor.process(0, records)?.length ?? 0;
  collection.acknowledge(plan);
}

async function* none(): AsyncGenerator<readonly LogRecord[]> {
  await Promise.resolve();
  yield* [];
}

const times = await timed(RUNS, 50, poll);
if (totals === 0) throw new Error("no totals came out");
const parse = await timed(RUNS, 50, () => JSON.parse((bodies[turn++ % 2] as Buffer).toString("utf8")));
const whole = figure("bytes to totals, every station changed", "ms", times);
report({
  name: "poll-to-totals",
  claim: `one poll of ${STATIONS} stations goes from bytes to totals in under ${LIMIT_MS} ms (median, one core)`,
  holds: whole.median < LIMIT_MS,
  figures: [whole, figure("JSON.parse of the same bytes alone", "ms", parse)],
  facts: { stations: STATIONS, bodyBytes: bodies[0]?.length ?? 0 },
});
