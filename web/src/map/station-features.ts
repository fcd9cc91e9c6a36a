/** Stations as map features: the counts, a size, whether they can be used. Pure. */
import type { Feature, Point } from "geojson";
import type { Station } from "../../../src/http/api-types.ts";

/**
 * What the map's style reads. As little as can be: every change of every station travels to the worker as these, and
 * MapLibre copies them one by one on the main thread.
 */
export interface StationProperties {
  readonly key: string;
  /** system_id. */
  readonly system: string;
  readonly total: number;
  /** Null: the feed does not say. */
  readonly electric: number | null;
  readonly mechanical: number | null;
  readonly docks: number | null;
  /** Docks, for the size, and for shares; never less than what the station holds. */
  readonly capacity: number;
  /** 1: cannot be used now. */
  readonly closed: 0 | 1;
}

export type StationFeature = Feature<Point, StationProperties> & { readonly id: string };

/** Null: the station has no place on a map. */
export function stationFeature(station: Station): StationFeature | null {
  const { lat, lon, key } = station;
  if (lat === null || lon === null) return null;
  return {
    type: "Feature",
    id: key,
    geometry: { type: "Point", coordinates: [lon, lat] },
    properties: stationProperties(station),
  };
}

export function stationProperties(station: Station): StationProperties {
  const { nbr_total: total, nbr_elec, nbr_meca, nbr_docks } = station;
  // Feeds overfill stations and forget capacities: the share never exceeds the whole.
  const capacity = Math.max(station.capacity ?? 0, total + (nbr_docks ?? 0));
  const closed = station.is_installed === false || station.is_renting === false;
  return {
    key: station.key,
    system: station.system_id,
    total,
    electric: nbr_elec,
    mechanical: nbr_meca,
    docks: nbr_docks,
    capacity,
    closed: closed ? 1 : 0,
  };
}
