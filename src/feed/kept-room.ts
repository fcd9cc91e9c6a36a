/**
 * What all feeds together may keep of large files from poll to poll. What any real system keeps is small, and needs no
 * room: so feeds that keep much leave no room to each other, and to nobody else.
 *
 *   keep(whose, amount) ─▶ small ────────────────────▶ kept, not counted
 *                          large ─▶ fits with the rest ─▶ kept, in the place of what was kept under this name before
 *                              └──▶ does not ──────────▶ refused, and what was kept before stands
 */
export class KeptRoom {
  readonly #most: number;
  readonly #small: number;
  readonly #kept = new Map<object, Map<string, number>>();
  #sum = 0;

  /**
   * @param most that is kept of what is large, together
   * @param small up to here nothing is counted
   */
  constructor(most: number, small: number) {
    this.#most = most;
    this.#small = small;
  }

  /** @param feed whose it is, until `leave` */
  keep(feed: object, name: string, amount: number): boolean {
    const counted = amount <= this.#small ? 0 : amount;
    const before = this.#kept.get(feed)?.get(name) ?? 0;
    if (counted > before && this.#sum - before + counted > this.#most) return false;
    this.#sum += counted - before;
    if (counted === before) return true;
    const own = this.#kept.get(feed) ?? new Map<string, number>();
    if (counted === 0) own.delete(name);
    else own.set(name, counted);
    if (own.size === 0) this.#kept.delete(feed);
    else this.#kept.set(feed, own);
    return true;
  }

  /** The feed keeps nothing any longer. */
  leave(feed: object): void {
    for (const amount of this.#kept.get(feed)?.values() ?? []) this.#sum -= amount;
    this.#kept.delete(feed);
  }
}
