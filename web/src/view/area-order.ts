/** Which areas the table shows, and in which order. */
import type { Area, Station } from "../../../src/http/api-types.ts";
import type { Column } from "../address/address.ts";
import { fold, type Words } from "../text/format.ts";

/** What a column sorts by; null (the feed does not say) always comes last. */
const VALUE_OF: Readonly<Record<Exclude<Column, "area">, (area: Area) => number | null>> = {
  total: (area) => area.nbr_total,
  electric: (area) => area.nbr_elec,
  mechanical: (area) => area.nbr_meca,
  docks: (area) => area.docks,
  changed: (area) => area.as_of,
};

export function orderAreas(
  areas: Iterable<Area>,
  query: string,
  sort: Column,
  descending: boolean,
  words: Words,
): Area[] {
  const wanted = fold(query.trim());
  const found = [...areas].filter(
    (area) => wanted === "" || fold(area.postcode).includes(wanted) || fold(area.key).includes(wanted),
  );
  const sign = descending ? -1 : 1;
  const byName = (a: Area, b: Area): number =>
    words.compare(a.postcode, b.postcode) || words.compare(a.key, b.key);
  if (sort === "area") return found.sort((a, b) => sign * byName(a, b));
  const valueOf = VALUE_OF[sort];
  return found.sort((a, b) => {
    const [x, y] = [valueOf(a), valueOf(b)];
    if (x === null || y === null) return x === y ? byName(a, b) : x === null ? 1 : -1;
    return sign * (x - y) || byName(a, b);
  });
}

/** Stations whose name, number or area matches, best first, at most `limit`; and how many match in all. */
export function findStations(
  stations: Iterable<Station>,
  query: string,
  limit: number,
): { readonly found: readonly Station[]; readonly matched: number } {
  const wanted = fold(query.trim());
  if (wanted === "") return { found: [], matched: 0 };
  const begins: Station[] = [];
  const contains: Station[] = [];
  for (const station of stations) {
    const name = foldedName(station);
    const code = station.station_code ?? "";
    if (code === wanted || station.station_id === wanted || name.startsWith(wanted)) begins.push(station);
    else if (name.includes(wanted) || code.startsWith(wanted)) contains.push(station);
  }
  return {
    found: [...begins, ...contains].slice(0, limit),
    matched: begins.length + contains.length,
  };
}

/** Folding fifty thousand names at every key is too slow; a station is replaced when it changes, never changed. */
const foldedNames = new WeakMap<Station, string>();

function foldedName(station: Station): string {
  let folded = foldedNames.get(station);
  if (folded === undefined) foldedNames.set(station, (folded = fold(station.name ?? "")));
  return folded;
}

/** A station's name, or the best there is. */
export function stationName(station: Pick<Station, "name" | "station_code" | "station_id">): string {
  return station.name ?? station.station_code ?? station.station_id;
}
