/** Which topic each thing has at an MQTT broker, and what is said there (docs/mqtt.md). */
import type { LiveArea } from "../../../domain/live-area.ts";
import type { LiveStation } from "../../../domain/live-station.ts";
import type { LiveSystem } from "../../../domain/live-system.ts";

/** A level of a topic: nothing in it may be a separator or a wildcard. */
export function level(text: string): string {
  return text.replaceAll(/[%/+#\p{Cc}]/gu, (one) => encodeURIComponent(one));
}

export function areaTopic(prefix: string, { totals }: LiveArea): string {
  return `${prefix}/${level(totals.systemId)}/area/${level(totals.area)}`;
}

export function stationTopic(prefix: string, { place }: LiveStation): string {
  return `${prefix}/${level(place.systemId)}/station/${level(place.stationId)}`;
}

export function systemTopic(prefix: string, systemId: string): string {
  return `${prefix}/${level(systemId)}/system`;
}

export function areaMessage({ totals, stationsRenting, lat, lon }: LiveArea): string {
  return JSON.stringify({
    postcode: totals.area,
    nbr_total: totals.total,
    nbr_elec: totals.electric,
    nbr_meca: totals.mechanical,
    system_id: totals.systemId,
    stations: totals.stations,
    stations_renting: stationsRenting,
    docks: totals.docks,
    as_of: totals.asOfMs,
    lat,
    lon,
    ...(totals.simulated ? { simulated: true } : {}),
  });
}

export function stationMessage({ place, ...station }: LiveStation): string {
  return JSON.stringify({
    station_id: place.stationId,
    name: place.name,
    postcode: place.area,
    nbr_total: station.total,
    nbr_elec: station.electric,
    nbr_meca: station.mechanical,
    system_id: place.systemId,
    station_code: place.stationCode,
    docks: station.docks,
    capacity: place.capacity,
    is_renting: station.isRenting,
    as_of: station.observedAtMs,
    lat: place.lat,
    lon: place.lon,
    ...(place.simulated ? { simulated: true } : {}),
  });
}

export function systemMessage(system: LiveSystem): string {
  return JSON.stringify({
    system_id: system.systemId,
    nbr_total: system.sums.total,
    nbr_elec: system.sums.electric,
    nbr_meca: system.sums.mechanical,
    stations: system.stations,
    areas: system.areas,
    docks: system.sums.docks,
    as_of: system.observedAtMs,
    ...(system.simulated ? { simulated: true } : {}),
  });
}
