/** Turns generated histories into the records of both topics, as the collector and the aggregate would write them. */
import { AreaTotals } from "../../src/domain/area-totals.ts";
import type { ReadRecord } from "../../src/record/received-record.ts";
import { decodeRawRecord } from "../../src/record/raw-record.ts";
import { encodeThrough, encodeTotals } from "../../src/record/totals-record.ts";
import type { Step } from "./history.ts";

/** Deterministic extras of an observation, so that a recount can compute them too. */
export interface Extras {
  readonly lat: number;
  readonly lon: number;
  readonly capacity: number | null;
  readonly isRenting: boolean;
}

export function extrasOf(stationId: string, total: number): Extras {
  const id = Number(stationId);
  return {
    lat: 48.8 + id / 1000,
    lon: 2.3 + id / 7000,
    capacity: id % 3 === 0 ? null : id * 5,
    isRenting: total % 4 !== 0,
  };
}

/** The raw record of one step. */
export function rawRecord(step: Step, partition = 0): ReadRecord {
  if (step.kind === "remove") {
    return { partition, key: step.key, value: null, timestampMs: 0, headers: {} };
  }
  const { observation } = step;
  const { isRenting, ...extras } = extrasOf(observation.stationId, observation.total);
  return {
    partition,
    key: `${observation.systemId}:${observation.stationId}`,
    value: JSON.stringify({
      system_id: observation.systemId,
      station_id: observation.stationId,
      stationCode: `c${observation.stationId}`,
      postcode: observation.area,
      nbr_total: observation.total,
      nbr_elec: observation.electric,
      nbr_meca: observation.mechanical,
      nbr_docks: observation.docks,
      observed_at: observation.observedAtMs,
      is_renting: isRenting ? 1 : 0,
      ...extras,
      ...(observation.retired ? { retired: true } : {}),
    }),
    timestampMs: observation.observedAtMs,
    headers: {},
  };
}

/** An aggregate of one partition: raw records in, totals records out. */
export class TotalsWriter {
  readonly #totals = new AreaTotals();
  readonly #partition: number;
  #offset = -1;

  constructor(partition = 0) {
    this.#partition = partition;
  }

  write(records: readonly ReadRecord[]): ReadRecord[] {
    for (const record of records) {
      this.#offset += 1;
      if (record.value === null) this.#totals.remove(record.key ?? "", record.timestampMs);
      else {
        const decoded = decodeRawRecord(
          record.key,
          record.value.toString("utf8"),
          record.timestampMs,
          () => null,
        );
        if (decoded.ok) this.#totals.apply(decoded.record);
      }
    }
    const through = encodeThrough({ partition: this.#partition, offset: this.#offset });
    return this.#totals.drain().map(({ key, totals }) => ({
      partition: this.#partition,
      key,
      value: totals === null ? null : encodeTotals(totals),
      timestampMs: 0,
      headers: { through },
    }));
  }
}
