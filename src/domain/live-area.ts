/**
 * One area as the live view holds it: the totals as published, and what its stations add (how many rent, capacity,
 * where a label goes), kept by subtract and add.
 */
import { isClosed, type LiveStation } from "./live-station.ts";
import type { Totals } from "../record/totals-record.ts";
import { TOTALS_FIELDS } from "../record/totals-fields.ts";

/** An area at one moment; never changed, only replaced. */
export interface LiveArea {
  readonly key: string;
  readonly totals: Totals;
  readonly stationsRenting: number;
  /** Sum over the stations that say; null when none does. */
  readonly capacity: number | null;
  /** Mean of the stations' positions; null when none has one. */
  readonly lat: number | null;
  readonly lon: number | null;
}

/** Positions are summed in millionths of a degree: whole numbers, so that subtracting undoes adding exactly. */
const MICRODEGREES = 1e6;

/** The changing state behind a LiveArea. */
export class AreaState {
  readonly key: string;
  totals: Totals | null = null;
  /** As of the last commit. */
  published: LiveArea | null = null;
  touched = false;
  /** Keys of the stations that are here now. */
  readonly stationKeys = new Set<string>();
  #closed = 0;
  #capacity = 0;
  #capacityKnown = 0;
  #positioned = 0;
  #latMicrodegrees = 0;
  #lonMicrodegrees = 0;

  constructor(key: string) {
    this.key = key;
  }

  enter(station: LiveStation): void {
    this.stationKeys.add(station.place.key);
    this.#share(station, 1);
  }

  leave(station: LiveStation): void {
    this.stationKeys.delete(station.place.key);
    this.#share(station, -1);
  }

  /** What to publish now: the published object itself when nothing differs, null when the area has no totals. */
  snapshot(): LiveArea | null {
    if (this.totals === null) return null;
    const next: LiveArea = {
      key: this.key,
      totals: this.totals,
      stationsRenting: this.stationKeys.size - this.#closed,
      capacity: this.#capacityKnown > 0 ? this.#capacity : null,
      lat: this.#mean(this.#latMicrodegrees),
      lon: this.#mean(this.#lonMicrodegrees),
    };
    const held = this.published;
    return held !== null && sameArea(held, next) ? held : next;
  }

  #mean(microdegrees: number): number | null {
    return this.#positioned > 0 ? Math.round(microdegrees / this.#positioned) / MICRODEGREES : null;
  }

  #share(station: LiveStation, sign: 1 | -1): void {
    const { capacity, lat, lon } = station.place;
    if (isClosed(station)) this.#closed += sign;
    if (capacity !== null) {
      this.#capacity += sign * capacity;
      this.#capacityKnown += sign;
    }
    if (lat !== null && lon !== null) {
      this.#positioned += sign;
      this.#latMicrodegrees += sign * Math.round(lat * MICRODEGREES);
      this.#lonMicrodegrees += sign * Math.round(lon * MICRODEGREES);
    }
  }
}

function sameArea(a: LiveArea, b: LiveArea): boolean {
  return (
    a.stationsRenting === b.stationsRenting &&
    a.capacity === b.capacity &&
    a.lat === b.lat &&
    a.lon === b.lon &&
    (a.totals === b.totals || sameTotals(a.totals, b.totals))
  );
}

function sameTotals(a: Totals, b: Totals): boolean {
  return NAMES.every((name) => a[name] === b[name]);
}

const NAMES = TOTALS_FIELDS.map(({ name }) => name) as readonly (keyof Totals)[];
