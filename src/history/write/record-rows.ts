/**
 * From the records of the log to rows of the archive, each once: follows the positions, carries what is missing before a
 * record to the first row after it, and drops what an at-least-once writer of totals repeats.
 *
 *   take ─▶ rows ─▶ acknowledged: it stays so                 the disk is full: undo ─▶ as before, taken again later
 */
import type { ReferenceReader } from "../../record/raw-record.ts";
import { receiveRaw, receiveTotals } from "../../record/received-record.ts";
import { decodeThrough, ownAreaKey, supersedes, type Kept } from "../../record/totals-record.ts";
import type { Clock, Logger, LogRecord, Metrics, MissingRecords } from "../../ports.ts";
import { canNameFolder } from "../files/layout.ts";
import type { PlainTable } from "../files/parquet-jobs.ts";
import {
  areaRow,
  removedAreaRow,
  removedStationRow,
  stationRow,
  type AreaRow,
  type StationRow,
} from "../files/rows.ts";
import { FormerKeys } from "../../record/former-keys.ts";
import {
  areaKey,
  areaOfTombstone,
  areasNamed,
  DEFAULT_SYSTEM_ID,
  parseAreaKey,
  parseStationKey,
  stationKey,
  stationOfTombstone,
  SYSTEM_HEADER,
  type AreaName,
} from "../../record/keys.ts";

/** A hole in the records of a partition, and the first row after it. */
export interface MissingRows {
  readonly table: PlainTable;
  readonly partition: number;
  /** Offset of that row. */
  readonly beforeOffset: number;
  readonly reason: MissingRecords["reason"];
}

export interface TakenRecords {
  readonly stations: readonly StationRow[];
  readonly areas: readonly AreaRow[];
  /** Of each partition at most one: the last hole before some of these rows. */
  readonly missing: readonly MissingRows[];
  /** Why records have no row, one each. */
  readonly skipped: readonly string[];
  /** How many records were taken; fewer than given when the topic turned out to be made anew. */
  readonly taken: number;
  /** Forgets that they were taken. */
  undo(): void;
}

/** Why a record is skipped that is simulated where the archive is real, or the other way round. */
const MIXED = "simulated_beside_real";

/** Why the tombstone of a key that version 0.1.0 wrote is skipped: what stood under it stands under its own by now. */
const FORMER_KEY = "former_key";

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
  /** The archive's clock: what is stamped ahead of it is from the future. */
  readonly now: () => number;
}

/** Says why records have no row: counted, and told where someone should know. */
export function skipTeller({
  metrics,
  logger,
  folder,
}: {
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** For messages. */
  readonly folder: string;
}): (reasons: readonly string[]) => void {
  let warned = false;
  return (reasons) => {
    for (const reason of reasons) metrics.count("velostream_archive_skipped_total", { reason });
    if (warned || !reasons.includes(MIXED)) return;
    warned = true;
    logger.warn(
      "archive.mixed",
      `Real and simulated data are not kept in one archive: ${folder} has the other kind. Name another folder with --data-dir.`,
    );
  };
}

/** The rows of one epoch. */
export function newRows(
  {
    topics,
    readReference,
    clock,
  }: {
    readonly topics: { readonly raw: string };
    readonly readReference: ReferenceReader;
    readonly clock: Pick<Clock, "now">;
  },
  from: Omit<RecordRowsOptions, "rawTopic" | "readReference" | "now">,
): RecordRows {
  return new RecordRows({ ...from, rawTopic: topics.raw, readReference, now: () => clock.now() });
}

export class RecordRows {
  readonly positions: Map<string, number>;
  /** Of the rows so far; null before the first. */
  simulated: boolean | null;
  readonly #options: RecordRowsOptions;
  readonly #kept: Map<string, Kept>;
  /** By `topic:partition`: the last hole, as long as no row came after it. */
  #holes = new Map<string, MissingRecords>();
  #skipped: string[] = [];
  /** What `kept` held before this take. */
  #keptBefore = new Map<string, Kept | undefined>();
  readonly #formerStations = new FormerKeys();
  readonly #formerAreas = new FormerKeys();

  constructor(options: RecordRowsOptions) {
    this.#options = options;
    this.positions = new Map(options.positions);
    this.simulated = options.simulated;
    this.#kept = new Map(options.kept);
  }

