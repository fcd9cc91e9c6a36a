/**
 * The live view: every station and every area now, built from the records of the raw and totals topics alone.
 *
 *   raw record ────▶ newer than held? ──▶ station, its area's extras, its system ─┐
 *   totals record ─▶ supersedes kept? ──▶ area's totals, its system ──────────────┤ touched
 *                                                                                 ▼
 *                        commit(): what differs from the last commit, once each ──▶ journal ──▶ Delta
 *
 * O(1) per record. Invariant (test/property/live-view.test.ts): stations and totals equal a recount of the log.
 */
import { ChangeJournal, type Delta, type StationChange } from "./change-journal.ts";
import { AreaState, type LiveArea } from "./live-area.ts";
import { orderOf, type HeldStation } from "./held-station.ts";
import { liveStation, type LiveStation, type SharedTexts } from "./live-station.ts";
import { LiveSystems, type LiveSystem } from "./live-system.ts";
import { supersedesObservation } from "../record/observation-order.ts";
import type { RawRecord, ReferenceReader } from "../record/raw-record.ts";
import { receiveRaw, unusableReason, type ReadRecord } from "../record/received-record.ts";
import type { Reject } from "../record/station.ts";
import { FormerKeys } from "../record/former-keys.ts";
import { LatestTotals } from "../record/latest-totals.ts";
import { stationKey } from "../record/keys.ts";

/** What a record did to the view. */
export type Applied = "changed" | "unchanged" | "stale" | "rejected";

export interface LiveViewOptions {
  /** Areas and stations kept in the journal: a dozen polls in which all of Vélib' changes. @default 20000 */
  readonly journalItems?: number;
  /** Reads records of the reference producer; without it they are rejects. */
  readonly readReference?: ReferenceReader;
  readonly onReject?: (reject: Reject) => void;
}

export class LiveView {
  readonly #stations = new Map<string, HeldStation>();
  readonly #areas = new Map<string, AreaState>();
  #formerKeys = new FormerKeys();
  readonly #latestTotals = new LatestTotals();
  readonly #systems = new LiveSystems();
  /** Station key by painted code, by system. */
  readonly #codes = new Map<string, Map<string, string>>();
  readonly #texts: SharedTexts = new Map();
  readonly #journal: ChangeJournal;
  readonly #readReference: ReferenceReader;
  readonly #onReject: ((reject: Reject) => void) | undefined;
  /** Each touched station as it was at the last commit; null: it was not there. */
  readonly #stationsBefore = new Map<string, LiveStation | null>();
  #areasTouched: AreaState[] = [];
  #present = 0;

  constructor(options: LiveViewOptions = {}) {
    this.#journal = new ChangeJournal(options.journalItems ?? 20_000);
    this.#readReference = options.readReference ?? (() => null);
    this.#onReject = options.onReject;
  }

  /** Number of the last committed change. */
  get seq(): number {
    return this.#journal.lastSeq;
  }

  get stationCount(): number {
    return this.#present;
  }

  /** Areas with totals, as of now. */
  get areaCount(): number {
    return this.#systems.areaCount;
  }

