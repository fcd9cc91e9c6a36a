/**
 * The aggregate: the latest observation of every station, and per area their sum, kept by subtract and add.
 *
 *   observation ──▶ older than what is held? ──yes──▶ dropped
 *                        │ no
 *                        ▼
 *        subtract the station's old share from its old area, add the new share to its new area
 *                        │
 *                        ▼
 *        drain(): each touched area once, only if its totals differ from the last drained ones
 *
 * Invariant (test/property/area-totals.test.ts): at any instant an area's totals equal a recount of its stations.
 */
import { copy, differ, nothing, replace, share, sumAt, type Sums } from "./area-sums.ts";
import { CountBlocks, COUNTS, putCounts, type Counted } from "../record/counts.ts";
import { blankOf, type FieldValue } from "../record/fields.ts";
import { SUMMED } from "../record/station-parts.ts";
import { SUMS, TOTALS_FIELDS } from "../record/totals-fields.ts";
import { supersedes } from "../record/observation-order.ts";
import type { Observation, Share } from "../record/raw-record.ts";
import { type Totals } from "../record/totals-record.ts";
import { FormerKeys } from "../record/former-keys.ts";
import { areaKey, areasNamed, plainAreaKey, stationKey } from "../record/keys.ts";

/** One area whose totals changed: its new totals, or null when no station is left. */
export interface TotalsChange {
  readonly key: string;
  /** Its plain form: what decides the partition. */
  readonly plainKey: string;
  readonly systemId: string;
  readonly totals: Totals | null;
  /** Where no station is left: when the last one went, epoch ms; null when that is not known. */
  readonly emptiedAtMs: number | null;
}

interface Station extends Counted {
  area: Area;
  observedAtMs: number;
  retired: boolean;
}

interface Area extends Sums {
  readonly key: string;
  readonly systemId: string;
  readonly area: string;
  simulated: boolean;
  asOfMs: number;
  emptiedAtMs: number | null;
  touched: boolean;
  /** Emptied and drained: only retired stations still point here. */
  detached: boolean;
  /** The sums at the last drain; null when the area was not published. */
  drained: Sums | null;
}

