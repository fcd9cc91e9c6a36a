/**
 * What stands in the topic of one system's stations: what this collector has put there, found there, or seen others
 * put there. Collection compares each poll with it.
 *
 *   restore: records of earlier runs ─┐
 *   learn: records of others ─────────┼─▶ place, slot and digest of each station
 *   remember: acknowledged records ───┘
 */
import { recordDigest } from "../record/change-detection.ts";
import type { Foreign, Published, Remembered } from "./collection-plan.ts";
import { ForeignRecords } from "./foreign-records.ts";
import { FormerStations } from "./former-stations.ts";
import { informationOf, servesNumericId, type RawRecord } from "../record/raw-record.ts";
import { stationKey } from "../record/keys.ts";
import { SlotDisputes } from "./slot-disputes.ts";
import { Slots } from "./slots.ts";
import type { AreaRule } from "../record/station.ts";
import type { OtherWriter } from "../record/writer.ts";

export class PublishedStations {
  readonly slots = new Slots();
  readonly foreign = new ForeignRecords();
  readonly former: FormerStations;
  readonly #disputes = new SlotDisputes();
  readonly #system: { readonly systemId: string; readonly simulated: boolean };
  readonly #stations = new Map<string, Published>();
  /** Simulated stations in the topic of a real system, or the other way round: never added up. */
  readonly #mixed = new Set<string>();
  #wanted = 0;

  constructor(system: { readonly systemId: string; readonly simulated: boolean }) {
    this.#system = system;
    this.former = new FormerStations(system.systemId, (id) => this.#stations.get(id)?.partition);
  }

  /** Stations that are wanted here. */
  get wantedCount(): number {
    return this.#wanted;
  }

  /** Stations that a selection leaves to others. */
  get unwantedCount(): number {
    return this.#stations.size - this.#wanted;
  }

  /** The rule that gave most of them their area. */
  get mainAreaRule(): AreaRule | null {
    const counts = new Map<AreaRule, number>();
    let main: AreaRule | null = null;
    for (const { areaRule, wanted } of this.#stations.values()) {
      if (areaRule === null || !wanted) continue;
      const count = (counts.get(areaRule) ?? 0) + 1;
      counts.set(areaRule, count);
      if (main === null || count > (counts.get(main) ?? 0)) main = areaRule;
    }
    return main;
  }

  get all(): ReadonlyMap<string, Published> {
    return this.#stations;
  }

  /** Ids of stations that are simulated where this system is real, or real where it is simulated. */
  get mixed(): ReadonlySet<string> {
    return this.#mixed;
  }

  get(stationId: string): Published | undefined {
    return this.#stations.get(stationId);
  }

  /**
   * Takes what an earlier run published, in log order.
   * @param wanted false for what a selection leaves to others: only its place is kept
   */
  restore(record: RawRecord, partition: number, wanted: boolean, foreign: Foreign | null = null): void {
    const { stationId, observedAtMs } = record;
    const held = this.#stations.get(stationId);
    // A late retirement in a partition that the station has left says nothing about where it is now.
    if (record.retired) return this.#restoreRetired(stationId, partition);
    if (held !== undefined && held.observedAtMs > observedAtMs) return;
    if (held !== undefined) this.#forget(stationId, held);
    this.#stations.set(stationId, {
      key: stationKey(this.#system.systemId, stationId),
      numericId: servesNumericId(record.value, stationId),
      area: record.area,
      areaRule: record.areaRule,
      slot: this.#placeOf(stationId, record),
      partition,
      content: null,
      information: informationOf(record),
      observedAtMs,
      wanted,
      foreign,
    });
    if (wanted) this.#wanted += 1;
    if (record.simulated !== this.#system.simulated) this.#mixed.add(stationId);
  }

  /**
   * The slot of a record. Two collectors that gave slots away at one instant may have given one twice: the station whose id
   * sorts first keeps it, on both sides, and the other moves with its next record.
   */
  #placeOf(stationId: string, { area, slot, observedAtMs }: RawRecord): number {
    const holderId = slot === null ? undefined : this.slots.holderOf(area, slot);
    const holder = holderId === undefined ? undefined : this.#stations.get(holderId);
    if (slot === null || holderId === undefined || holder === undefined)
      return this.slots.take(area, stationId, slot);
    if (holderId < stationId) {
      this.#disputes.lost(stationId);
      this.#disputes.kept(holderId, observedAtMs);
      return this.slots.take(area, stationId);
    }
    this.slots.release(area, slot);
    this.slots.take(area, stationId, slot);
    holder.slot = this.slots.take(area, holderId);
    this.#disputes.lost(holderId);
    this.#disputes.kept(stationId, holder.observedAtMs);
    return slot;
  }

  /** Whether what stands in the topic of a station is not what should stand there, though its content has not changed. */
  mustBePublishedAgain(stationId: string): boolean {
    if (this.foreign.isLate(stationId)) return true;
    const held = this.#stations.get(stationId);
    return held !== undefined && this.#disputes.concern(stationId, held.observedAtMs);
  }

  #restoreRetired(stationId: string, partition: number): void {
    const held = this.#stations.get(stationId);
    if (held !== undefined && held.partition === partition) this.#forget(stationId, held);
  }

  /** Takes a record that another collector has just written; null for a tombstone. */
  learn(
    stationId: string,
    record: RawRecord | null,
    partition: number,
    writer: OtherWriter,
    wanted: boolean,
  ): void {
    const held = this.#stations.get(stationId);
    if (record === null || record.retired) {
      if (held === undefined || held.partition !== partition) return;
      this.#forget(stationId, held);
      if (held.wanted) this.foreign.takenOut(stationId, writer);
      return;
    }
    if (held !== undefined && record.observedAtMs < held.observedAtMs) return this.foreign.late(stationId);
    this.foreign.settled(stationId);
    this.restore(record, partition, held?.wanted ?? wanted, { writer, digest: recordDigest(record.value) });
  }

  /** Takes what the log has acknowledged. */
  remember({ stationId, station }: Remembered): void {
    this.former.acknowledged(stationId);
    const held = this.#stations.get(stationId);
    if (station === null) {
      if (held !== undefined) this.#forget(stationId, held);
      return;
    }
    if (held !== undefined && held.area !== station.area) this.slots.release(held.area, held.slot);
    if (held === undefined || held.area !== station.area)
      this.slots.take(station.area, stationId, station.slot);
    this.#disputes.published(stationId, station.observedAtMs);
    this.#wanted += 1 - (held?.wanted === true ? 1 : 0);
    this.#mixed.delete(stationId);
    this.#stations.set(stationId, station);
  }

  #forget(stationId: string, held: Published): void {
    this.slots.release(held.area, held.slot);
    this.#disputes.forget(stationId);
    this.#stations.delete(stationId);
    this.#mixed.delete(stationId);
    if (held.wanted) this.#wanted -= 1;
  }
}
