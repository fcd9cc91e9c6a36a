/** Turns the live view's objects into the API's JSON. */
import type { Delta } from "../domain/change-journal.ts";
import type { LiveArea } from "../domain/live-area.ts";
import type { LiveStation } from "../domain/live-station.ts";
import type { FieldValue } from "../record/fields.ts";
import type { StationField } from "../record/station-fields.ts";
import { OBSERVATION_FIELDS, PLACE_FIELDS } from "../record/station-parts.ts";
import { TOTALS_FIELDS } from "../record/totals-fields.ts";
import type { Area, DeltaEvent, Station, StationCounts } from "./api-types.ts";

/** What is served of some fields, by what the API calls it. */
function served(fields: readonly StationField[]): readonly (readonly [as: string, name: string])[] {
  return fields.flatMap(({ served: as, name }) => (as === undefined ? [] : [[as, name] as const]));
}

const OBSERVATION = served(OBSERVATION_FIELDS);
const PLACE = served(PLACE_FIELDS);
const TOTALS_NAMES = TOTALS_FIELDS.map(({ key, name }) => [key, name] as const);

type Values = Readonly<Record<string, FieldValue>>;

/** The part of a station that every change carries. */
function presentCounts(station: LiveStation): StationCounts {
  const values = station as unknown as Values;
  const counts: Record<string, FieldValue> = { key: station.place.key };
  for (const [as, name] of OBSERVATION) counts[as] = values[name] ?? null;
  return counts as unknown as StationCounts;
}

export function presentStation(station: LiveStation): Station {
  const values = station.place as unknown as Values;
  const all = presentCounts(station) as unknown as Record<string, FieldValue>;
  for (const [as, name] of PLACE) all[as] = values[name] ?? null;
  all["area_key"] = station.place.areaKey;
  return all as unknown as Station;
}

export function presentArea(area: LiveArea): Area {
  const values: Values = area.totals;
  const all: Record<string, FieldValue> = { key: area.key };
  for (const [as, name] of TOTALS_NAMES) all[as] = values[name] ?? null;
  const { stationsRenting, capacity, lat, lon } = area;
  return { ...(all as unknown as Area), stations_renting: stationsRenting, capacity, lat, lon };
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
