/** Stations as map features: per measure a share of the capacity (for colour), the counts, a size. Pure. */
import type { Feature, Point } from "geojson";
import type { Station } from "../../../src/http/api-types.ts";

/** What the map's style reads; short names, since every station carries them to the worker. */
export interface StationProperties {
  readonly key: string;
  /** Counts; 0 where unknown, and then the share is -1. */
  readonly total: number;
  readonly electric: number;
  readonly mechanical: number;
  readonly docks: number;
  /** From 0 to 1; -1: unknown. */
  readonly totalShare: number;
  readonly electricShare: number;
  readonly mechanicalShare: number;
  readonly docksShare: number;
  /** Docks, for the size, and for shares of clusters. */
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
  const held = total + (nbr_docks ?? 0);
  // Feeds overfill stations and forget capacities: the share never exceeds the whole.
  const capacity = Math.max(station.capacity ?? 0, held);
  const share = (count: number | null): number =>
    count === null || capacity === 0 ? -1 : Math.round((1000 * count) / capacity) / 1000;
  const closed = station.is_installed === false || station.is_renting === false;
  return {
    key: station.key,
    total,
    electric: nbr_elec ?? 0,
    mechanical: nbr_meca ?? 0,
    docks: nbr_docks ?? 0,
    totalShare: share(total),
    electricShare: share(nbr_elec),
    mechanicalShare: share(nbr_meca),
    docksShare: share(nbr_docks),
    capacity,
    closed: closed ? 1 : 0,
  };
}
