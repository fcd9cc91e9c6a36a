/**
 * How stations travel to the map's worker: what changed since the last parcel, as one string, which goes over as a whole.
 * MapLibre's own diffs are copied on the main thread value by value; for 1,500 stations that takes half a frame. Pure.
 *
 *   live state ──pack: what the worker lacks──▶ string ──▶ unpack: all that is held, as features ──▶ the worker's index
 */
import type { Station } from "../../../src/http/api-types.ts";
import { isClosed, stationFeature, type StationFeature } from "./station-features.ts";

/** The scheme of the address under which the worker is asked for the stations. */
export const STATIONS_PROTOCOL = "velostream-stations";

type Counts = readonly [
  total: number,
  electric: number | null,
  mechanical: number | null,
  docks: number | null,
  capacity: number | null,
  closed: boolean,
];

interface Parcel {
  /** What was held before is forgotten. */
  readonly whole: boolean;
  /** New, or moved. */
  readonly placed: (readonly [key: string, system: string, lat: number, lon: number, ...Counts])[];
  /** Where it was, but with other counts. */
  readonly counted: (readonly [key: string, ...Counts])[];
  readonly gone: string[];
}

/** The main thread's end: knows what the worker holds. */
export class StationPacker {
  #sent = new Map<string, Station>();

  /** How many stations the worker holds. */
  get size(): number {
    return this.#sent.size;
  }

  /** Everything, whatever was sent before. */
  packAll(stations: ReadonlyMap<string, Station>): string {
    this.#sent = new Map();
    return JSON.stringify(this.#parcel(true, stations.keys(), stations));
  }

  /** What of `keys` the worker does not know yet; null when it knows all that the map shows of them. */
  pack(keys: Iterable<string>, stations: ReadonlyMap<string, Station>): string | null {
    const parcel = this.#parcel(false, keys, stations);
    const { placed, counted, gone } = parcel;
    return placed.length + counted.length + gone.length === 0 ? null : JSON.stringify(parcel);
  }

  #parcel(whole: boolean, keys: Iterable<string>, stations: ReadonlyMap<string, Station>): Parcel {
    const parcel: Parcel = { whole, placed: [], counted: [], gone: [] };
    for (const key of keys) {
      const station = stations.get(key);
      const before = this.#sent.get(key);
      if (station === undefined || station.lat === null || station.lon === null) {
        if (this.#sent.delete(key)) parcel.gone.push(key);
        continue;
      }
      this.#sent.set(key, station);
      const { system_id: system, lat, lon } = station;
      if (before === undefined || before.lat !== lat || before.lon !== lon || before.system_id !== system)
        parcel.placed.push([key, system, lat, lon, ...countsOf(station)]);
      else if (!sameCounts(before, station)) parcel.counted.push([key, ...countsOf(station)]);
    }
    return parcel;
  }
}

function countsOf(station: Station): Counts {
  const { nbr_total: total, nbr_elec: electric, nbr_meca: mechanical, nbr_docks: docks, capacity } = station;
  return [total, electric, mechanical, docks, capacity, isClosed(station)];
}

function sameCounts(a: Station, b: Station): boolean {
  return (
    a.nbr_total === b.nbr_total &&
    a.nbr_elec === b.nbr_elec &&
    a.nbr_meca === b.nbr_meca &&
    a.nbr_docks === b.nbr_docks &&
    a.capacity === b.capacity &&
    isClosed(a) === isClosed(b)
  );
}

/** The worker's end: holds what was sent. */
export class UnpackedStations {
  readonly #features = new Map<string, StationFeature>();

  /** Takes a parcel in; all stations as they are now. */
  take(packed: string): StationFeature[] {
    const { whole, placed, counted, gone } = JSON.parse(packed) as Parcel;
    if (whole) this.#features.clear();
    for (const key of gone) this.#features.delete(key);
    for (const [key, system, lat, lon, ...counts] of placed)
      this.#features.set(key, featureOf(key, system, [lon, lat], counts));
    for (const [key, ...counts] of counted) {
      const held = this.#features.get(key);
      if (held === undefined) continue;
      this.#features.set(key, featureOf(key, held.properties.system, held.geometry.coordinates, counts));
    }
    return [...this.#features.values()];
  }
}

function featureOf(
  key: string,
  system: string,
  place: readonly number[],
  [total, electric, mechanical, docks, capacity, closed]: Counts,
): StationFeature {
  return stationFeature({ key, system, place, total, electric, mechanical, docks, capacity, closed });
}
