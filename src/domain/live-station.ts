/**
 * One station as the live view holds it: who and where it is (`place`, shared by all its observations), and what was
 * last seen there. Both are never changed, only replaced, so that the journal may keep them without copying.
 */
import { asBoolean, asId, asTimeMs } from "../record/feed-values.ts";
import type { RawRecord } from "../record/raw-record.ts";
import { areaKey } from "../record/keys.ts";

/** What rarely changes. Two observations of an unchanged place share one object. */
export interface StationPlace {
  readonly key: string;
  readonly systemId: string;
  readonly stationId: string;
  readonly stationCode: string | null;
  readonly name: string | null;
  readonly lat: number | null;
  readonly lon: number | null;
  readonly capacity: number | null;
  readonly area: string;
  /** Key of the area's totals record. */
  readonly areaKey: string;
  readonly areaRule: string | null;
  readonly simulated: boolean;
}

export interface LiveStation {
  readonly place: StationPlace;
  readonly total: number;
  readonly electric: number | null;
  readonly mechanical: number | null;
  readonly docks: number | null;
  readonly isInstalled: boolean | null;
  readonly isRenting: boolean | null;
  readonly isReturning: boolean | null;
  readonly lastReportedMs: number | null;
  /** When the fetch completed that first brought this content, epoch ms. */
  readonly observedAtMs: number;
}

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
  const { value } = record;
  const place = placeOf(record, held?.place ?? null, key, texts);
  const isInstalled = asBoolean(value["is_installed"]);
  const isRenting = asBoolean(value["is_renting"]);
  const isReturning = asBoolean(value["is_returning"]);
  const lastReportedMs = asTimeMs(value["last_reported"]);
  if (
    held !== null &&
    held.place === place &&
    held.total === record.total &&
    held.electric === record.electric &&
    held.mechanical === record.mechanical &&
    held.docks === record.docks &&
    held.isInstalled === isInstalled &&
    held.isRenting === isRenting &&
    held.isReturning === isReturning &&
    held.lastReportedMs === lastReportedMs
  ) {
    return held;
  }
  return {
    place,
    total: record.total,
    electric: record.electric,
    mechanical: record.mechanical,
    docks: record.docks,
    isInstalled,
    isRenting,
    isReturning,
    lastReportedMs,
    observedAtMs: record.observedAtMs,
  };
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
  const stationCode = asId(record.value["stationCode"]);
  if (
    held !== null &&
    held.stationCode === stationCode &&
    held.name === record.name &&
    held.lat === record.lat &&
    held.lon === record.lon &&
    held.capacity === record.capacity &&
    held.area === record.area &&
    held.areaRule === record.areaRule &&
    held.simulated === record.simulated
  ) {
    return held;
  }
  return {
    key,
    systemId: shared(texts, record.systemId),
    stationId: record.stationId,
    stationCode,
    name: record.name,
    lat: record.lat,
    lon: record.lon,
    capacity: record.capacity,
    area: shared(texts, record.area),
    areaKey: shared(texts, areaKey(record.systemId, record.area)),
    areaRule: record.areaRule === null ? null : shared(texts, record.areaRule),
    simulated: record.simulated,
  };
}

function shared(texts: SharedTexts, text: string): string {
  const held = texts.get(text);
  if (held === undefined) texts.set(text, text);
  return held ?? text;
}
