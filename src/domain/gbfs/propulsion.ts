/**
 * What moves a vehicle, from the words that publishers use for it. A word that is not known here says nothing: it is
 * counted, and nobody guesses.
 *
 *   "electric_assist", "ELECTRIC", "e-bike" ─▶ electric       "human", "Pedal", "classic" ─▶ mechanical
 *   "combustion", "hybrid", "hydrogen…" ─────▶ other          "", 3, null, "warp" ─────────▶ unknown
 */
import { asId, asObject } from "../../record/feed-values.ts";

/** Characters; longer texts are none of the words below. */
const LONGEST_WORD = 64;

/** `other`: combustion, hybrid, hydrogen. `unknown`: the file says it in no known word, or not at all. */
export type Propulsion = "electric" | "mechanical" | "other" | "unknown";

/**
 * GBFS's own words, those of the dialects (Vélib' and Bicing: mechanical, ebike; BCycle: electric, smart, classic, of
 * which the first alone has a motor), and usual synonyms, each without case, accents and punctuation.
 */
const WORDS: ReadonlyMap<string, Propulsion> = new Map([
  ...words("electric", "electric electricassist electricassisted electrical electricity electricmotor"),
  ...words(
    "electric",
    "electricbike electricbicycle electricscooter electricmoped electriccargobike electriccar",
  ),
  ...words(
    "electric",
    "ebike ebikes ebicycle escooter emoped ecargobike ecar eassist eassisted emotor pedelec",
  ),
  ...words("electric", "pedalassist pedalassisted battery batteryelectric bev"),
  ...words(
    "electric",
    "electrique assistanceelectrique vae electrica electrico elektro elektrisch elettrica elettrico",
  ),
  ...words(
    "mechanical",
    "human humanpower humanpowered pedal pedals pedalpowered mechanical mechanic manual muscle",
  ),
  ...words("mechanical", "musclepower musclepowered nonelectric classic smart acoustic"),
  ...words("mechanical", "mecanique musculaire mecanica mecanico mechanisch muskelkraft meccanica meccanico"),
  ...words("other", "combustion combustionengine combustiondiesel combustiongasoline internalcombustion ice"),
  ...words("other", "gas gasoline petrol diesel thermal thermique hybrid pluginhybrid phev hev"),
  ...words("other", "hydrogen hydrogenfuelcell fuelcell lpg cng"),
]);

function words(propulsion: Propulsion, list: string): [string, Propulsion][] {
  return list.split(" ").map((word) => [word, propulsion]);
}

/** Reads one word, whatever its case, accents and punctuation. */
export function propulsionOf(word: unknown): Propulsion {
  if (typeof word !== "string" || word.length > LONGEST_WORD) return "unknown";
  // Nearly all write it as it stands in the table, at every station of every poll.
  const known = WORDS.get(word);
  if (known !== undefined) return known;
  const plain = word
    .normalize("NFD")
    .toLowerCase()
    .replace(/[^a-z0-9]/g, "");
  return WORDS.get(plain) ?? "unknown";
}

/**
 * The propulsion of every vehicle type of a `vehicle_types` file. Where `propulsion_type` is missing, a form factor
 * that is itself such a word ("ebike") tells; one that is not ("bicycle", "scooter") does not: either has a motor or
 * has none.
 */
export function decodeVehicleTypes(body: unknown): Map<string, Propulsion> {
  const types = new Map<string, Propulsion>();
  const list = asObject(asObject(body)?.["data"])?.["vehicle_types"];
  for (const item of Array.isArray(list) ? list : []) {
    const type = asObject(item);
    const id = asId(type?.["vehicle_type_id"]);
    if (type === null || id === null) continue;
    const said = type["propulsion_type"];
    types.set(
      id,
      propulsionOf(said === undefined || said === null || said === "" ? type["form_factor"] : said),
    );
  }
  return types;
}
