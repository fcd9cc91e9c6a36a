/**
 * Stage two: raw records in, totals per area out, exactly once. A Processor of the log: it holds one reducer per
 * partition and puts out what changed; the log commits outputs and progress together.
 *
 *   restore(history < committed) ──no backlog──▶ steady ──records──▶ totals of the touched areas
 *        │ backlog                               ▲
 *        ▼                                       │
 *   catching up ──records──▶ held ──its end──────┘ what differs from what was published
 *
 * Why nothing is put out before the end of a backlog: compaction may have removed an observation that a later record
 * of the backlog supersedes, and totals in between would lack that station. At the end every station is there. Where
 * the history below the committed offset has gaps, even what was published cannot be told from it: then every area
 * is put out anew (docs/decisions/0002-restore-after-compaction.md).
 *
 * Records that are played back from history say themselves which totals follow them (record/publication.ts).
 */
import { AreaTotals, type TotalsChange } from "../../domain/area-totals.ts";
import { clearingFormerKeys, drainAnew, standUnderFormerKeys } from "../../domain/drain-anew.ts";
import { areaPartitionKey, partitionOf } from "../../record/partitioning.ts";
import { decodePublication, PUBLICATION_HEADER } from "../../record/publication.ts";
import type { RawDecoding, ReferenceReader } from "../../record/raw-record.ts";
import { RawRecordScan } from "../../record/raw-record-scan.ts";
import type { TotalsWriter } from "../../record/totals-writer.ts";
import { isAhead, MOST_VALUE_BYTES, receiveRaw } from "../../record/received-record.ts";
import type {
  Clock,
  Logger,
  LogRecord,
  Metrics,
  Processor,
  ProduceRecord,
  RestoreRange,
  TopicNames,
} from "../../ports.ts";
import type { AreaName } from "../../record/keys.ts";
import type { RawPlace } from "./published-areas.ts";
import { RawRejects, type Refused } from "./raw-rejects.ts";
import { type Place, totalsRecords } from "./totals-records.ts";

