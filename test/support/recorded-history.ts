/**
 * A generated recording as the raw topic would hold it: made by the collector's own planning over many polls of a city
 * whose stations come, go and move, then disturbed as a retrying writer may: repetitions, and late old observations.
 */
import { Collection } from "../../src/domain/collection.ts";
import { decodeStationStatus } from "../../src/domain/gbfs/station-status.ts";
import type { ProduceRecord } from "../../src/ports.ts";
import { velibStation } from "./scripted-feed.ts";

export interface HistoryShape {
  readonly seed: number;
  readonly polls: number;
  readonly stations: number;
  readonly areas: number;
  readonly partitions: number;
  readonly topic: string;
  /** @default "velib" */
  readonly systemId?: string;
  /** Share of records that are written a second time, later. @default 0.05 */
  readonly repeated?: number;
}

const POLL_MS = 60_000;
const STARTED_AT_MS = 1_760_000_000_000;

/** mulberry32: small, seeded, the same everywhere. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** The records of each poll, in the order a collector publishes them. */
export function recordedHistory(shape: HistoryShape): ProduceRecord[][] {
  const random = randomFrom(shape.seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const city = Array.from({ length: shape.stations }, (_, index) => ({
    id: index + 1,
    area: `7500${index % shape.areas}`,
    mechanical: below(20),
    electric: below(20),
    split: index % 7 !== 0,
    absentUntilPoll: 0,
  }));
  const collection = new Collection({
    systemId: shape.systemId ?? "velib",
    mode: "changes",
    simulated: true,
    resolveArea: (_information, _code, stationId) => ({
      area: city[Number(stationId) - 1]?.area ?? "unknown",
      rule: "areas_file",
    }),
  });
  const disturb = disturbance(random, shape.repeated ?? 0.05);
  return Array.from({ length: shape.polls }, (_, poll) => {
    for (const station of city) {
      if (random() < 0.05) station.mechanical = below(20);
      if (random() < 0.05) station.electric = below(20);
      if (random() < 0.002) station.area = `7500${below(shape.areas)}`;
      if (random() < 0.001) station.absentUntilPoll = poll + 5 + below(40);
    }
    // Twice a whole area closes: it must get its tombstone, and come back.
    const closed = poll % 200 >= 150 ? `7500${Math.floor(poll / 200) % shape.areas}` : null;
    const present = city.filter(({ area, absentUntilPoll }) => area !== closed && absentUntilPoll <= poll);
    const stations = present.map((station) => {
      const served = velibStation({ ...station, code: String(16_000 + station.id) });
      if (!station.split) delete served["num_bikes_available_types"];
      return served;
    });
    const status = decodeStationStatus({ data: { stations } }, new Map());
    if (status === null) throw new Error("the generated file is no station_status");
    const plan = collection.plan({
      observedAtMs: STARTED_AT_MS + poll * POLL_MS,
      stations: status.stations,
      unreadable: new Set(),
      information: new Map(),
      partitionCount: shape.partitions,
    });
    collection.acknowledge(plan);
    return disturb(
      plan.records.map(({ key, value, partition }) => ({ topic: shape.topic, key, value, partition })),
    );
  });
}

/** Writes some observations again a little later, but never after the station has left that partition. */
function disturbance(
  random: () => number,
  share: number,
): (records: readonly ProduceRecord[]) => ProduceRecord[] {
  let waiting: ProduceRecord[] = [];
  return (records) => {
    const out: ProduceRecord[] = [];
    for (const record of records) {
      out.push(record);
      const last = record.value === null || String(record.value).includes('"retired":true');
      if (last)
        waiting = waiting.filter(
          ({ key, partition }) => key !== record.key || partition !== record.partition,
        );
      else if (random() < share) waiting.push(record);
    }
    const [now, later] = [waiting.filter(() => random() < 0.5), [] as ProduceRecord[]];
    for (const record of waiting) if (!now.includes(record)) later.push(record);
    waiting = later;
    return [...out, ...now];
  };
}
