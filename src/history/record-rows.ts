/**
 * From the records of the log to rows of the archive, each once: follows the positions, sees what is missing before a
 * record, and drops what an at-least-once writer of totals repeats.
 */
import { DEFAULT_SYSTEM_ID, type ReferenceReader } from "../domain/raw-record.ts";
import { receiveRaw, unusableReason } from "../domain/received-record.ts";
import { decodeThrough, decodeTotals, supersedes, totalsKey, type Kept } from "../domain/totals-record.ts";
import type { Clock, Logger, LogRecord, Metrics } from "../ports.ts";
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
  /** Raw partitions whose records before these are missing: compaction or retention has been there. */
  readonly interrupted: readonly number[];
  /** How many records were taken; fewer than given when the topic turned out to be made anew. */
  readonly taken: number;
}

/** Why a record is skipped that is simulated where the archive is real, or the other way round. */
const MIXED = "simulated_beside_real";

/** Times beyond the year 9999 name no day. */
const LATEST_MS = 253_402_300_799_999;

export interface RecordRowsOptions {
  readonly rawTopic: string;
  readonly epoch: number;
  readonly readReference: ReferenceReader;
  /** Whether the archive holds simulated data; null when it holds none yet. */
  readonly simulated: boolean | null;
  /** Next offset by `topic:partition`. */
  readonly positions: Iterable<readonly [string, number]>;
  /** What is archived of each area, by its key: of an epoch that is continued. */
  readonly kept: Iterable<readonly [string, Kept]>;
  readonly onSkipped: (reason: string) => void;
  /** The archive's clock: what is stamped ahead of it is from the future. */
  readonly now: () => number;
}

export interface NewRowsOptions {
  readonly topics: { readonly raw: string };
  readonly readReference: ReferenceReader;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly clock: Pick<Clock, "now">;
  /** For messages. */
  readonly folder: string;
}

/** The rows of one epoch, with what is skipped counted, and said where someone should know. */
export function newRows(
  { topics, readReference, metrics, logger, clock, folder }: NewRowsOptions,
  from: Pick<RecordRowsOptions, "epoch" | "positions" | "kept" | "simulated">,
): RecordRows {
  let warned = false;
  return new RecordRows({
    ...from,
    rawTopic: topics.raw,
    readReference,
    now: () => clock.now(),
    onSkipped: (reason) => {
      metrics.count("velostream_archive_skipped_total", { reason });
      if (reason !== MIXED || warned) return;
      warned = true;
      logger.warn(
        "archive.mixed",
        `Real and simulated data are not kept in one archive: ${folder} has the other kind. Name another folder with --data-dir.`,
      );
    },
  });
}

export class RecordRows {
  readonly positions: Map<string, number>;
  /** Of the rows so far; null before the first. */
  simulated: boolean | null;
  readonly #options: RecordRowsOptions;
  readonly #kept: Map<string, Kept>;

  constructor(options: RecordRowsOptions) {
    this.#options = options;
    this.positions = new Map(options.positions);
    this.simulated = options.simulated;
    this.#kept = new Map(options.kept);
  }

  /** Records in the order of the log. */
  take(records: readonly LogRecord[]): TakenRecords {
    const stations: StationRow[] = [];
    const areas: AreaRow[] = [];
    const interrupted = new Set<number>();
    let taken = 0;
    for (const record of records) {
      const at = `${record.topic}:${record.partition}`;
      const expected = this.positions.get(at);
      if (expected !== undefined && record.offset < expected) break;
      taken += 1;
      this.positions.set(at, record.offset + 1);
      if (record.topic === this.#options.rawTopic) {
        // Transaction markers take offsets of the totals topic; the raw topic has none.
        if (record.offset !== (expected ?? 0)) interrupted.add(record.partition);
        const row = this.#station(record);
        if (row !== null) stations.push(row);
      } else {
        const row = this.#area(record);
        if (row !== null) areas.push(row);
      }
    }
    return { stations, areas, interrupted: [...interrupted], taken };
  }

  #station(record: LogRecord): StationRow | null {
    const { epoch, readReference, now } = this.#options;
    const place = { epoch, partition: record.partition, offset: record.offset };
    const decoding = receiveRaw(record, now(), readReference);
    if (decoding === "tombstone") {
      const split = record.key?.indexOf(":") ?? -1;
      if (record.key === null || split < 1) return this.#skip("unknown_key");
      const system = record.key.slice(0, split);
      if (!isUsable(system, record.timestampMs)) return this.#skip("out_of_range");
      return removedStationRow(record.key.slice(split + 1), record.timestampMs, { system, ...place });
    }
    // The aggregate keeps a reject of it; here it only has no row.
    if (!decoding.ok) return this.#skip(decoding.reject.reason);
    if (!isUsable(decoding.record.systemId, decoding.record.observedAtMs)) return this.#skip("out_of_range");
    if (!this.#isOfOneKind(decoding.record.simulated)) return this.#skip(MIXED);
    return stationRow(decoding.record, place);
  }

  #area(record: LogRecord): AreaRow | null {
    const { epoch } = this.#options;
    const place = { epoch, partition: record.partition, offset: record.offset };
    const through = decodeThrough(record.headers["through"]);
    const unusable = unusableReason(record);
    if (unusable !== null) return this.#skip(unusable);
    const totals = record.value === null ? null : decodeTotals(record.value.toString("utf8"));
    if (record.value !== null && totals === null) return this.#skip("not_totals");
    const key = totals === null ? record.key : totalsKey(totals.systemId, totals.area);
    if (key === null) return this.#skip("unknown_key");
    const atMs = totals?.asOfMs ?? record.timestampMs;
    const { system, area } = areaOfKey(key);
    if (!isUsable(system, atMs)) return this.#skip("out_of_range");
    if (totals !== null && !this.#isOfOneKind(totals.simulated)) return this.#skip(MIXED);
    if (!supersedes(this.#kept.get(key), through, atMs)) return this.#skip("repeated_totals");
    this.#kept.set(key, { through, asOfMs: atMs });
    return totals === null
      ? removedAreaRow(area, atMs, through, { system, ...place })
      : areaRow(totals, through, place);
  }

  /** An archive holds real data or simulated data: a year later nobody could tell them apart. */
  #isOfOneKind(simulated: boolean): boolean {
    this.simulated ??= simulated;
    return this.simulated === simulated;
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
