/**
 * What the collector remembers of one system, and what it publishes after a poll. Pure: `plan` only proposes,
 * `acknowledge` remembers once the log has it (invariant 6).
 *
 *            first seen                     absent from enough complete polls
 *   (none) ─────────────▶ published ────────────────────────────────────────▶ retired record, tombstone ─▶ (none)
 *                          │     ▲
 *   content, info or       └─────┘   area or partition changed: retired record and tombstone in the old place,
 *   an hour since changed:            then the observation in the new one
 *   published again
 */
import { areaPartitionKey, partitionOf } from "./partitioning.ts";
import {
  encodeRawRecord,
  encodeRetiredRecord,
  informationOf,
  servesNumericId,
  stationKey,
  type RawRecord,
} from "./raw-record.ts";
import type { Plan, PlannedRecord, Published, Remembered } from "./collection-plan.ts";
import { heartbeatOf } from "./heartbeat.ts";
import { contentDigest, sameInformation } from "./change-detection.ts";
import { renumberedStations } from "./renumbering.ts";
import { Slots } from "./slots.ts";
import { addUnobserved, isFreeFloating } from "./free-floating.ts";
import type { StationArea, StationInformation, StationStatus, SystemPart } from "./station.ts";

/** A station that leaves must be absent this often, and this long, before it is retracted (invariant 4). */
export const RETIRE_AFTER_POLLS = 3;
export const RETIRE_AFTER_MS = 120_000;
/** A poll with fewer than this share of the known stations is taken for truncated … */
export const COMPLETE_SHARE = 0.5;
/** … unless the feed stays that small this long. */
export const BELIEVE_SHRUNK_AFTER_MS = 30 * 60_000;
/** An unchanged station is published again after this long: keeps topics with retention complete. */
export const REFRESH_AFTER_MS = 3_600_000;

export type PublishMode = "changes" | "every-poll";

/** One poll's stations, decoded and filtered. */
export interface Observed {
  readonly observedAtMs: number;
  readonly stations: readonly StationStatus[];
  /** Stations in the feed whose record was rejected: present, but without a new observation. */
  readonly unreadable: ReadonlySet<string>;
  /** Parts of the system that the poll did not see whole: what is absent from them stands as it was. */
  readonly unobserved?: readonly SystemPart[];
  readonly information: ReadonlyMap<string, StationInformation>;
  /** Partitions of the raw topic now. */
  readonly partitionCount: number;
}

export interface CollectionOptions {
  readonly systemId: string;
  readonly mode: PublishMode;
  readonly simulated: boolean;
  readonly resolveArea: (
    information: StationInformation | undefined,
    stationCode: string | null,
    stationId: string,
  ) => StationArea;
}

export class Collection {
  readonly #options: CollectionOptions;
  readonly #published = new Map<string, Published>();
  readonly #slots = new Slots();
  readonly #absent = new Map<string, { polls: number; sinceMs: number }>();
  #shrunkSinceMs: number | null = null;

  constructor(options: CollectionOptions) {
    this.#options = options;
  }

  get stationCount(): number {
    return this.#published.size;
  }

