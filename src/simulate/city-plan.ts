/** Lays out the stations of a simulated city: codes, ids, names, places, docks, and who lives or works around them. */
import { numberDigits, PLACES, type Place } from "./places.ts";
import { below, type Random } from "./random.ts";
import { stationName } from "./station-names.ts";

/** One station as built; nothing here changes while the city runs. */
export interface PlannedStation {
  /** Numeric, and above int32 for most: as Vélib' serves them. */
  readonly stationId: number;
  readonly stationCode: string;
  readonly name: string;
  readonly lat: number;
  readonly lon: number;
  readonly postcode: string;
  /** Docks it is built with; 0 for the odd one, as in the real feed. */
  readonly capacity: number;
  /** Docks out of order: a bike cannot be returned there. */
  readonly brokenDocks: number;
  readonly isInstalled: boolean;
  /** Open for rentals and returns. */
  readonly isOpen: boolean;
  /** Has a payment terminal. */
  readonly takesCards: boolean;
  /** Has not reported for years, though it works. */
  readonly isSilent: boolean;
  /** 0: homes all around; 1: offices all around. */
  readonly workplaces: number;
}

/** The reference case's two stations: public facts of the real system, so that a simulation can stand in for it. */
const REFERENCE = [
  {
    stationId: 213_688_169,
    stationCode: "16107",
    name: "Benjamin Godard - Victor Hugo",
    lat: 48.865983,
    lon: 2.275725,
    postcode: "75016",
    capacity: 35,
  },
  {
    stationId: 2_515_829_865,
    stationCode: "32017",
    name: "Basilique",
    lat: 48.93626891059109,
    lon: 2.3588666820200914,
    postcode: "93200",
    capacity: 22,
  },
] as const;

/** Docks of a station: quantiles of the real system's, every 5 %. */
const CAPACITY_QUANTILES = [
  12, 16, 19, 20, 22, 23, 24, 25, 27, 28, 30, 30, 32, 34, 36, 38, 41, 45, 50, 56, 78,
];
/** Shares of the real feed: 16 of 1,495 without docks, 33 closed, 11 of those not even installed. */
const SHARE_WITHOUT_DOCKS = 0.0107;
const SHARE_CLOSED = 0.022;
const SHARE_NOT_INSTALLED = 0.0074;
const SHARE_SILENT = 0.004;
const SHARE_WITH_TERMINAL = 0.58;
/** Where the offices are: the grands boulevards, and La Défense. */
const OFFICES = [
  { lat: 48.872, lon: 2.333, reachMeters: 2200 },
  { lat: 48.892, lon: 2.241, reachMeters: 1400 },
];
export const METERS_PER_DEGREE_LAT = 111_200;
export const METERS_PER_DEGREE_LON = 73_200;
const LARGEST_ID = 20_800_000_000;

/** Plans `count` stations; the two of the reference case always come first. */
export function planCity(count: number, random: Random): PlannedStation[] {
  const ids = new Set<number>(REFERENCE.map(({ stationId }) => stationId));
  const codes = new Set<string>(REFERENCE.map(({ stationCode }) => stationCode));
  const stations: PlannedStation[] = REFERENCE.slice(0, count).map((station) => ({
    ...station,
    ...OPEN,
    brokenDocks: 0,
    takesCards: station.stationCode === "32017",
    workplaces: workplacesAt(station.lat, station.lon, random),
  }));
  const numbers = new Map<Place, number>();
  while (stations.length < count) {
    const place = pickPlace(random);
    const { lat, lon } = within(place, random);
    const number = (numbers.get(place) ?? 0) + 1 + (count < 5000 ? below(random, 2) : 0);
    numbers.set(place, number);
    const stationCode = codeOf(place, number);
    if (codes.has(stationCode)) continue;
    codes.add(stationCode);
    const capacity = random() < SHARE_WITHOUT_DOCKS ? 0 : drawCapacity(random);
    const fate = random();
    stations.push({
      stationId: drawId(ids, random),
      stationCode,
      name: stationName(random),
      lat,
      lon,
      postcode: place.postcode,
      capacity,
      brokenDocks: random() < 0.7 ? 0 : Math.min(capacity, 1 + below(random, 2)),
      isInstalled: fate >= SHARE_NOT_INSTALLED,
      isOpen: fate >= SHARE_CLOSED,
      takesCards: random() < SHARE_WITH_TERMINAL,
      isSilent: random() < SHARE_SILENT,
      workplaces: workplacesAt(lat, lon, random),
    });
  }
  return stations;
}

const OPEN = { isInstalled: true, isOpen: true, isSilent: false } as const;

const TOTAL_WEIGHT = PLACES.reduce((sum, { weight }) => sum + weight, 0);

function pickPlace(random: Random): Place {
  let left = random() * TOTAL_WEIGHT;
  for (const place of PLACES) {
    left -= place.weight;
    if (left < 0) return place;
  }
  return PLACES[0] as Place;
}

function within(place: Place, random: Random): { lat: number; lon: number } {
  const angle = random() * 2 * Math.PI;
  const meters = Math.sqrt(random()) * place.radiusMeters;
  return {
    lat: degrees(place.lat + (Math.sin(angle) * meters) / METERS_PER_DEGREE_LAT),
    lon: degrees(place.lon + (Math.cos(angle) * meters) / METERS_PER_DEGREE_LON),
  };
}

/** Six decimals: 11 cm. */
function degrees(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}

/** `16107`; once a place's numbers are used up, `16107_2`: the real feed has suffixes too (`_relais`). */
function codeOf(place: Place, number: number): string {
  const digits = numberDigits(place);
  const most = 10 ** digits - 1;
  const round = Math.ceil(number / most);
  const code = `${place.codePrefix}${String(((number - 1) % most) + 1).padStart(digits, "0")}`;
  return round === 1 ? code : `${code}_${round}`;
}

function drawId(taken: Set<number>, random: Random): number {
  for (;;) {
    const id = 1000 + below(random, random() < 0.3 ? 2 ** 31 : LARGEST_ID);
    if (taken.has(id)) continue;
    taken.add(id);
    return id;
  }
}

function drawCapacity(random: Random): number {
  const at = random() * (CAPACITY_QUANTILES.length - 1);
  const from = CAPACITY_QUANTILES[Math.floor(at)] ?? 0;
  const to = CAPACITY_QUANTILES[Math.floor(at) + 1] ?? from;
  return Math.round(from + (to - from) * (at % 1));
}

function workplacesAt(lat: number, lon: number, random: Random): number {
  let share = 0;
  for (const office of OFFICES) {
    const north = (lat - office.lat) * METERS_PER_DEGREE_LAT;
    const east = (lon - office.lon) * METERS_PER_DEGREE_LON;
    share = Math.max(share, Math.exp(-(north * north + east * east) / (2 * office.reachMeters ** 2)));
  }
  return Math.min(1, Math.max(0, share + (random() - 0.5) * 0.4));
}
