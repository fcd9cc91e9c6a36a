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

/** The totals of one thing, oldest first. */
export interface Trend {
  readonly length: number;
  readonly atMs: (index: number) => number;
  readonly total: (index: number) => number;
}

/** All points together; about 16 MB. */
const POINTS_IN_ALL = 400_000;
const MOST_POINTS_OF_ONE = 720;
const LEAST_POINTS_OF_ONE = 8;
/** Numbers of a point: when, total, electric, mechanical, docks. */
const WIDTH = 5;

/**
 * Points lie side by side as plain numbers, NaN where the feed does not say: as objects they would be what the browser's
 * garbage collector spends most on, 20 ms at a time after an hour.
 */
export class SeenHistory {
  readonly #numbers = new Map<string, number[]>();

  /** @param count how many things are recorded in all */
  record(key: string, seen: Seen, count: number): void {
    let numbers = this.#numbers.get(key);
    if (numbers === undefined) this.#numbers.set(key, (numbers = []));
    const { atMs, total } = seen;
    const [electric, mechanical, docks] = [seen.electric ?? NaN, seen.mechanical ?? NaN, seen.docks ?? NaN];
    const last = numbers.length - WIDTH;
    if (last >= 0) {
      const lastMs = numbers[last] ?? NaN;
      const same =
        numbers[last + 1] === total &&
        Object.is(numbers[last + 2], electric) &&
        Object.is(numbers[last + 3], mechanical) &&
        Object.is(numbers[last + 4], docks);
      if (same || atMs < lastMs) return;
      // Two sights of one instant are one: the later word counts.
      if (atMs === lastMs) numbers.length = last;
    }
    numbers.push(atMs, total, electric, mechanical, docks);
    const most = Math.max(
      LEAST_POINTS_OF_ONE,
      Math.min(MOST_POINTS_OF_ONE, Math.floor(POINTS_IN_ALL / count)),
    );
    const tooMany = numbers.length - most * WIDTH;
    if (tooMany > 0) numbers.splice(0, tooMany);
  }

  of(key: string): readonly Seen[] {
    const numbers = this.#numbers.get(key) ?? [];
    const points: Seen[] = [];
    for (let start = 0; start < numbers.length; start += WIDTH) {
      const [atMs = NaN, total = NaN, electric, mechanical, docks] = numbers.slice(start, start + WIDTH);
      points.push({
        atMs,
        total,
        electric: known(electric),
        mechanical: known(mechanical),
        docks: known(docks),
      });
    }
    return points;
  }

  trendOf(key: string): Trend {
    const numbers = this.#numbers.get(key) ?? [];
    return {
      length: numbers.length / WIDTH,
      atMs: (index) => numbers[index * WIDTH] ?? NaN,
      total: (index) => numbers[index * WIDTH + 1] ?? NaN,
    };
  }

  forget(key: string): void {
    this.#numbers.delete(key);
  }
}

function known(value: number | undefined): number | null {
  return value === undefined || Number.isNaN(value) ? null : value;
}
