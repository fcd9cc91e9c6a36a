/**
 * Slots that two collectors gave to two stations at the same instant. A reader that keeps one record a slot (Spark) has only
 * the newer of both until each is published again: one of them in another slot, the other behind all that the first has
 * left in this one (issue 14). Pure.
 */
export class SlotDisputes {
  /** Stations whose newest record names a slot that is not theirs. */
  readonly #displaced = new Set<string>();
  /** By station that keeps its slot: observation time of another's record there, epoch ms, which its own must pass. */
  readonly #overlaidAtMs = new Map<string, number>();

  /** The station must move. */
  lost(stationId: string): void {
    this.#displaced.add(stationId);
  }

  /** The station keeps its slot, in which another's record of this time stands. */
  kept(stationId: string, otherObservedAtMs: number): void {
    const before = this.#overlaidAtMs.get(stationId) ?? -Infinity;
    this.#overlaidAtMs.set(stationId, Math.max(before, otherObservedAtMs));
  }

  /** Whether a station whose newest record is of this time must be published again. */
  concern(stationId: string, observedAtMs: number): boolean {
    if (this.#displaced.size > 0 && this.#displaced.has(stationId)) return true;
    return this.#overlaidAtMs.size > 0 && (this.#overlaidAtMs.get(stationId) ?? -Infinity) >= observedAtMs;
  }

  /** A record of this time is in the topic, with the station's slot. */
  published(stationId: string, observedAtMs: number): void {
    this.#displaced.delete(stationId);
    if ((this.#overlaidAtMs.get(stationId) ?? Infinity) < observedAtMs) this.#overlaidAtMs.delete(stationId);
  }

  forget(stationId: string): void {
    this.#displaced.delete(stationId);
    this.#overlaidAtMs.delete(stationId);
  }
}
