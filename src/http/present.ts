/** Turns the live view's objects into the API's JSON. */
import type { Delta } from "../domain/change-journal.ts";
import type { LiveArea } from "../domain/live-area.ts";
import type { LiveStation } from "../domain/live-station.ts";
import type { Area, DeltaEvent, Station, StationCounts } from "./api-types.ts";

/** The part of a station that every change carries. */
function presentCounts(station: LiveStation): StationCounts {
  return {
    key: station.place.key,
    nbr_total: station.total,
    nbr_elec: station.electric,
    nbr_meca: station.mechanical,
    nbr_docks: station.docks,
    is_installed: station.isInstalled,
    is_renting: station.isRenting,
    is_returning: station.isReturning,
    last_reported: station.lastReportedMs,
    observed_at: station.observedAtMs,
  };
}

export function presentStation(station: LiveStation): Station {
  const { place } = station;
  return {
    ...presentCounts(station),
    system_id: place.systemId,
    station_id: place.stationId,
    station_code: place.stationCode,
    name: place.name,
    lat: place.lat,
    lon: place.lon,
    capacity: place.capacity,
    postcode: place.area,
    area_key: place.areaKey,
    area_rule: place.areaRule,
    simulated: place.simulated,
  };
}

export function presentArea(area: LiveArea): Area {
  const { totals } = area;
  return {
    key: area.key,
    system_id: totals.systemId,
    postcode: totals.area,
    nbr_total: totals.total,
    nbr_elec: totals.electric,
    nbr_meca: totals.mechanical,
    docks: totals.docks,
    stations: totals.stations,
    stations_without_split: totals.stationsWithoutSplit,
    stations_renting: area.stationsRenting,
    capacity: area.capacity,
    lat: area.lat,
    lon: area.lon,
    as_of: totals.asOfMs,
    simulated: totals.simulated,
  };
}

/** What of the view one stream carries. */
export interface StreamFilter {
  /** null: every system. */
  readonly systemId: string | null;
  readonly areas: boolean;
  readonly stations: boolean;
}

/** The part of a delta that a stream carries; null when there is none. */
export function presentDelta(delta: Delta, filter: StreamFilter): DeltaEvent | null {
  const hasArea = (area: LiveArea): boolean =>
    filter.areas && (filter.systemId === null || area.totals.systemId === filter.systemId);
  const hasStation = (station: LiveStation): boolean =>
    filter.stations && (filter.systemId === null || station.place.systemId === filter.systemId);
  const event: DeltaEvent = {
    areas: delta.areas.filter(hasArea).map(presentArea),
    areas_removed: delta.areasRemoved.filter(hasArea).map((area) => area.key),
    stations: delta.stations
      .filter(({ station }) => hasStation(station))
      .map(({ station, placed }) => (placed ? presentStation(station) : presentCounts(station))),
    stations_removed: delta.stationsRemoved.filter(hasStation).map((station) => station.place.key),
  };
  const empty =
    event.areas.length +
      event.areas_removed.length +
      event.stations.length +
      event.stations_removed.length ===
    0;
  return empty ? null : event;
}
