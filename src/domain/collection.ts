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
import { AreaPartitions } from "../record/partitioning.ts";
import { encodeRawRecord, rawValue, servesNumericId, type RawRecord } from "../record/raw-record.ts";
import { stationKey } from "../record/keys.ts";
import type {
  CollectionOptions,
  Observed,
  Plan,
  PlannedRecord,
  Published,
  Remembered,
} from "./collection-plan.ts";
import { heartbeatOf } from "./heartbeat.ts";
import { recordDigest, sameInformation } from "../record/change-detection.ts";
import { Departures } from "./departures.ts";
import { PublishedStations } from "./published-stations.ts";
import { otherAtWork } from "./foreign-records.ts";
import { renumberedStations } from "./renumbering.ts";
import { retirementRecords } from "./retirement.ts";
import type { AreaRule, StationInformation, StationStatus } from "../record/station.ts";
import { startedMsOf, type OtherWriter } from "../record/writer.ts";

/** An unchanged station is published again after this long: keeps topics with retention complete. */
export const REFRESH_AFTER_MS = 3_600_000;

export type * from "./collection-plan.ts";

export class Collection {
  readonly #options: CollectionOptions;
  #published: PublishedStations;
  #departures = new Departures();
  readonly #partitions: AreaPartitions;

  constructor(options: CollectionOptions) {
    this.#options = options;
    this.#partitions = new AreaPartitions(options.systemId);
    this.#published = new PublishedStations(options);
  }

  /** Stations in the topic that are wanted here. */
  get stationCount(): number {
    return this.#published.wantedCount;
  }

  /** Stations of the system in the topic that are not wanted here. */
  get unwantedCount(): number {
    return this.#published.unwantedCount;
  }

  /** The rule that gave most stations their area; null before there is one. */
  get mainAreaRule(): AreaRule | null {
    return this.#published.mainAreaRule;
  }

  /** Stations in the topic that are simulated where this system is real, or real where it is simulated. */
  get mixedCount(): number {
    return this.#published.mixed.size;
  }

  /**
   * Takes back what an earlier run published: call in log order with the raw topic's records of this system.
   * @param wanted false for what a selection leaves to others: only its place is kept
   * @param key of the record. @default the station's own
   */
  restore(record: RawRecord, partition: number, wanted = true, key: string | null = null): void {
    if (key !== null) this.#published.former.read(record.stationId, key, partition);
    this.#published.restore(record, partition, wanted);
  }

  /**
   * Takes a record that another collector wrote while this one runs, in log order; never between `plan` and its
   * `acknowledge`. What it says is what stands in the topic; the next plan puts right what this one knows better.
   * @param record null for a tombstone
   */
  learn(
    stationId: string,
    record: RawRecord | null,
    partition: number,
    writer: OtherWriter,
    wanted = true,
  ): void {
    this.#published.learn(stationId, record, partition, writer, wanted);
  }

  /** The topic was made again: nothing stands in it. Never between `plan` and its `acknowledge`. */
  forget(): void {
    this.#published = new PublishedStations(this.#options);
    this.#departures = new Departures();
  }

  /** A record of this collector's own was read back: it stands behind all that was learnt of the station before. */
  learnOwn(stationId: string): void {
    this.#published.foreign.settled(stationId);
  }