  /**
   * Takes one record of the raw topic.
   * @param nowMs the reader's clock, where there is one: what is stamped ahead of it is from the future
   */
  applyRaw(record: ReadRecord, nowMs = Infinity): Applied {
    const decoded = receiveRaw(record, nowMs, this.#readReference);
    if (decoded === "tombstone") return this.#removeStation(record);
    if (!decoded.ok) return this.#rejected(decoded.reject);
    const raw = decoded.record;
    const built = stationKey(raw.systemId, raw.stationId);
    // The record's own text where it is the same: others hold that one too.
    const key = record.key === built ? record.key : built;
    this.#formerKeys.read(key, record.key ?? key);
    const held = this.#stations.get(key);
    this.#systems.observed(raw);
    if (held === undefined) {
      const station = liveStation(raw, null, key, this.#texts);
      const next: HeldStation = {
        station,
        partition: record.partition,
        retired: raw.retired,
        observedAtMs: raw.observedAtMs,
      };
      this.#stations.set(key, next);
      if (raw.retired) return "unchanged";
      this.#enter(key, next, null);
      return "changed";
    }
    if (!supersedesObservation(raw, orderOf(held), held.station.place.area)) return "stale";
    return this.#replace(key, held, raw, record.partition);
  }

  /** Takes one record of the totals topic. */
  applyTotals(record: ReadRecord): Applied {
    const read = this.#latestTotals.read(record);
    if (read.outcome === "refused") return this.#refused(read.reason, record);
    if (read.outcome !== "latest") return "stale";
    const { totals } = read;
    const area = this.#area(read.key);
    if (area.totals === null && totals === null) return "unchanged";
    this.#systems.totals(area.totals, totals);
    area.totals = totals;
    this.#touch(area);
    return "changed";
  }

  /**
   * One of the topics was made again: what was read of it counts no more. Nothing of it is told before the next commit, so
   * that whoever reads the new one to its end first tells only what differs.
   */
  forget(topic: "raw" | "totals"): void {
    if (topic === "raw") {
      for (const [key, { retired, station }] of this.#stations) if (!retired) this.#leave(key, station);
      this.#stations.clear();
      this.#formerKeys = new FormerKeys();
      return;
    }
    for (const area of this.#areas.values()) {
      if (area.totals !== null) this.#systems.totals(area.totals, null);
      area.totals = null;
      this.#touch(area);
    }
    this.#latestTotals.forget();
  }

  /** Closes a batch: everything that differs since the last commit, or null when nothing does. */
  commit(): Delta | null {
    const stations: StationChange[] = [];
    const stationsRemoved: LiveStation[] = [];
    for (const [key, before] of this.#stationsBefore) {
      const now = this.station(key);
      if (now === null) {
        if (before !== null) stationsRemoved.push(before);
      } else if (now !== before) {
        stations.push({ station: now, placed: now.place !== before?.place });
      }
    }
    this.#stationsBefore.clear();
    const areas: LiveArea[] = [];
    const areasRemoved: LiveArea[] = [];
    for (const area of this.#areasTouched) {
      area.touched = false;
      const before = area.published;
      area.published = area.snapshot();
      if (area.published === before) continue;
      if (area.published !== null) areas.push(area.published);
      else if (before !== null) areasRemoved.push(before);
    }
    this.#areasTouched = [];
    if (stations.length + stationsRemoved.length + areas.length + areasRemoved.length === 0) return null;
    return this.#journal.append({ areas, areasRemoved, stations, stationsRemoved });
  }

  /** The commits after `seq`; null when they are no longer all kept. */
  since(seq: number): readonly Delta[] | null {
    return this.#journal.since(seq);
  }

  /** The log has been read up to its present: from now on, time between changes is measured. */
  caughtUp(): void {
    this.#systems.measure();
  }

  station(key: string): LiveStation | null {
    const held = this.#stations.get(key);
    return held === undefined || held.retired ? null : held.station;
  }

  /** A station by its painted code. */
  stationByCode(systemId: string, code: string): LiveStation | null {
    const key = this.#codes.get(systemId)?.get(code);
    return key === undefined ? null : this.station(key);
  }

  *stations(): IterableIterator<LiveStation> {
    for (const held of this.#stations.values()) if (!held.retired) yield held.station;
  }

  /** An area as of the last commit. */
  area(key: string): LiveArea | null {
    return this.#areas.get(key)?.published ?? null;
  }

  /** The areas as of the last commit. */
  *areas(): IterableIterator<LiveArea> {
    for (const area of this.#areas.values()) if (area.published !== null) yield area.published;
  }

  /** The stations of one area now. */
  *stationsOf(areaKey: string): IterableIterator<LiveStation> {
    for (const key of this.#areas.get(areaKey)?.stationKeys ?? []) {
      const station = this.station(key);
      if (station !== null) yield station;
    }
  }

  systems(): IterableIterator<LiveSystem> {
    return this.#systems.values();
  }

  #replace(key: string, held: HeldStation, raw: RawRecord, partition: number): Applied {
    const before = held.retired ? null : held.station;
    held.partition = partition;
    held.observedAtMs = raw.observedAtMs;
    if (raw.retired) {
      held.retired = true;
      if (before === null) return "unchanged";
      this.#leave(key, before);
      return "changed";
    }
    const station = liveStation(raw, before, held.station.place.key, this.#texts);
    if (station === before) return "unchanged";
    if (before !== null) this.#leave(key, before);
    held.station = station;
    held.retired = false;
    this.#enter(key, held, before);
    return "changed";
  }

  #removeStation(record: ReadRecord): Applied {
    if (record.key === null) return this.#refused("tombstone_without_key", record);
    const key = this.#formerKeys.at(record.key);
    const held = key === null ? undefined : this.#stations.get(key);
    // A late tombstone in a partition that the station has left says nothing about where it is now.
    if (key === null || held === undefined || held.partition !== record.partition) return "stale";
    this.#stations.delete(key);
    if (held.retired) return "unchanged";
    this.#leave(key, held.station);
    return "changed";
  }

  #enter(key: string, { station }: HeldStation, before: LiveStation | null): void {
    if (!this.#stationsBefore.has(key)) this.#stationsBefore.set(key, before);
    const { place } = station;
    if (place.stationCode !== null) this.#codesOf(place.systemId).set(place.stationCode, key);
    const area = this.#area(place.areaKey);
    area.enter(station);
    this.#touch(area);
    this.#present += 1;
    this.#systems.entered(station);
  }

  #leave(key: string, station: LiveStation): void {
    if (!this.#stationsBefore.has(key)) this.#stationsBefore.set(key, station);
    const { place } = station;
    if (place.stationCode !== null) {
      const codes = this.#codesOf(place.systemId);
      if (codes.get(place.stationCode) === key) codes.delete(place.stationCode);
    }
    const area = this.#area(place.areaKey);
    area.leave(station);
    this.#touch(area);
    this.#present -= 1;
    this.#systems.left(station);
  }

  #codesOf(systemId: string): Map<string, string> {
    let codes = this.#codes.get(systemId);
    if (codes === undefined) this.#codes.set(systemId, (codes = new Map()));
    return codes;
  }

  #area(key: string): AreaState {
    let area = this.#areas.get(key);
    if (area === undefined) this.#areas.set(key, (area = new AreaState(key)));
    return area;
  }

  #touch(area: AreaState): void {
    if (area.touched) return;
    area.touched = true;
    this.#areasTouched.push(area);
  }

  #refused(reason: string, record: ReadRecord): Applied {
    // No text is made of a value that cannot be used.
    const text = unusableReason(record) === null ? (record.value?.toString("utf8") ?? null) : null;
    return this.#rejected({ reason, path: "$", stationId: null, record: text });
  }

  #rejected(reject: Reject): Applied {
    this.#onReject?.(reject);
    return "rejected";
  }
}
