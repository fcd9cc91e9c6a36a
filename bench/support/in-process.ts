/** The two in-process measurements, shared by their benches and by the check that they have not become slower. */
import { AreaResolver } from "../../src/domain/areas.ts";
import { Collection } from "../../src/domain/collection.ts";
import { decodeStationStatus } from "../../src/domain/gbfs/station-status.ts";
import { areaOfVelibCode } from "../../src/velib/velib-areas.ts";
import { aggregateProcessor } from "../../src/stages/aggregate/totals-processor.ts";
import type { LogRecord, Processor } from "../../src/ports.ts";
import { SILENT } from "../../src/telemetry/logger.ts";
import { rawRecords } from "./raw-records.ts";
import { cpuMs } from "./report.ts";
import { velibBody } from "./velib-body.ts";

export const STATIONS = 1_495;
const TOPICS = { raw: "raw", totals: "totals", rejects: "rejects" };
const NO_TYPES = new Map<string, never>();

/** What is measured, and `JSON.parse` of the same bytes: each returns ms of processor time. */
export interface Measurement {
  readonly ours: () => Promise<number>;
  readonly parseAlone: () => Promise<number>;
}

/** Pairs in turn, after a warm-up. */
export async function pairs(
  { ours, parseAlone }: Measurement,
  count: number,
  warmUp: number,
): Promise<{ readonly ours: readonly number[]; readonly parse: readonly number[] }> {
  const times = { ours: [] as number[], parse: [] as number[] };
  for (let pair = -warmUp; pair < count; pair += 1) {
    const a = await ours();
    const b = await parseAlone();
    if (pair < 0) continue;
    times.ours.push(a);
    times.parse.push(b);
  }
  return times;
}

/** The aggregate alone: raw records as bytes in, totals records out. */
export function aggregating(
  polls: number,
): Measurement & { readonly records: number; readonly bytes: number } {
  const batches = recordsOf(polls);
  const all = batches.flat();
  return {
    records: all.length,
    bytes: all.reduce((sum, { value }) => sum + (value?.length ?? 0), 0),
    async ours() {
      const processor = await emptyProcessor();
      // As a consumer gets them: the key is a new string each time.
      const fresh = batches.map((records) =>
        records.map((record) => ({ ...record, key: Buffer.from(record.key ?? "").toString("latin1") })),
      );
      let totals = 0;
      const ms = await cpuMs(() => {
        for (const records of fresh) totals += totalsIn(processor.process(0, records));
      });
      if (totals === 0) throw new Error("no totals came out");
      return ms;
    },
    async parseAlone() {
      let sum = 0;
      const ms = await cpuMs(() => {
        for (const { value } of all)
          sum += (JSON.parse((value as Buffer).toString("utf8")) as { nbr_total: number }).nbr_total;
      });
      if (sum === 0) throw new Error("nothing was parsed");
      return ms;
    },
  };
}

/** @throws Error when records were rejected: then something else was measured */
function totalsIn(outputs: readonly { readonly topic: string }[] | null): number {
  if (outputs?.some(({ topic }) => topic !== TOPICS.totals)) throw new Error("records were rejected");
  return outputs?.length ?? 0;
}

/** Values of a poll share one buffer, as in a fetch answer. */
function recordsOf(polls: number): LogRecord[][] {
  let offset = 0;
  return [...rawRecords(STATIONS, polls, 1)].map(({ observedAtMs, records }) => {
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

/** Whole polls, every station different: body in, decoded, compared, encoded, aggregated, totals records out. */
export async function polling(polls: number): Promise<Measurement & { readonly bodyBytes: number }> {
  const bodies = [0, 1].map((bikes) => velibBody(STATIONS, bikes));
  const collection = new Collection({
    systemId: "velib",
    mode: "changes",
    simulated: true,
    resolveArea: new AreaResolver({ systemId: "velib", areaOfStationCode: areaOfVelibCode }).resolve,
  });
  const processor = await emptyProcessor();
  let turn = 0;
  let offset = 0;

  const poll = (): number => {
    turn += 1;
    const observedAtMs = 1_760_000_000_000 + turn * 60_000;
    const body = JSON.parse((bodies[turn % 2] as Buffer).toString("utf8")) as unknown;
    const status = decodeStationStatus(body, NO_TYPES);
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
    const totals = totalsIn(processor.process(0, records));
    collection.acknowledge(plan);
    return totals;
  };

  return {
    bodyBytes: bodies[0]?.length ?? 0,
    async ours() {
      let totals = 0;
      const ms = await cpuMs(() => {
        for (let n = 0; n < polls; n += 1) totals += poll();
      });
      if (totals === 0) throw new Error("no totals came out");
      return ms / polls;
    },
    async parseAlone() {
      const ms = await cpuMs(() => {
        for (let n = 0; n < polls; n += 1) JSON.parse((bodies[n % 2] as Buffer).toString("utf8"));
      });
      return ms / polls;
    },
  };
}

async function emptyProcessor(): Promise<Processor> {
  const processor = aggregateProcessor({
    writer: { engine: "node", group: "test", sinceMs: 0 },
    topics: TOPICS,
    readReference: () => null,
    partitionCount: 1,
    publishedAreas: () => Promise.resolve(new Map()),
    // Records of a later time than this would be rejects, which is not what is measured.
    clock: { now: () => Date.now() },
    logger: SILENT,
    metrics: { count() {}, set() {}, observe() {}, forget() {} },
  });
  await processor.restore(0, none(), { committedOffset: 0, endOffset: 0 });
  return processor;
}

async function* none(): AsyncGenerator<readonly LogRecord[]> {
  await Promise.resolve();
  yield* [];
}