  /** What to publish now. Changes nothing but the count of absences; `acknowledge` does the rest. */
  plan(observed: Observed): Plan {
    const records: PlannedRecord[] = [];
    const remember: Remembered[] = [];
    const present = new Set<string>();
    const returned = new Map<string, OtherWriter>();
    const contested = new Map<string, OtherWriter>();
    const nowMs = observed.observedAtMs;
    let [retired, moved] = [0, 0];
    // Simulated stations go before anything real is published.
    if (!this.#options.simulated)
      retired += this.#takeOut(this.#mixedStations(), nowMs, { records, remember });
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
      const partition = this.#partitions.of(area, observed.partitionCount);
      const stays = held !== undefined && held.area === area && held.partition === partition;
      const worth =
        stationId === heartbeat || this.#worthPublishing(held, status, information, observed.observedAtMs);
      const other = otherAtWork(held, observed.observedAtMs);
      if (held !== undefined && !stays && other !== null) {
        contested.set(stationId, other);
        if (startedMsOf(other.collector) > (this.#options.startedMs ?? Infinity)) continue;
      }
      const taker = held === undefined ? this.#published.foreign.takerOf(stationId) : undefined;
      if (taker !== undefined) returned.set(stationId, taker);
      if (stays && !worth) {
        // The same content: hold the newest object, which the source holds too.
        held.information = information;
        continue;
      }
      if (held !== undefined && observed.observedAtMs < held.observedAtMs) continue;

      let slot: number;
      if (held !== undefined && held.area === area) slot = held.slot;
      else tentative.push({ area, slot: (slot = this.#published.slots.take(area, stationId)) });
      if (held !== undefined && !stays) {
        records.push(...retirementRecords(this.#options, stationId, held, observed.observedAtMs));
        moved += 1;
      }
      const key = held?.key ?? stationKey(this.#options.systemId, stationId);
      records.push({
        key,
        value: encodeRawRecord({
          ...this.#options,
          station: status,
          information,
          area,
          areaRule: rule,
          slot,
          observedAtMs: observed.observedAtMs,
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
          content: status.contentDigest,
          information,
          observedAtMs: observed.observedAtMs,
          wanted: true,
          foreign: null,
        },
      });
    }
    // Only now: the first of two records with one id stands, though the second was rejected.
    for (const stationId of observed.unreadable) present.add(stationId);
    for (const stationId of observed.unwanted ?? []) present.add(stationId);
    const published = remember.length - retired;
    const mayLeave = (held: Published, stationId: string): boolean =>
      held.wanted && otherAtWork(held, nowMs) === null && !this.#published.mixed.has(stationId);
    const leaving: PlannedRecord[] = [];
    const came = remember.map(({ stationId }) => stationId);
    const renumbered = renumberedStations(this.#published.all, present, mayLeave, came, observed);
    // What leaves goes before what comes: no reader counts a station under two ids, or a vehicle in two areas.
    retired += this.#takeOut(renumbered, nowMs, { records: leaving, remember });
    for (const [stationId] of renumbered) present.add(stationId);
    for (const { area, slot } of tentative) this.#published.slots.release(area, slot);
    const departed = this.#departures.observe(this.#published.all, present, mayLeave, observed);
    retired += this.#takeOut(departed, nowMs, { records: leaving, remember });
    const { former } = this.#published;
    return {
      records: [...former.clearedWith(leaving), ...former.clearedWith(records)],
      published,
      retired,
      moved,
      renumbered: renumbered.length,
      remember,
      returned,
      contested,
    };
  }

  /**
   * Takes every station out: the system is no longer collected.
   * @param ownOnly only what this run has published
   */
  planRetirement(nowMs: number, ownOnly = false): Plan {
    const records: PlannedRecord[] = [];
    const remember: Remembered[] = [];
    const leaving = [...this.#published.all].filter(
      ([, held]) =>
        held.wanted &&
        otherAtWork(held, nowMs) === null &&
        !(ownOnly && (held.content === null || held.foreign !== null)),
    );
    const retired = this.#takeOut(leaving, nowMs, { records, remember });
    const none = new Map<string, never>();
    return {
      records: this.#published.former.clearedWith(records),
      published: 0,
      retired,
      moved: 0,
      renumbered: 0,
      remember,
      returned: none,
      contested: none,
    };
  }

  /** The log has acknowledged every record of `plan`: remember it. Call before the next `plan`. */
  acknowledge(plan: Plan): void {
    for (const remembered of plan.remember) {
      this.#published.remember(remembered);
      if (remembered.station === null) this.#departures.forget(remembered.stationId);
    }
    this.#published.foreign.judged();
  }

  /** @returns how many leave */
  #takeOut(
    stations: Iterable<[string, Published]>,
    nowMs: number,
    plan: Pick<Plan, "records" | "remember">,
  ): number {
    const { records, remember } = plan as { records: PlannedRecord[]; remember: Remembered[] };
    let retired = 0;
    for (const [stationId, held] of stations) {
      records.push(...retirementRecords(this.#options, stationId, held, Math.max(nowMs, held.observedAtMs)));
      remember.push({ stationId, station: null });
      retired += 1;
    }
    return retired;
  }

  *#mixedStations(): IterableIterator<[string, Published]> {
    for (const stationId of this.#published.mixed) {
      const held = this.#published.get(stationId);
      if (held !== undefined) yield [stationId, held];
    }
  }

  #worthPublishing(
    held: Published | undefined,
    status: StationStatus,
    information: StationInformation | undefined,
    nowMs: number,
  ): boolean {
    if (this.#options.mode === "every-poll" || held === undefined) return true;
    if (
      nowMs - held.observedAtMs >= REFRESH_AFTER_MS ||
      this.#published.mustBePublishedAgain(status.stationId)
    )
      return true;
    const { foreign } = held;
    if (foreign !== null && foreign.digest !== null) {
      const areaRule = held.areaRule ?? "unknown";
      const value = rawValue({ ...this.#options, ...held, station: status, information, areaRule });
      if (foreign.digest !== recordDigest(value)) return true;
      foreign.digest = null;
      held.content = status.contentDigest;
      held.information = information;
      return false;
    }
    if (held.content === null) return true;
    return held.content !== status.contentDigest || !sameInformation(held.information, information);
  }
}
