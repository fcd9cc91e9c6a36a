/**
 * Tells copies that are served in turn from a city that moves: with two replicas behind one address, most of what
 * changed from one content to the next is as it was a moment ago.
 *
 *   one copy:   a ─▶ b ─▶ c ─▶ d         a station returns now and then, by chance
 *   two copies: c ─▶ b ─▶ d ─▶ c ─▶ e    what changes are the same stations, back and forth, whatever each copy's delay
 */

/** Contents that a station may return to. */
const CONTENTS_KEPT = 5;
/** Changes that are looked at together. */
const CHANGES_KEPT = 12;
/** This share of what changed, of so many stations, returning at once is no chance … */
const RETURN_SHARE = 0.6;
const RETURN_STATIONS = 2;
/** … when it happens this often, to so many stations in all. At night two of two return by chance. */
const RETURNS = 4;
const RETURNED_STATIONS = 16;
/** A whole content that was there before, this often: what a sensor that flaps does for a few changes, and no more. */
const SAME_AGAIN = 8;

interface Change {
  /** Stations that returned together; 0 when it is no such return. */
  readonly returned: number;
  readonly sameAgain: boolean;
}

export class ReturningContent {
  /** Sorted digests of stations, by content, newest last. */
  #contents: Uint32Array[] = [];
  #changes: Change[] = [];

  /**
   * Takes a content that differs from the one before.
   * @param stations a digest of each station, its id and counts; sorted in place
   * @returns true when copies alternate
   */
  changed(stations: Uint32Array): boolean {
    stations.sort();
    const before = this.#contents.at(-1);
    const earlier = this.#contents.slice(0, -1);
    if (before !== undefined) {
      const fresh = without(stations, before);
      const returned = fresh.filter((digest) => earlier.some((content) => has(content, digest))).length;
      const together = fresh.length >= RETURN_STATIONS && returned >= fresh.length * RETURN_SHARE;
      const sameAgain = earlier.some((content) => isSame(content, stations));
      this.#changes.push({ returned: together ? returned : 0, sameAgain });
      if (this.#changes.length > CHANGES_KEPT) this.#changes.shift();
    }
    this.#contents.push(stations);
    if (this.#contents.length > CONTENTS_KEPT) this.#contents.shift();
    const returns = this.#changes.filter(({ returned }) => returned > 0);
    const total = returns.reduce((sum, { returned }) => sum + returned, 0);
    return (
      (returns.length >= RETURNS && total >= RETURNED_STATIONS) ||
      this.#changes.filter(({ sameAgain }) => sameAgain).length >= SAME_AGAIN
    );
  }
}

/** What of `a` is not in `b`; both sorted. */
function without(a: Uint32Array, b: Uint32Array): Uint32Array {
  const rest: number[] = [];
  let at = 0;
  for (const value of a) {
    while (at < b.length && (b[at] ?? 0) < value) at += 1;
    if (b[at] !== value) rest.push(value);
  }
  return Uint32Array.from(rest);
}

function has(sorted: Uint32Array, value: number): boolean {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return sorted[low] === value;
}

function isSame(a: Uint32Array, b: Uint32Array): boolean {
  return a.length === b.length && a.every((value, index) => value === b[index]);
}