export class AreaTotals {
  readonly #stations = new Map<string, Station>();
  readonly #areas = new Map<string, Area>();
  readonly #formerKeys = new FormerKeys();
  /** The own keys of areas by their plain ones, where the two differ: records played back may name these. */
  readonly #ownKeys = new Map<string, string>();
  readonly #blocks = new CountBlocks();
  /** What `apply` was told, for a moment. */
  readonly #share: { -readonly [K in keyof Share]: Share[K] } = {
    systemId: "",
    area: "",
    counts: new Float64Array(COUNTS),
    at: 0,
    observedAtMs: 0,
    retired: false,
    simulated: false,
  };
  #touched: Area[] = [];

  /** Stations held, retired ones included until their tombstone. */
  get stationCount(): number {
    return this.#stations.size;
  }

  get areaCount(): number {
    return this.#areas.size;
  }

  /** Whether an area is held whose key version 0.1.0 wrote otherwise. */
  get hasFormerAreaKeys(): boolean {
    return this.#ownKeys.size > 0;
  }

  /**
   * Takes one observation; false when a newer one of the same station is held already.
   * @param readUnder the key of its record. @default the station's own
   */
  apply(observation: Observation, readUnder: string | null = null): boolean {
    const key = stationKey(observation.systemId, observation.stationId);
    this.#formerKeys.read(key, readUnder ?? key);
    const share = this.#share;
    putCounts(observation, share.counts);
    share.systemId = observation.systemId;
    share.area = observation.area;
    share.observedAtMs = observation.observedAtMs;
    share.retired = observation.retired;
    share.simulated = observation.simulated;
    return this.#apply(key, share);
  }

  /** As `apply`, where the station's own key is at hand. Keeps nothing of `observation` itself. */
  applyShare(key: string, observation: Share): boolean {
    this.#formerKeys.read(key, key);
    return this.#apply(key, observation);
  }

  #apply(key: string, observation: Share): boolean {
    const held = this.#stations.get(key);
    if (held === undefined) {
      const area = this.#area(observation);
      const { counts, at } = this.#blocks.take();
      const { observedAtMs, retired } = observation;
      const station: Station = { area, counts, at, observedAtMs, retired };
      take(station, observation);
      this.#stations.set(key, station);
      this.#enter(station, false);
      return true;
    }
    if (!supersedes(observation, held, held.area.area)) return false;
    const stays = !held.retired && !held.area.detached && held.area.area === observation.area;
    if (stays && !observation.retired) {
      this.#replace(held, observation);
      return true;
    }
    this.#leave(held, observation.observedAtMs);
    if (held.area.detached || held.area.area !== observation.area) held.area = this.#area(observation);
    take(held, observation);
    held.observedAtMs = observation.observedAtMs;
    held.retired = observation.retired;
    held.area.simulated = observation.simulated;
    this.#enter(held, stays);
    return true;
  }

  /** What nearly every observation is: another one of a station that stays where it is. */
  #replace(held: Station, observation: Share): void {
    const { area } = held;
    replace(area, held, observation);
    held.observedAtMs = observation.observedAtMs;
    area.simulated = observation.simulated;
    if (observation.observedAtMs > area.asOfMs) area.asOfMs = observation.observedAtMs;
    this.#touch(area);
  }

  /** A tombstone, written at `atMs`: the station that stands under `key` is gone. False when none does. */
  remove(readUnder: string, atMs: number): boolean {
    const key = this.#formerKeys.at(readUnder);
    const held = key === null ? undefined : this.#stations.get(key);
    if (key === null || held === undefined) return false;
    this.#leave(held, atMs);
    this.#stations.delete(key);
    this.#blocks.giveBack(held);
    return true;
  }

  /** The areas whose totals differ from the last drain, each once, in the order they were first touched. */
  drain(): TotalsChange[] {
    const changes: TotalsChange[] = [];
    for (const area of this.#touched) {
      area.touched = false;
      if (area.detached) continue;
      if (area.stations === 0) {
        const { drained } = area;
        const change = this.#detach(area);
        if (drained !== null) changes.push(change);
      } else if (area.drained === null || differ(area, area.drained)) {
        changes.push(drainedNow(area));
      }
    }
    this.#touched = [];
    return changes;
  }

  /** One area's totals as they are now, changed or not; its next drain tells what changed since. */
  drainArea(key: string): TotalsChange {
    const area = this.#areas.get(key) ?? this.#areas.get(this.#ownKeys.get(key) ?? "");
    if (area === undefined) return goneArea(key);
    return area.stations === 0 ? this.#detach(area) : drainedNow(area);
  }

  /** Every area is drained again at the next drain, changed or not: what was published is not known for sure. */
  forgetDrained(): void {
    for (const area of this.#areas.values()) {
      // A published area that emptied meanwhile must still get its tombstone, hence a value that never compares equal.
      area.drained = { ...copy(area), stations: -1 };
      this.#touch(area);
    }
  }

  /** The totals now, by key: for snapshots and tests. */
  *totals(): IterableIterator<readonly [string, Totals]> {
    for (const area of this.#areas.values()) if (area.stations > 0) yield [area.key, totalsOf(area)];
  }

  #area(observation: Share): Area {
    const { systemId, area: name } = observation;
    const key = areaKey(systemId, name);
    let area = this.#areas.get(key);
    if (area === undefined) {
      area = {
        key,
        systemId,
        area: name,
        simulated: observation.simulated,
        asOfMs: 0,
        emptiedAtMs: null,
        touched: false,
        detached: false,
        drained: null,
        ...nothing(),
      };
      this.#areas.set(key, area);
      const plainKey = plainAreaKey(systemId, name);
      if (plainKey !== key) this.#ownKeys.set(plainKey, key);
    }
    return area;
  }

  #touch(area: Area): void {
    if (area.touched || area.detached) return;
    area.touched = true;
    this.#touched.push(area);
  }

  #enter(station: Station, stays: boolean): void {
    const area = station.area;
    // An area that was empty begins anew, whether that was drained in between or not: batches must make no difference.
    const begins = area.stations === 0 && !stays && !station.retired;
    if (begins || station.observedAtMs > area.asOfMs) area.asOfMs = station.observedAtMs;
    if (!station.retired) share(area, station, 1);
    this.#touch(area);
  }

  #leave(station: Station, atMs: number): void {
    const { area } = station;
    if (!station.retired) share(area, station, -1);
    if (!station.retired && area.stations === 0) area.emptiedAtMs = atMs;
    this.#touch(area);
  }

  #detach(area: Area): TotalsChange {
    this.#areas.delete(area.key);
    area.detached = true;
    area.drained = null;
    return { ...namesOf(area), totals: null, emptiedAtMs: area.emptiedAtMs };
  }
}

/** An area of which nothing is known but that totals were published under `key`. */
export function goneArea(key: string): TotalsChange {
  const { systemId = "", area = key } = areasNamed(key).next().value ?? {};
  return { key, plainKey: plainAreaKey(systemId, area), systemId, totals: null, emptiedAtMs: null };
}

function namesOf({ key, systemId, area }: Area): Pick<TotalsChange, "key" | "plainKey" | "systemId"> {
  return { key, plainKey: plainAreaKey(systemId, area), systemId };
}

function drainedNow(area: Area): TotalsChange {
  area.drained = copy(area);
  return { ...namesOf(area), totals: totalsOf(area), emptiedAtMs: null };
}

function totalsOf(area: Area): Totals {
  const { systemId, area: name, stations, asOfMs, withoutSplit: stationsWithoutSplit, simulated } = area;
  const totals: Record<string, FieldValue> = {
    ...BLANK,
    systemId,
    area: name,
    stations,
    asOfMs,
    stationsWithoutSplit,
    simulated,
  };
  for (const { name: sum, place, required } of SUM_PLACES)
    totals[sum] = required ? (area.sums[place] ?? 0) : sumAt(area, place);
  return totals as unknown as Totals;
}

const BLANK = blankOf(TOTALS_FIELDS.map(({ name }) => name));
const SUM_PLACES = SUMS.map(({ name, sumOf, required = false }) => ({
  name,
  place: SUMMED.indexOf(sumOf),
  required,
}));

/** The counts of an observation to the station's own place. */
function take({ counts, at }: Counted, from: Counted): void {
  for (let i = 0; i < COUNTS; i += 1) counts[at + i] = from.counts[from.at + i] as number;
}
