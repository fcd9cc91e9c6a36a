/** Which rows lie in one file: those of one table, day and system; of many systems, those of one table and day. Pure. */
import { DAY_MS, dayOf } from "./layout.ts";

/**
 * Systems of a table and day that have files of their own. With more, a flush would write (and sync, and compact, and
 * name in the manifest) thousands of files of a few rows each: they share one.
 */
export const MOST_OWN_FILES = 8;

export interface RowGroup {
  readonly day: string;
  /** null where several share it. */
  readonly system: string | null;
  /** The first and the last system, as JavaScript sorts. */
  readonly systems: readonly [first: string, last: string];
  readonly rows: number;
  readonly epochs: readonly number[];
}

interface Counted {
  rows: number;
  readonly epochs: Set<number>;
}

/** Counts the rows of one table as they come. */
export class RowGroups {
  readonly #days = new Map<number, Map<string, Counted>>();

  add(system: string, epoch: number, atMs: number): void {
    const day = Math.floor(atMs / DAY_MS);
    let systems = this.#days.get(day);
    if (systems === undefined) this.#days.set(day, (systems = new Map()));
    let counted = systems.get(system);
    if (counted === undefined) systems.set(system, (counted = { rows: 0, epochs: new Set() }));
    counted.rows += 1;
    counted.epochs.add(epoch);
  }

  groups(): readonly RowGroup[] {
    return [...this.#days].flatMap(([number, systems]) => {
      const day = dayOf(number * DAY_MS);
      if (systems.size <= MOST_OWN_FILES)
        return [...systems].map(([system, { rows, epochs }]): RowGroup => {
          return { day, system, systems: [system, system], rows, epochs: [...epochs] };
        });
      const names = [...systems.keys()].sort();
      const all = [...systems.values()];
      return {
        day,
        system: null,
        systems: [names[0] ?? "", names.at(-1) ?? ""] as const,
        rows: all.reduce((sum, { rows }) => sum + rows, 0),
        epochs: [...new Set(all.flatMap(({ epochs }) => [...epochs]))],
      };
    });
  }
}
