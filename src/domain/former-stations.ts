/**
 * Where a system's stations stand in the raw topic under keys of old (version 0.1.0): whoever first writes a station
 * under its own key takes the old one away.
 *
 *   restored under an old key ──▶ noted ──published or retired──▶ tombstone of the old key ──acknowledged──▶ (none)
 *
 * Cut after any record, what compaction leaves of a station is its newest: so the old key's tombstone comes behind the
 * record under its own key, and before that one's tombstone.
 */
import { parseStationKey, stationKey } from "../record/keys.ts";
import type { PlannedRecord } from "./collection-plan.ts";

interface Place {
  readonly key: string;
  readonly partition: number;
}

export class FormerStations {
  readonly #systemId: string;
  readonly #heldIn: (stationId: string) => number | undefined;
  /** By the own key of the station. */
  readonly #places = new Map<string, Place[]>();

  /** @param heldIn the partition where a station is published */
  constructor(systemId: string, heldIn: (stationId: string) => number | undefined) {
    this.#systemId = systemId;
    this.#heldIn = heldIn;
  }

  /** A record of the station was read there. */
  read(stationId: string, key: string, partition: number): void {
    const own = stationKey(this.#systemId, stationId);
    if (key === own) return;
    const places = this.#places.get(own) ?? [];
    this.#places.set(own, places);
    if (!places.some((place) => place.key === key && place.partition === partition))
      places.push({ key, partition });
  }

  /** The records of a plan, and among them the tombstones of the old keys of their stations. */
  clearedWith(planned: readonly PlannedRecord[]): readonly PlannedRecord[] {
    if (this.#places.size === 0) return planned;
    // Where the own key of one station is the old key of another, the other one's record goes first: its own is longer.
    const ordered = planned.toSorted((a, b) => b.key.length - a.key.length);
    const written = new Set(planned.map(({ key, partition }) => `${partition} ${key}`));
    const waiting = new Map<string, PlannedRecord[]>();
    for (const own of new Set(planned.map(({ key }) => key)))
      for (const { key, partition } of this.#places.get(own) ?? []) {
        if (written.has(`${partition} ${key}`) || this.#isOthers(key, partition)) continue;
        waiting.set(own, [...(waiting.get(own) ?? []), { key, value: null, partition }]);
      }
    const records: PlannedRecord[] = [];
    for (const record of ordered) {
      if (record.value === null) {
        records.push(...(waiting.get(record.key) ?? []));
        waiting.delete(record.key);
      }
      records.push(record);
    }
    return [...records, ...[...waiting.values()].flat()];
  }

  /** The log has what was written of the station. */
  acknowledged(stationId: string): void {
    if (this.#places.size > 0) this.#places.delete(stationKey(this.#systemId, stationId));
  }

  /** Whether a key is another station's own, which stands there. */
  #isOthers(key: string, partition: number): boolean {
    const other = parseStationKey(key);
    if (other?.systemId !== this.#systemId) return false;
    return this.#heldIn(other.stationId) === partition && !this.#places.has(key);
  }
}
