/**
 * Stations whose position contradicts their area: they stand far away from the others of it, among stations of other
 * areas. A code that was given twice, or a typo in a position, puts bikes into the totals of another place.
 *
 *   far from the middle of its area, as its other stations are not ─▶ whose are the nearest stations? others' ─▶ misplaced
 */

export interface PlacedStation {
  readonly key: string;
  readonly area: string;
  readonly lat: number;
  readonly lon: number;
}

/** With fewer stations, nobody can tell which of them is the odd one. */
const LEAST_STATIONS = 5;
/** Metres: nearer than this a station may belong to any area around it. */
const LEAST_METRES = 3_000;
/** Times the usual distance of the area's stations from its middle. */
const TIMES_USUAL = 5;
/** Of so many nearest stations, at most one may be of its own area: two may be misplaced together. */
const NEAREST = 5;
const OWN_AMONG_NEAREST = 1;
/** Of so many the neighbours are looked at: where there are more, positions as such are no good. */
const MOST_SUSPECTS = 200;
/** Metres in a degree of latitude. */
const METRES_PER_DEGREE = 111_320;

/** @returns the keys of those that are misplaced, of one system */
export function misplacedStations(stations: readonly PlacedStation[]): ReadonlySet<string> {
  const misplaced = new Set<string>();
  let suspects = 0;
  for (const [area, members] of Map.groupBy(stations, (station) => station.area)) {
    if (members.length < LEAST_STATIONS) continue;
    const middle = { lat: median(members.map(({ lat }) => lat)), lon: median(members.map(({ lon }) => lon)) };
    const usualMetres = median(members.map((station) => metresBetween(station, middle)));
    const farMetres = Math.max(LEAST_METRES, TIMES_USUAL * usualMetres);
    for (const station of members) {
      if (metresBetween(station, middle) <= farMetres || (suspects += 1) > MOST_SUSPECTS) continue;
      if (isAmongOthers(station, area, stations)) misplaced.add(station.key);
    }
  }
  return misplaced;
}

function isAmongOthers(station: PlacedStation, area: string, stations: readonly PlacedStation[]): boolean {
  const nearest = stations
    .filter((other) => other !== station)
    .map((other) => ({ area: other.area, metres: metresBetween(station, other) }))
    .sort((a, b) => a.metres - b.metres)
    .slice(0, NEAREST);
  const own = nearest.filter((other) => other.area === area).length;
  return nearest.length === NEAREST && own <= OWN_AMONG_NEAREST;
}

type Position = Pick<PlacedStation, "lat" | "lon">;

/** Flat, which is exact enough within a city. */
function metresBetween(a: Position, b: Position): number {
  const eastward = (a.lon - b.lon) * Math.cos((((a.lat + b.lat) / 2) * Math.PI) / 180);
  return Math.hypot(eastward, a.lat - b.lat) * METRES_PER_DEGREE;
}

function median(values: number[]): number {
  values.sort((a, b) => a - b);
  return values[Math.floor(values.length / 2)] ?? 0;
}
