/**
 * Which things stand in the log under another key than their own: what version 0.1.0 wrote of those with a `:` or `%` in
 * their names. Old and new keys name one thing, and the tombstone of a key takes away only what stands under it:
 *
 *   read under its plain key ──▶ former ──read under its own──▶ own ──tombstone of the plain key──▶ own, untouched
 *                                  └─tombstone of the plain key──▶ gone
 */
export class FormerKeys {
  /** By the key that it stands under: its own. */
  readonly #ownOf = new Map<string, string>();
  /** By its own key: the one that it stands under. */
  readonly #formerOf = new Map<string, string>();

  /** A record of the thing whose key is `own` was read under `key`. */
  read(own: string, key: string): void {
    if (own !== key) {
      this.#formerOf.set(own, key);
      this.#ownOf.set(key, own);
      return;
    }
    if (this.#formerOf.size === 0) return;
    const former = this.#formerOf.get(own);
    if (former !== undefined) this.#forget(own, former);
    // Another thing stood under this very key; its record is overwritten.
    const other = this.#ownOf.get(key);
    if (other !== undefined) this.#forget(other, key);
  }

  /** The own key of what stands under `key`: what a tombstone of it takes away. Null when that stands elsewhere. */
  at(key: string): string | null {
    return this.#ownOf.get(key) ?? (this.#formerOf.has(key) ? null : key);
  }

  /** Whether something stands under `key` whose own key is another. */
  has(key: string): boolean {
    return this.#ownOf.has(key);
  }

  #forget(own: string, former: string): void {
    this.#formerOf.delete(own);
    if (this.#ownOf.get(former) === own) this.#ownOf.delete(former);
  }
}
