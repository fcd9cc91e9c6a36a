/** What the log alone tells of each system: how much there is, how fresh it is, how often it changes. */
import type { LiveStation } from "./live-station.ts";
import type { RawRecord } from "../record/raw-record.ts";
import { SUMS, type Sums } from "../record/totals-fields.ts";
import type { Totals } from "../record/totals-record.ts";

/** Changes whose spacing is remembered; the median of them is the change period. */
const PERIODS_KEPT = 15;

/** A system as the log tells it. Live: the fields change under the reader. */
export interface LiveSystem {
  readonly systemId: string;
  readonly stations: number;
  readonly areas: number;
  /** Of the totals of its areas, by the table's names; null where no area knows. */
  readonly sums: Sums;
  /** Newest observation of any station, epoch ms; null when only totals were read. */
  readonly observedAtMs: number | null;
  /** Median time between the last observations that brought a change; null until two were seen. */
  readonly changePeriodMs: number | null;
  readonly simulated: boolean;
}

/** Of a system without areas. */
export const NO_SUMS = Object.fromEntries(
  SUMS.map(({ name, required }) => [name, required === true ? 0 : null]),
) as unknown as Sums;

class SystemState implements LiveSystem {
  readonly systemId: string;
  stations = 0;
  areas = 0;
  observedAtMs: number | null = null;
  changedAtMs = 0;
  simulated = false;
  sums: Sums = NO_SUMS;
  /** Areas that know each of the sums, in their order. */
  readonly known = SUMS.map(() => 0);
  readonly periodsMs: number[] = [];

  constructor(systemId: string) {
    this.systemId = systemId;
  }

  get changePeriodMs(): number | null {
    const sorted = this.periodsMs.toSorted((a, b) => a - b);
    return sorted[sorted.length >>> 1] ?? null;
  }
}

export class LiveSystems {
  readonly #systems = new Map<string, SystemState>();
  #measuring = false;

  /** From now on the time between changes is real time: the log was read up to its present. */
  measure(): void {
    this.#measuring = true;
  }

  get areaCount(): number {
    let areas = 0;
    for (const system of this.#systems.values()) areas += system.areas;
    return areas;
  }

  *values(): IterableIterator<LiveSystem> {
    for (const system of this.#systems.values()) if (system.stations + system.areas > 0) yield system;
  }

  /** A raw record was read, whatever it says. */
  observed(record: RawRecord): void {
    const system = this.#system(record.systemId);
    if (system.observedAtMs === null || record.observedAtMs >= system.observedAtMs) {
      system.observedAtMs = record.observedAtMs;
      system.simulated = record.simulated;
    }
  }

  entered(station: LiveStation): void {
    const system = this.#system(station.place.systemId);
    system.stations += 1;
    if (station.observedAtMs <= system.changedAtMs) return;
    if (this.#measuring && system.changedAtMs > 0) {
      system.periodsMs.push(station.observedAtMs - system.changedAtMs);
      if (system.periodsMs.length > PERIODS_KEPT) system.periodsMs.shift();
    }
    system.changedAtMs = station.observedAtMs;
  }

  left(station: LiveStation): void {
    this.#system(station.place.systemId).stations -= 1;
  }

  /** An area's totals changed from `before` to `after`; null: the area was, or is, not there. */
  totals(before: Totals | null, after: Totals | null): void {
    if (before !== null) share(this.#system(before.systemId), before, -1);
    if (after === null) return;
    const system = this.#system(after.systemId);
    share(system, after, 1);
    if (system.observedAtMs === null) system.simulated = after.simulated;
  }

  #system(systemId: string): SystemState {
    let system = this.#systems.get(systemId);
    if (system === undefined) this.#systems.set(systemId, (system = new SystemState(systemId)));
    return system;
  }
}

function share(system: SystemState, totals: Totals, sign: 1 | -1): void {
  system.areas += sign;
  const sums: Record<string, number | null> = { ...system.sums };
  SUMS.forEach(({ name, required }, place) => {
    const value = totals[name];
    if (value === null) return;
    const known = (system.known[place] ?? 0) + sign;
    system.known[place] = known;
    sums[name] = known > 0 || required === true ? (sums[name] ?? 0) + sign * value : null;
  });
  system.sums = sums as unknown as Sums;
}
