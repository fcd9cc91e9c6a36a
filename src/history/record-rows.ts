/**
 * From the records of the log to rows of the archive, each once: follows the positions, sees what is missing before a
 * record, and drops what an at-least-once writer of totals repeats.
 */
import { decodeRawRecord, type ReferenceReader } from "../domain/raw-record.ts";
import { decodeThrough, decodeTotals, supersedes, totalsKey, type Kept } from "../domain/totals-record.ts";
import { DEFAULT_SYSTEM_ID } from "../domain/raw-record.ts";
import type { LogRecord } from "../ports.ts";
import { canNameFolder } from "./layout.ts";
import {
  areaRow,
  removedAreaRow,
  removedStationRow,
  stationRow,
  type AreaRow,
  type StationRow,
} from "./rows.ts";

export interface TakenRecords {
  readonly stations: readonly StationRow[];
  readonly areas: readonly AreaRow[];
  /** Raw records before these are missing: compaction or retention has been there. */
  readonly interrupted: boolean;
  /** How many records were taken; fewer than given when the topic turned out to be made anew. */
  readonly taken: number;
}

/** Times beyond the year 9999 name no day. */
const LATEST_MS = 253_402_300_799_999;

export interface RecordRowsOptions {
  readonly rawTopic: string;
  readonly epoch: number;
  readonly readReference: ReferenceReader;
  /** Next offset by `topic:partition`. */
  readonly positions: Iterable<readonly [string, number]>;
  /** What is archived of each area, by its key: of an epoch that is continued. */
  readonly kept: Iterable<readonly [string, Kept]>;
  readonly onSkipped: (reason: string) => void;
}

export class RecordRows {
  readonly positions: Map<string, number>;
  readonly #options: RecordRowsOptions;
  readonly #kept: Map<string, Kept>;

  constructor(options: RecordRowsOptions) {
    this.#options = options;
    this.positions = new Map(options.positions);
    this.#kept = new Map(options.kept);
  }

  /** Records in the order of the log. */
  take(records: readonly LogRecord[]): TakenRecords {
    const stations: StationRow[] = [];
    const areas: AreaRow[] = [];
    let interrupted = false;
    let taken = 0;
    for (const record of records) {
      const at = `${record.topic}:${record.partition}`;
      const expected = this.positions.get(at);
      if (expected !== undefined && record.offset < expected) break;
      taken += 1;
      this.positions.set(at, record.offset + 1);
      if (record.topic === this.#options.rawTopic) {
        // Transaction markers take offsets of the totals topic; the raw topic has none.
        interrupted ||= record.offset !== (expected ?? 0);
        const row = this.#station(record);
        if (row !== null) stations.push(row);
      } else {
        const row = this.#area(record);
        if (row !== null) areas.push(row);
      }
    }
    return { stations, areas, interrupted, taken };
  }

  #station(record: LogRecord): StationRow | null {
    const { epoch, readReference } = this.#options;
    const place = { epoch, partition: record.partition, offset: record.offset };
    if (record.value === null) {
      const split = record.key?.indexOf(":") ?? -1;
      if (record.key === null || split < 1) return this.#skip("unknown_key");
      const system = record.key.slice(0, split);
      if (!isUsable(system, record.timestampMs)) return this.#skip("out_of_range");
      return removedStationRow(record.key.slice(split + 1), record.timestampMs, { system, ...place });
    }
    const decoding = decodeRawRecord(
      record.key,
      record.value.toString("utf8"),
      record.timestampMs,
      readReference,
    );
    // The aggregate keeps a reject of it; here it only has no row.
    if (!decoding.ok) return this.#skip(decoding.reject.reason);
    if (!isUsable(decoding.record.systemId, decoding.record.observedAtMs)) return this.#skip("out_of_range");
    return stationRow(decoding.record, place);
  }

  #area(record: LogRecord): AreaRow | null {
    const { epoch } = this.#options;
    const place = { epoch, partition: record.partition, offset: record.offset };
    const through = decodeThrough(record.headers["through"]);
    const totals = record.value === null ? null : decodeTotals(record.value.toString("utf8"));
    if (record.value !== null && totals === null) return this.#skip("not_totals");
    const key = totals === null ? record.key : totalsKey(totals.systemId, totals.area);
    if (key === null) return this.#skip("unknown_key");
    const atMs = totals?.asOfMs ?? record.timestampMs;
    const { system, area } = areaOfKey(key);
    if (!isUsable(system, atMs)) return this.#skip("out_of_range");
    if (!supersedes(this.#kept.get(key), through, atMs)) return this.#skip("repeated_totals");
    this.#kept.set(key, { through, asOfMs: atMs });
    return totals === null
      ? removedAreaRow(area, atMs, through, { system, ...place })
      : areaRow(totals, through, place);
  }

  #skip(reason: string): null {
    this.#options.onSkipped(reason);
    return null;
  }
}

/** The system and area that a totals key names. */
export function areaOfKey(key: string): { readonly system: string; readonly area: string } {
  const split = key.indexOf(":");
  return split < 1
    ? { system: DEFAULT_SYSTEM_ID, area: key }
    : { system: key.slice(0, split), area: key.slice(split + 1) };
}

function isUsable(system: string, atMs: number): boolean {
  return atMs >= 0 && atMs <= LATEST_MS && canNameFolder(system);
}