  /**
   * @param records in the order of the log
   * @param missing holes before some of them
   */
  take(records: readonly LogRecord[], missing: readonly MissingRecords[] = []): TakenRecords {
    const before = { positions: new Map(this.positions), simulated: this.simulated, holes: this.#holes };
    const keptBefore = (this.#keptBefore = new Map<string, Kept | undefined>());
    const skipped = (this.#skipped = []);
    this.#holes = new Map(this.#holes);
    const stations: StationRow[] = [];
    const areas: AreaRow[] = [];
    const lane = this.#lanes(missing);
    let taken = 0;
    for (const record of records) {
      const at = `${record.topic}:${record.partition}`;
      const expected = this.positions.get(at);
      if (expected !== undefined && record.offset < expected) break;
      taken += 1;
      this.positions.set(at, record.offset + 1);
      this.#pass(lane.get(at), record.offset);
      if (record.topic === this.#options.rawTopic) {
        const row = this.#station(record);
        if (row !== null) stations.push(row);
      } else {
        const row = this.#area(record);
        if (row !== null) areas.push(row);
      }
    }
    return {
      stations,
      areas,
      missing: this.#closeHoles({ stations, areas }),
      skipped,
      taken,
      undo: () => {
        this.positions.clear();
        for (const [at, offset] of before.positions) this.positions.set(at, offset);
        this.simulated = before.simulated;
        this.#holes = before.holes;
        for (const [key, kept] of keptBefore)
          if (kept === undefined) this.#kept.delete(key);
          else this.#kept.set(key, kept);
      },
    };
  }

  /** Holes that are still to be passed, by partition and in order. */
  #lanes(missing: readonly MissingRecords[]): ReadonlyMap<string, MissingRecords[]> {
    const ahead = missing.filter(
      ({ topic, partition, beforeOffset }) =>
        beforeOffset >= (this.positions.get(`${topic}:${partition}`) ?? 0),
    );
    return Map.groupBy(ahead, ({ topic, partition }) => `${topic}:${partition}`);
  }

  #pass(lane: MissingRecords[] | undefined, offset: number): void {
    for (let hole = lane?.[0]; hole !== undefined && hole.beforeOffset <= offset; hole = lane?.[0]) {
      lane?.shift();
      const at = `${hole.topic}:${hole.partition}`;
      const before = this.#holes.get(at);
      // What is old is gone first: compaction has nothing to do there.
      const reason = before?.reason === "retention" ? before.reason : hole.reason;
      this.#holes.set(at, { ...hole, reason });
    }
  }

  /** Holes with a row after them. */
  #closeHoles(rows: Pick<TakenRecords, "stations" | "areas">): readonly MissingRows[] {
    if (this.#holes.size === 0) return [];
    const closed: MissingRows[] = [];
    for (const [at, { topic, partition, beforeOffset, reason }] of this.#holes) {
      const table = topic === this.#options.rawTopic ? "stations" : "areas";
      const own: readonly (StationRow | AreaRow)[] = rows[table];
      const row = own.find((each) => each.partition === partition && each.offset >= beforeOffset);
      if (row === undefined) continue;
      closed.push({ table, partition, beforeOffset: row.offset, reason });
      this.#holes.delete(at);
    }
    return closed;
  }

  #station(record: LogRecord): StationRow | null {
    const { epoch, readReference, now } = this.#options;
    const place = { epoch, partition: record.partition, offset: record.offset };
    const decoding = receiveRaw(record, now(), readReference);
    if (decoding === "tombstone") {
      if (record.key === null) return this.#skip("unknown_key");
      const system = record.headers[SYSTEM_HEADER];
      const named = this.#formerStations.has(record.key)
        ? parseStationKey(this.#formerStations.at(record.key) ?? "")
        : stationOfTombstone(record.key, system);
      if (named === null) return this.#skip(system === undefined ? "unknown_key" : FORMER_KEY);
      if (!isUsable(named.systemId, record.timestampMs)) return this.#skip("out_of_range");
      return removedStationRow(named.stationId, record.timestampMs, { system: named.systemId, ...place });
    }
    // The aggregate keeps a reject of it; here it only has no row.
    if (!decoding.ok) return this.#skip(decoding.reject.reason);
    if (!isUsable(decoding.record.systemId, decoding.record.observedAtMs)) return this.#skip("out_of_range");
    if (!this.#isOfOneKind(decoding.record.simulated)) return this.#skip(MIXED);
    const own = stationKey(decoding.record.systemId, decoding.record.stationId);
    this.#formerStations.read(own, record.key ?? own);
    return stationRow(decoding.record, place);
  }

  #area(record: LogRecord): AreaRow | null {
    const { epoch } = this.#options;
    const place = { epoch, partition: record.partition, offset: record.offset };
    const through = decodeThrough(record.headers["through"]);
    const read = receiveTotals(record);
    if (read !== "tombstone" && !read.ok) return this.#skip(read.reason);
    const totals = read === "tombstone" ? null : read.totals;
    const own = ownAreaKey(record, totals, this.#formerAreas);
    if (own === undefined) return this.#skip(FORMER_KEY);
    if (own === null) return this.#skip("unknown_key");
    const atMs = totals?.asOfMs ?? record.timestampMs;
    const { systemId: system, area } = totals ?? this.#areaOf(own, record);
    const key = areaKey(system, area);
    if (!isUsable(system, atMs)) return this.#skip("out_of_range");
    if (totals !== null && !this.#isOfOneKind(totals.simulated)) return this.#skip(MIXED);
    if (!supersedes(this.#kept.get(key), through, atMs)) return this.#skip("repeated_totals");
    if (!this.#keptBefore.has(key)) this.#keptBefore.set(key, this.#kept.get(key));
    this.#kept.set(key, { through, asOfMs: atMs });
    return totals === null
      ? removedAreaRow(area, atMs, through, { system, ...place })
      : areaRow(totals, through, place);
  }

  /** Which area a tombstone is of: one that is archived, where its key alone may mean several. */
  #areaOf(own: string, record: LogRecord): AreaName {
    const system = record.headers[SYSTEM_HEADER];
    const told = own === record.key ? areaOfTombstone(own, system) : parseAreaKey(own);
    if (told !== null && (system !== undefined || own !== record.key)) return told;
    for (const named of areasNamed(own))
      if (this.#kept.has(areaKey(named.systemId, named.area))) return named;
    return told ?? { systemId: DEFAULT_SYSTEM_ID, area: own };
  }

  /** An archive holds real data or simulated data: a year later nobody could tell them apart. */
  #isOfOneKind(simulated: boolean): boolean {
    this.simulated ??= simulated;
    return this.simulated === simulated;
  }

  #skip(reason: string): null {
    this.#skipped.push(reason);
    return null;
  }
}

function isUsable(system: string, atMs: number): boolean {
  return atMs >= 0 && atMs <= LATEST_MS && canNameFolder(system);
}
