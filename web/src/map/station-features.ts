/** Stations as map features: the counts, a size, whether they can be used. Pure. */
import type { Feature, Point } from "geojson";
import type { Station } from "../../../src/http/api-types.ts";

/** What the map shows of a station, as the feed says it. */
export interface MapStation {
  readonly key: string;
  readonly system: string;
  /** Longitude, latitude. */
  readonly place: readonly number[];
  readonly total: number;
  /** Null: the feed does not say. */
  readonly electric: number | null;
  readonly mechanical: number | null;
  readonly docks: number | null;
  readonly capacity: number | null;
  /** Cannot be used now. */
  readonly closed: boolean;
}

/** What the map's style reads. */
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

export function stationFeature({ place, closed, ...station }: MapStation): StationFeature {
  return {
    type: "Feature",
    id: station.key,
    geometry: { type: "Point", coordinates: [...place] },
    properties: {
      ...station,
      // Feeds overfill stations and forget capacities: the share never exceeds the whole.
      capacity: Math.max(station.capacity ?? 0, station.total + (station.docks ?? 0)),
      closed: closed ? 1 : 0,
    },
  };
}

export function isClosed({ is_installed, is_renting }: Station): boolean {
  return is_installed === false || is_renting === false;
}
