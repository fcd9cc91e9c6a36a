/**
 * One station as the live view holds it: who and where it is (`place`, shared by all its observations), and what was
 * last seen there. Both are never changed, only replaced, so that the journal may keep them without copying.
 */
import { areaKey } from "../record/keys.ts";
import { blankOf, type FieldValue } from "../record/fields.ts";
import type { RawRecord } from "../record/raw-record.ts";
import {
  OBSERVATION_FIELDS,
  PLACE_FIELDS,
  type ObservationValues,
  type PlaceValues,
} from "../record/station-parts.ts";

/** What rarely changes. Two observations of an unchanged place share one object. */
export interface StationPlace extends PlaceValues {
  readonly key: string;
  /** Key of the area's totals record. */
  readonly areaKey: string;
}

/** `observedAtMs`: when the fetch completed that first brought this content. */
export interface LiveStation extends ObservationValues {
  readonly place: StationPlace;
}

type Values = Readonly<Record<string, FieldValue>>;

const OBSERVATION = OBSERVATION_FIELDS.map(({ name }) => name);
const PLACE = PLACE_FIELDS.map(({ name, repeats = false }) => ({ name, repeats }));
const NO_OBSERVATION = { place: null, ...blankOf(OBSERVATION) };
const NO_PLACE = blankOf(["key", ...PLACE.map(({ name }) => name), "areaKey"]);

/** One text for all equal ones: stations share systems, areas and rules. Bounded by how many of them there are. */
export type SharedTexts = Map<string, string>;

/**
 * The station that a record tells of; `held` itself when the record says nothing new but its time.
 * @param key of the raw record
 */
export function liveStation(
  record: RawRecord,
  held: LiveStation | null,
  key: string,
  texts: SharedTexts,
): LiveStation {
  const place = placeOf(record, held?.place ?? null, key, texts);
  const seen = record as unknown as Values;
  if (held !== null && held.place === place && saysTheSame(held as unknown as Values, seen)) return held;
  const station: Record<string, unknown> = { ...NO_OBSERVATION, place };
  for (const name of OBSERVATION) station[name] = seen[name];
  return station as unknown as LiveStation;
}

/** Whether two observations differ in nothing but their time. */
function saysTheSame(held: Values, seen: Values): boolean {
  return OBSERVATION.every((name) => name === "observedAtMs" || held[name] === seen[name]);
}

/** True when the station says that it is closed for renting; silence counts as open. */
export function isClosed(station: LiveStation): boolean {
  return station.isRenting === false;
}

function placeOf(
  record: RawRecord,
  held: StationPlace | null,
  key: string,
  texts: SharedTexts,
): StationPlace {
  const seen = record as unknown as Values;
  const known = held as Values | null;
  if (known !== null && PLACE.every(({ name }) => known[name] === seen[name])) return held as StationPlace;
  const place: Record<string, FieldValue> = { ...NO_PLACE, key };
  for (const { name, repeats } of PLACE) {
    const value = seen[name] ?? null;
    place[name] = repeats && typeof value === "string" ? shared(texts, value) : value;
  }
  place["areaKey"] = shared(texts, areaKey(record.systemId, record.area));
  return place as unknown as StationPlace;
}

function shared(texts: SharedTexts, text: string): string {
  const held = texts.get(text);
  if (held === undefined) texts.set(text, text);
  return held ?? text;
}
