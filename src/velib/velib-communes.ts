/** The postal codes of the communes that Vélib' serves, from the French government's own list (INSEE, La Poste). */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { COMMUNE_BY_PREFIX, normalisePostcode, postcodeOfStationCode } from "./velib-areas.ts";

interface Commune {
  readonly code: string;
  readonly type: string;
  readonly codesPostaux?: readonly string[];
}

let cached: ReadonlyMap<string, string> | null = null;

/** INSEE code → the commune's first postal code. Read once: the list is 10 MB for the 66 communes needed. */
function velibPostcodes(): ReadonlyMap<string, string> {
  if (cached !== null) return cached;
  const file = createRequire(import.meta.url).resolve("@etalab/decoupage-administratif/data/communes.json");
  const wanted = new Set(COMMUNE_BY_PREFIX.values());
  const postcodes = new Map<string, string>();
  for (const commune of JSON.parse(readFileSync(file, "utf8")) as Commune[]) {
    const postcode = commune.codesPostaux?.[0];
    if (postcode !== undefined && wanted.has(commune.code)) postcodes.set(commune.code, postcode);
  }
  cached = postcodes;
  return postcodes;
}

/** The area of a Vélib' station code; null when the code tells none. Loads the list of communes at the first call. */
export function areaOfVelibCode(stationCode: string): string | null {
  const postcode = postcodeOfStationCode(stationCode, velibPostcodes());
  return postcode === null ? null : normalisePostcode(postcode);
}