export interface AggregateOptions {
  readonly topics: TopicNames;
  readonly readReference: ReferenceReader;
  /** Partitions of the raw topic, where the log does not say: where a keyless record of an area belongs. */
  readonly partitionCount: number;
  /** The areas that the totals topic holds from this raw partition, by key; read only when a restore needs them. */
  readonly publishedAreas: (place: RawPlace) => Promise<ReadonlyMap<string, AreaName>>;
  /** Who this is, in every totals record. */
  readonly writer: TotalsWriter;
  /**
   * Somebody else wrote the totals until now: their newest may be of an instant that our history does not tell, so every
   * area of a partition is put out anew the first time that it is ours.
   */
  readonly takeOver?: boolean;
  readonly clock: Pick<Clock, "now">;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** A copy: a record's memory is used again. */
function placeOf({ partition, offset, timestampMs }: Place): Place {
  return { partition, offset, timestampMs };
}

interface PartitionState {
  readonly totals: AreaTotals;
  readonly place: Required<Pick<RawPlace, "partition" | "partitionCount">> & Pick<RawPlace, "topicId">;
  /** Where the backlog ends that must be read before anything is put out; null in the steady state. */
  catchUpTo: number | null;
  /** Areas published before a restore that could not tell from history, or under former keys; else null. */
  published: ReadonlyMap<string, AreaName> | null;
  /** Nothing was put out yet of a backlog, whose areas may stand in the totals topic under keys of old. */
  mayStandUnderFormerKeys: boolean;
  /** Rejects of the backlog: written with its totals. */
  rejects: ProduceRecord[];
  /** Every area was put out after a restore. */
  anew: boolean;
  /** Of the last record taken while nothing is put out yet; after a restore, of the last before the position. */
  held: Place | undefined;
  /** Next offset when nothing is missing from the partition's start to there; null once something is. */
  wholeTo: number | null;
}

export function aggregateProcessor(options: AggregateOptions): Processor {
  const partitions = new Map<number, PartitionState>();
  const scan = new RawRecordScan();
  /** Of another writer's, put out anew already, and committed. */
  const handedOver = new Set<number>();
  const rejects = new RawRejects(options);

  const processor: Processor = {
    async restore(partition, history, range) {
      const startedMs = options.clock.now();
      const totals = new AreaTotals();
      const { topicId, partitionCount = options.partitionCount } = range;
      const place = { partition, partitionCount, ...(topicId === undefined ? {} : { topicId }) };
      let wholeTo: number | null = 0;
      let records = 0;
      let playedBack = false;
      let last: LogRecord | undefined;
      for await (const batch of history) {
        wholeTo = follow(wholeTo, batch);
        for (const record of batch) {
          records += 1;
          take(record, totals, scan, startedMs, place, options);
          for (const key of decodePublication(record.headers[PUBLICATION_HEADER]) ?? [])
            totals.drainArea(key);
        }
        playedBack = isPlayedBack(batch);
        last = batch.at(-1) ?? last;
      }
      const gaps = wholeTo !== range.committedOffset;
      const behind = range.endOffset > range.committedOffset;
      const foreign = options.takeOver === true && !handedOver.has(partition);
      const unknown = foreign || range.renewed === true || (behind && gaps);
      // What was put out up to the committed offset is out: it was committed with it.
      if (!playedBack) totals.drain();
      partitions.set(partition, {
        totals,
        place,
        catchUpTo: behind ? range.endOffset : null,
        ...(await publishedBefore(place, totals, { unsure: unknown, behind }, options)),
        rejects: [],
        anew: false,
        held: { ...place, offset: range.committedOffset - 1, timestampMs: last?.timestampMs ?? startedMs },
        wholeTo: gaps ? null : wholeTo,
      });
      report(options, partition, records, range, totals, startedMs);
    },

    process(partition, records) {
      const state = partitions.get(partition);
      if (state === undefined) throw new Error(`partition ${partition} was never restored`);
      const foreign = state.published !== null;
      const nowMs = options.clock.now();
      state.wholeTo = follow(state.wholeTo, records);
      const last = records.at(-1) ?? state.held;
      // Without records, the log says that there is none left of the backlog.
      const reached =
        state.catchUpTo === null || records.length === 0 || (last?.offset ?? -1) >= state.catchUpTo - 1;
      // Of a backlog only where nothing is missing: then no total in between lacks a station.
      const playedBack = isPlayedBack(records) && (state.catchUpTo === null || state.wholeTo !== null);
      const outputs: ProduceRecord[] = [];
      let stale = 0;
      for (const record of records) {
        const taken = take(record, state.totals, scan, nowMs, state.place, options);
        if (taken === "stale") stale += 1;
        else if (typeof taken !== "string") state.rejects.push(rejects.record(taken, record));
        if (!playedBack) continue;
        for (const key of decodePublication(record.headers[PUBLICATION_HEADER]) ?? [])
          outputs.push(...totalsRecords([state.totals.drainArea(key)], record, state.place, options));
      }
      options.metrics.count("velostream_aggregate_records_total", {}, records.length);
      if (stale > 0) options.metrics.count("velostream_aggregate_stale_total", {}, stale);
      state.held = reached || last === undefined ? undefined : placeOf(last);
      if (!playedBack && !reached) return null;
      if (!playedBack) outputs.push(...totalsRecords(drain(state), last, state.place, options));
      if (reached) state.catchUpTo = null;
      if (foreign && !playedBack) state.anew = true;
      if (outputs.length > 0) options.metrics.count("velostream_aggregate_totals_total", {}, outputs.length);
      if (state.rejects.length === 0) return outputs;
      outputs.push(...state.rejects);
      state.rejects = [];
      return outputs;
    },

    caughtUp(partition) {
      const state = partitions.get(partition);
      // Nobody's record may follow for long: areas that left with a topic made again are told of now.
      return state === undefined || state.published === null ? [] : (processor.process(partition, []) ?? []);
    },

    committed(partition) {
      if (partitions.get(partition)?.anew === true) handedOver.add(partition);
    },

    refused(record, why) {
      return rejects.refused(record, why);
    },

    release(partition) {
      partitions.delete(partition);
    },
  };
  return processor;
}

/** What was published and must be compared with, where history does not tell it or areas stand under keys of old. */
async function publishedBefore(
  place: RawPlace,
  totals: AreaTotals,
  { unsure, behind }: { unsure: boolean; behind: boolean },
  { publishedAreas }: AggregateOptions,
): Promise<Pick<PartitionState, "published" | "mayStandUnderFormerKeys">> {
  // What a backlog brings cannot be asked for now: its keys of old are taken away whether they are there or not.
  if (!unsure && !totals.hasFormerAreaKeys) return { published: null, mayStandUnderFormerKeys: behind };
  const areas = await publishedAreas(place);
  const published = unsure || standUnderFormerKeys(areas) ? areas : null;
  return { published, mayStandUnderFormerKeys: false };
}

/** Whether all of these records say themselves which totals follow them. */
function isPlayedBack(records: readonly LogRecord[]): boolean {
  return (
    records.length > 0 &&
    records.every(({ headers }) => decodePublication(headers[PUBLICATION_HEADER]) !== null)
  );
}

/** The offset up to which nothing is missing, after `records`. */
function follow(wholeTo: number | null, records: readonly LogRecord[]): number | null {
  let expected = wholeTo;
  for (const { offset } of records) {
    if (offset !== expected) return null;
    expected = offset + 1;
  }
  return expected;
}

/** What differs from what was published, each area once. */
function drain(state: PartitionState): readonly TotalsChange[] {
  const { totals, published, mayStandUnderFormerKeys } = state;
  state.published = null;
  state.mayStandUnderFormerKeys = false;
  if (published !== null) return drainAnew(totals, published);
  return mayStandUnderFormerKeys ? clearingFormerKeys(totals.drain(), totals) : totals.drain();
}

/** Applies one record to the totals; a reject is returned. */
function take(
  record: LogRecord,
  totals: AreaTotals,
  scan: RawRecordScan,
  nowMs: number,
  place: PartitionState["place"],
  options: AggregateOptions,
): "taken" | "stale" | Refused {
  const { key, block, start, end } = record;
  // A log without blocks has values of their own.
  const bytes = block === undefined ? record.value : block;
  if (key !== null && bytes !== null && isSmall(record) && scan.read(key, bytes, start, end)) {
    const { observation } = scan;
    // What is ahead of its time is left to the decoder, which makes a reject of it.
    const ahead = isAhead(observation.observedAtMs, record.timestampMs) || isAhead(record.timestampMs, nowMs);
    if (!ahead) return totals.applyShare(key, observation) ? "taken" : "stale";
  }
  const decoding = decode(record, nowMs, place, options);
  if (decoding === "tombstone") totals.remove(key ?? "", record.timestampMs);
  else if (!decoding.ok) return decoding;
  else if (!totals.apply(decoding.record, key)) return "stale";
  return "taken";
}

/** Without making a view of the value where it shares a block. */
function isSmall({ block, start = 0, end = 0, value }: LogRecord): boolean {
  return (block === undefined ? (value?.length ?? 0) : end - start) <= MOST_VALUE_BYTES;
}

function decode(
  record: LogRecord,
  nowMs: number,
  place: PartitionState["place"],
  options: AggregateOptions,
): RawDecoding | "tombstone" {
  const decoding = receiveRaw(record, nowMs, options.readReference);
  if (decoding === "tombstone") return decoding;
  // Without a key, or with one that is not ours, a record lands in any partition, and its area would be summed in
  // several: only in its own it counts.
  if (decoding.ok && (record.key === null || decoding.record.value["postcode"] === undefined)) {
    const { systemId, area, stationId } = decoding.record;
    if (partitionOf(areaPartitionKey(systemId, area), place.partitionCount) !== record.partition) {
      const reject = { reason: "wrong_partition", path: "$", stationId, record: decoding.record.value };
      return { ok: false, reject };
    }
  }
  return decoding;
}

function report(
  { logger, metrics, clock }: AggregateOptions,
  partition: number,
  records: number,
  range: RestoreRange,
  totals: AreaTotals,
  startedMs: number,
): void {
  const durationMs = clock.now() - startedMs;
  metrics.observe("velostream_restore_duration_seconds", {}, durationMs / 1000);
  if (records === 0 && range.endOffset === 0) return;
  logger.info("aggregate.restored", `Restored partition ${partition}: ${totals.stationCount} stations.`, {
    partition,
    records,
    stations: totals.stationCount,
    areas: totals.areaCount,
    backlogRecords: range.endOffset - range.committedOffset,
    durationMs,
  });
}
