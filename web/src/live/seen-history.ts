/**
 * What the page has seen of each area and station since it was opened: the trend lines, and the history chart where
 * the server keeps no archive. Bounded: the longer the list of things, the fewer points of each.
 */

/** One observation; null where the feed does not say. */
export interface Seen {
  readonly atMs: number;
  readonly total: number;
  readonly electric: number | null;
  readonly mechanical: number | null;
  readonly docks: number | null;
}

/** All points together; about 40 MB at worst. */
const POINTS_IN_ALL = 400_000;
const MOST_POINTS_OF_ONE = 720;
const LEAST_POINTS_OF_ONE = 8;

export class SeenHistory {
  readonly #points = new Map<string, Seen[]>();

  /** @param count how many things are recorded in all */
  record(key: string, seen: Seen, count: number): void {
    let points = this.#points.get(key);
    if (points === undefined) this.#points.set(key, (points = []));
    const last = points.at(-1);
    if (last !== undefined) {
      if (sameCounts(last, seen) || seen.atMs < last.atMs) return;
      // Two sights of one instant are one: the later word counts.
      if (seen.atMs === last.atMs) points.pop();
    }
    points.push(seen);
    const most = Math.max(
      LEAST_POINTS_OF_ONE,
      Math.min(MOST_POINTS_OF_ONE, Math.floor(POINTS_IN_ALL / count)),
    );
    if (points.length > most) points.splice(0, points.length - most);
  }

  of(key: string): readonly Seen[] {
    return this.#points.get(key) ?? [];
  }

  forget(key: string): void {
    this.#points.delete(key);
  }
}

function sameCounts(a: Seen, b: Seen): boolean {
  return (
    a.total === b.total && a.electric === b.electric && a.mechanical === b.mechanical && a.docks === b.docks
  );
}