  /** Takes back what an earlier run published: call in log order with the raw topic's records of this system. */
  restore(record: RawRecord, partition: number): void {
    const held = this.#published.get(record.stationId);
    // A late retirement in a partition that the station has left says nothing about where it is now.
    if (record.retired) {
      if (held !== undefined && held.partition === partition) this.#forget(record.stationId, held);
      return;
    }
    if (held !== undefined) {
      if (held.observedAtMs > record.observedAtMs) return;
      this.#forget(record.stationId, held);
    }
    this.#published.set(record.stationId, {
      key: stationKey(this.#options.systemId, record.stationId),
      numericId: servesNumericId(record.value, record.stationId),
      area: record.area,
      areaRule: record.areaRule,
      slot: this.#slots.take(record.area, record.slot),
      partition,
      content: null,
      information: informationOf(record),
      observedAtMs: record.observedAtMs,
    });
  }

  /** A tombstone met while restoring. */
  restoreTombstone(stationId: string, partition: number): void {
    const held = this.#published.get(stationId);
    if (held !== undefined && held.partition === partition) this.#forget(stationId, held);
  }

  /** What to publish now. Changes nothing but the count of absences; `acknowledge` does the rest. */
  plan(observed: Observed): Plan {
    const records: PlannedRecord[] = [];
    const remember: Remembered[] = [];
    const present = new Set<string>();
    let [retired, moved] = [0, 0];
    // Slots taken by this plan are tentative: given back below, taken for good by `acknowledge`.
    const tentative: { area: string; slot: number }[] = [];
    const heartbeat = heartbeatOf(observed, (stationId) => this.#published.get(stationId)?.observedAtMs);
    for (const status of observed.stations) {
      const { stationId } = status;
      if (present.has(stationId)) continue;
      present.add(stationId);
      const held = this.#published.get(stationId);
      const information = observed.information.get(stationId);
      const { area, rule } = this.#options.resolveArea(information, status.stationCode, stationId);
      const partition = partitionOf(areaPartitionKey(this.#options.systemId, area), observed.partitionCount);
      const stays = held !== undefined && held.area === area && held.partition === partition;
      const worth =
        stationId === heartbeat || this.#worthPublishing(held, status, information, observed.observedAtMs);
      if (stays && !worth) {
        // The same content: hold the newest object, which the source holds too.
        held.information = information;
        continue;
      }
      if (held !== undefined && observed.observedAtMs < held.observedAtMs) continue;

      let slot: number;
      if (held !== undefined && held.area === area) slot = held.slot;
      else tentative.push({ area, slot: (slot = this.#slots.take(area)) });
      if (held !== undefined && !stays) {
        this.#retire(stationId, held, observed.observedAtMs, records);
        moved += 1;
      }
      const key = held?.key ?? stationKey(this.#options.systemId, stationId);
      records.push({
        key,
        value: encodeRawRecord({
          systemId: this.#options.systemId,
          station: status,
          information,
          area,
          areaRule: rule,
          slot,
          observedAtMs: observed.observedAtMs,
          simulated: this.#options.simulated,
        }),
        partition,
      });
      remember.push({
        stationId,
        station: {
          key,
          numericId: servesNumericId(status.source, stationId),
          area,
          areaRule: rule,
          slot,
          partition,
          content: contentDigest(status),
          information,
          observedAtMs: observed.observedAtMs,
        },
      });
    }
    // Only now: the first of two records with one id stands, though the second was rejected.
    for (const stationId of observed.unreadable) present.add(stationId);
    addUnobserved(present, observed.unobserved ?? [], this.#published.keys());
    const published = remember.length;
    const leaving: PlannedRecord[] = [];
    const came = remember.map(({ stationId }) => stationId);
    const renumbered = renumberedStations(this.#published, present, came, observed.information);
    for (const [stationId, held] of renumbered) {
      // Before the new ids come: no reader counts a station twice.
      this.#retire(stationId, held, observed.observedAtMs, leaving);
      remember.push({ stationId, station: null });
      present.add(stationId);
      retired += 1;
    }
    for (const { area, slot } of tentative) this.#slots.release(area, slot);

    for (const [stationId, held] of this.#departed(present, observed.observedAtMs)) {
      this.#retire(stationId, held, observed.observedAtMs, records);
      remember.push({ stationId, station: null });
      retired += 1;
    }
    const all = [...leaving, ...records];
    return { records: all, published, retired, moved, renumbered: renumbered.length, remember };
  }

  /** Takes every station out: the system is no longer collected. */
  planRetirement(nowMs: number): Plan {
    const records: PlannedRecord[] = [];
    const remember: Remembered[] = [];
    for (const [stationId, held] of this.#published) {
      this.#retire(stationId, held, Math.max(nowMs, held.observedAtMs), records);
      remember.push({ stationId, station: null });
    }
    return { records, published: 0, retired: remember.length, moved: 0, renumbered: 0, remember };
  }

  /** The log has acknowledged every record of `plan`: remember it. Call before the next `plan`. */
  acknowledge(plan: Plan): void {
    for (const { stationId, station } of plan.remember) {
      const held = this.#published.get(stationId);
      if (held !== undefined && (station === null || held.area !== station.area)) {
        this.#slots.release(held.area, held.slot);
      }
      if (station === null) {
        this.#published.delete(stationId);
        this.#absent.delete(stationId);
      } else {
        if (held === undefined || held.area !== station.area) this.#slots.take(station.area, station.slot);
        this.#published.set(stationId, station);
      }
    }
  }

  #worthPublishing(
    held: Published | undefined,
    status: StationStatus,
    information: StationInformation | undefined,
    nowMs: number,
  ): boolean {
    if (this.#options.mode === "every-poll" || held === undefined) return true;
    if (nowMs - held.observedAtMs >= REFRESH_AFTER_MS) return true;
    if (held.content === null) return true;
    return held.content !== contentDigest(status) || !sameInformation(held.information, information);
  }

  #retire(stationId: string, held: Published, observedAtMs: number, records: PlannedRecord[]): void {
    const { systemId, simulated } = this.#options;
    const { key } = held;
    records.push(
      {
        key,
        value: encodeRetiredRecord({
          systemId,
          stationId,
          numericId: held.numericId,
          area: held.area,
          slot: held.slot,
          observedAtMs,
          simulated,
        }),
        partition: held.partition,
      },
      { key, value: null, partition: held.partition },
    );
  }

  /** The stations that this poll proves gone. Counts absences. */
  *#departed(present: ReadonlySet<string>, nowMs: number): IterableIterator<[string, Published]> {
    let [seen, stations] = [0, 0];
    for (const stationId of this.#published.keys()) {
      if (isFreeFloating(stationId)) continue;
      stations += 1;
      if (present.has(stationId)) seen += 1;
    }
    const complete = seen >= stations * COMPLETE_SHARE;
    if (complete) this.#shrunkSinceMs = null;
    else this.#shrunkSinceMs ??= nowMs;
    const believed =
      complete || (this.#shrunkSinceMs !== null && nowMs - this.#shrunkSinceMs >= BELIEVE_SHRUNK_AFTER_MS);
    for (const [stationId, held] of this.#published) {
      if (present.has(stationId)) {
        this.#absent.delete(stationId);
        continue;
      }
      // A complete vehicle file is the whole truth at its instant: no vehicle stands there any more (invariant 9).
      if (isFreeFloating(stationId)) {
        if (nowMs >= held.observedAtMs) yield [stationId, held];
        continue;
      }
      if (!believed) continue;
      const absence = this.#absent.get(stationId) ?? { polls: 0, sinceMs: nowMs };
      absence.polls += 1;
      this.#absent.set(stationId, absence);
      if (absence.polls >= RETIRE_AFTER_POLLS && nowMs - absence.sinceMs >= RETIRE_AFTER_MS)
        yield [stationId, held];
    }
  }

  #forget(stationId: string, held: Published): void {
    this.#slots.release(held.area, held.slot);
    this.#published.delete(stationId);
  }
}
