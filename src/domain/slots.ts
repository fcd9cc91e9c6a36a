/**
 * Slots: each station's place inside its area, the smallest free one, kept for life. They let a SQL engine keep
 * "latest per station" as a fixed set of columns (DESIGN.md section 2, docs/contracts.md).
 */

/** The taken slots of every area, and whose they are. */
export class Slots {
  readonly #areas = new Map<string, { taken: Map<number, string>; lowestMaybeFree: number }>();

  /**
   * Takes the smallest free slot of `area` for a station, or `wanted` when that one is free (a station keeps its place).
   */
  take(area: string, stationId: string, wanted: number | null = null): number {
    let slots = this.#areas.get(area);
    if (slots === undefined) {
      slots = { taken: new Map(), lowestMaybeFree: 0 };
      this.#areas.set(area, slots);
    }
    if (wanted !== null && !slots.taken.has(wanted)) {
      slots.taken.set(wanted, stationId);
      return wanted;
    }
    let slot = slots.lowestMaybeFree;
    while (slots.taken.has(slot)) slot += 1;
    slots.taken.set(slot, stationId);
    // Everything below is taken: an area of 100,000 stations must not be scanned once per station.
    slots.lowestMaybeFree = slot + 1;
    return slot;
  }

  /** Whose slot it is; undefined: it is free. */
  holderOf(area: string, slot: number): string | undefined {
    return this.#areas.get(area)?.taken.get(slot);
  }

  /** Gives a slot back. */
  release(area: string, slot: number): void {
    const slots = this.#areas.get(area);
    if (slots === undefined || !slots.taken.delete(slot)) return;
    if (slot < slots.lowestMaybeFree) slots.lowestMaybeFree = slot;
    if (slots.taken.size === 0) this.#areas.delete(area);
  }
}
