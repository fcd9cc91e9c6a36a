/** A city that does not exist, for tests of the page: areas around a centre, stations in them, all from one seed. */
import type { Area, Station, System } from "../../src/http/api-types.ts";

export interface CityOptions {
  readonly systemId?: string;
  readonly name?: string;
  readonly stations: number;
  readonly areas: number;
  readonly nowMs: number;
  readonly lat?: number;
  readonly lon?: number;
  readonly simulated?: boolean;
}

export interface City {
  readonly system: System;
  readonly stations: Map<string, Station>;
}

/** Mulberry32: small, seeded, good enough for places and counts. */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const STREETS = [
  "Moulin",
  "Gare",
  "Canal",
  "République",
  "Jardin",
  "Écoles",
  "Pont",
  "Halle",
  "Lilas",
  "Mairie",
];
const OTHERS = ["Nord", "Sud", "Église", "Marché", "Fontaine", "Stade", "Théâtre", "Quai", "Place", "Parc"];

export function inventCity(options: CityOptions): City {
  const { systemId = "velib", name = "Vélos d’Essai", nowMs, lat = 48.86, lon = 2.34 } = options;
  const random = seededRandom(options.stations * 31 + options.areas);
  // A sunflower: areas spread evenly, numbered from the centre outwards like arrondissements.
  const centres = Array.from({ length: options.areas }, (_, index) => {
    const radius = 0.0125 * Math.sqrt(index + 0.5) * 1.1;
    const angle = index * 2.39996;
    return { lat: lat + radius * Math.sin(angle), lon: lon + 1.5 * radius * Math.cos(angle) };
  });
  const reach = 0.0125 * Math.sqrt(options.areas) * 1.15;
  const stations = new Map<string, Station>();
  for (let index = 0; index < options.stations; index += 1) {
    const radius = reach * Math.sqrt(random());
    const angle = 2 * Math.PI * random();
    const place = { lat: lat + radius * Math.sin(angle), lon: lon + 1.5 * radius * Math.cos(angle) };
    const area = nearest(centres, place) + 1;
    const postcode = systemId === "velib" ? String(75000 + area) : `Q${area}`;
    const capacity = 12 + Math.floor(random() ** 2 * 50);
    const total = Math.round(capacity * Math.min(1, Math.max(0, random() * 1.3 - 0.15)));
    const electric = Math.round(total * random() * 0.7);
    const id = String(213_680_000 + index * 7);
    const key = `${systemId}:${id}`;
    stations.set(key, {
      key,
      nbr_total: total,
      nbr_elec: electric,
      nbr_meca: total - electric,
      nbr_docks: Math.max(0, capacity - total - (random() < 0.1 ? 1 : 0)),
      is_installed: true,
      is_renting: random() > 0.02,
      is_returning: true,
      last_reported: nowMs - 1_200_000,
      observed_at: nowMs - Math.floor(random() * 600_000),
      system_id: systemId,
      station_id: id,
      station_code: String(area * 1000 + (index % 1000)),
      name: `${STREETS[index % 10] ?? ""} - ${OTHERS[Math.floor(index / 10) % 10] ?? ""} ${Math.floor(index / 100) + 1}`,
      lat: place.lat,
      lon: place.lon,
      capacity,
      postcode,
      area_key: systemId === "velib" ? postcode : `${systemId}:${postcode}`,
      area_rule: "station_code",
      simulated: options.simulated ?? true,
    });
  }
  return { system: systemOf(systemId, name, stations, nowMs, options.simulated ?? true), stations };
}

function nearest(
  centres: readonly { lat: number; lon: number }[],
  place: { lat: number; lon: number },
): number {
  let best = 0;
  let bestDistance = Infinity;
  centres.forEach((centre, index) => {
    const distance = (centre.lat - place.lat) ** 2 + ((centre.lon - place.lon) / 1.5) ** 2;
    if (distance < bestDistance) [best, bestDistance] = [index, distance];
  });
  return best;
}

function systemOf(
  systemId: string,
  name: string,
  stations: ReadonlyMap<string, Station>,
  nowMs: number,
  simulated: boolean,
): System {
  const areas = areasOf(stations.values());
  const sum = (count: (area: Area) => number | null): number =>
    areas.reduce((total, area) => total + (count(area) ?? 0), 0);
  return {
    system_id: systemId,
    name,
    timezone: "Europe/Paris",
    attribution: name,
    license_url: "https://www.etalab.gouv.fr/licence-ouverte-open-licence/",
    simulated,
    state: "live",
    stations: stations.size,
    areas: areas.length,
    nbr_total: sum((area) => area.nbr_total),
    nbr_elec: sum((area) => area.nbr_elec),
    nbr_meca: sum((area) => area.nbr_meca),
    docks: sum((area) => area.docks),
    observed_at: nowMs,
    stations_misplaced: 0,
    stale_after_ms: 300_000,
    content_at: nowMs,
    content_stale_after_ms: 3_600_000,
    stale: false,
    change_period_ms: 60_000,
    poll_interval_ms: 15_000,
    next_poll_at: nowMs + 15_000,
    traffic: { requests: 1_240, not_modified: 930, transferred_bytes: 9_310_000, saved_bytes: 548_000_000 },
    last_poll: { at: nowMs, outcome: "changed", message: null },
    flags: [],
    rejects: [],
  };
}

/** A recount: every area from its stations. */
export function areasOf(stations: Iterable<Station>): Area[] {
  const members = new Map<string, Station[]>();
  for (const station of stations) {
    const list = members.get(station.area_key);
    if (list === undefined) members.set(station.area_key, [station]);
    else list.push(station);
  }
  return [...members].map(([key, list]) => areaOf(key, list)).sort((a, b) => (a.key < b.key ? -1 : 1));
}

function areaOf(key: string, list: readonly Station[]): Area {
  const [first] = list;
  if (first === undefined) throw new Error(`area ${key} has no station`);
  const sum = (count: (station: Station) => number | null): number | null => {
    const known = list.map(count).filter((value) => value !== null);
    return known.length === 0 ? null : known.reduce((total, value) => total + value, 0);
  };
  const placed = list.filter((station) => station.lat !== null && station.lon !== null);
  const mean = (count: (station: Station) => number | null): number | null =>
    placed.length === 0
      ? null
      : placed.reduce((total, station) => total + (count(station) ?? 0), 0) / placed.length;
  return {
    key,
    system_id: first.system_id,
    postcode: first.postcode,
    nbr_total: sum((station) => station.nbr_total) ?? 0,
    nbr_elec: sum((station) => station.nbr_elec),
    nbr_meca: sum((station) => station.nbr_meca),
    docks: sum((station) => station.nbr_docks),
    stations: list.length,
    stations_without_split: list.filter((station) => station.nbr_elec === null).length,
    stations_renting: list.filter((station) => station.is_renting !== false).length,
    capacity: sum((station) => station.capacity),
    lat: mean((station) => station.lat),
    lon: mean((station) => station.lon),
    as_of: Math.max(...list.map((station) => station.observed_at)),
    simulated: first.simulated,
  };
}
