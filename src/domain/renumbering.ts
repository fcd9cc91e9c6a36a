/**
 * Stations that come with other ids: recognised from the first poll, so that no station is counted under its old id and
 * its new one. What left is compared with what came:
 *
 *   every old id left, as many came (half to twice) ───────────▶ all renumbered, unless the information lists both
 *   a quarter or more left, as many came, and their places,
 *   where known, are those of what left ───────────────────────▶ all that left are renumbered
 *   one left, one came with its code, its name or its place ───▶ that one is renumbered, also when the information
 *                                                                tells of it later than the status
 *   anything else ─────────────────────────────────────────────▶ openings, closings, a cut: the rule of departures
 */
import type { Observed } from "./collection-plan.ts";
import { isFreeFloating } from "./free-floating.ts";
import type { StationInformation } from "../record/station.ts";

/** A poll with fewer than this share of the known stations is taken for truncated (docs/contracts.md). */
const COMPLETE_SHARE = 0.5;
/** Twice as many are more than the old ones under new ids. */
const GREATEST_SHARE = 2;
/** Where a part of the ids stays: so many must have left, of so many, and about as many must have come. */
const LEAST_STATIONS = 3;
const LEAST_PART = 0.25;
const LEAST_RETURN = 0.8;
/** Metres between two positions of one place; with the same name, which may have been measured again. */
const SAME_PLACE_M = 25;
const NEARBY_M = 100;

interface Held {
  /** What was last known of the station. */
  readonly information: StationInformation | undefined;
}

/** Worth a flag: a station or two get other ids now and then. */
export function isRenumbering(renumbered: number, stations: number): boolean {
  return renumbered > 0 && (renumbered >= LEAST_STATIONS || renumbered >= stations * COMPLETE_SHARE);
}

interface Renumbering {
  /** What is published and absent from this poll. */
  readonly absent: ReadonlyMap<string, Held>;
  /** Ids of this poll that are not published. */
  readonly fresh: readonly string[];
  /** Ids that are published, but of which the information has told nothing before. */
  readonly late: readonly string[];
  /** Published stations that this poll has. */
  readonly seen: ReadonlyMap<string, Held>;
  readonly information: ReadonlyMap<string, StationInformation>;
}

/**
 * The published stations that have other ids now.
 * @param published what is in the topic
 * @param present ids of this poll, usable or not
 * @param mayLeave false for what others answer for
 * @param came ids that this poll publishes
 * @param observed a poll that did not see all stations tells nothing
 */
export function renumberedStations<T extends Held>(
  published: ReadonlyMap<string, T>,
  present: ReadonlySet<string>,
  mayLeave: (station: T, stationId: string) => boolean,
  came: Iterable<string>,
  { information, unobserved = [] }: Pick<Observed, "information" | "unobserved">,
): [string, T][] {
  if (unobserved.includes("stations")) return [];
  const stations = [...came].filter((id) => !isFreeFloating(id));
  const fresh = stations.filter((id) => !published.has(id));
  const late = stations.filter(
    (id) => published.has(id) && published.get(id)?.information === undefined && information.has(id),
  );
  if (fresh.length + late.length === 0) return [];
  const absent = new Map<string, T>();
  const seen = new Map<string, T>();
  for (const [id, held] of published)
    if (!isFreeFloating(id) && mayLeave(held, id)) (present.has(id) ? seen : absent).set(id, held);
  const gone = renumberedOf({ absent, fresh, late, seen, information });
  return [...absent].filter(([id]) => gone.has(id));
}

function renumberedOf(poll: Renumbering): ReadonlySet<string> {
  const { absent, fresh, seen, information } = poll;
  if (absent.size === 0) return NOBODY;
  if (fresh.length === 0) return paired(poll);
  const share = fresh.length / absent.size;
  // The information lists what left and what came: these are different stations, served in parts.
  const listed = shareOf(absent.keys(), information) >= 0.5 && shareOf(fresh, information) >= 0.5;
  if (!listed && seen.size === 0 && share >= COMPLETE_SHARE && share <= GREATEST_SHARE)
    return new Set(absent.keys());
  const part = absent.size >= LEAST_STATIONS && absent.size >= (absent.size + seen.size) * LEAST_PART;
  const asMany =
    fresh.length >= Math.min(absent.size * LEAST_RETURN, absent.size - 1) &&
    absent.size >= Math.min(fresh.length * LEAST_RETURN, fresh.length - 1);
  return !listed && part && asMany && !elsewhere(poll) ? new Set(absent.keys()) : paired(poll);
}

const NOBODY: ReadonlySet<string> = new Set();

function shareOf(ids: Iterable<string>, information: ReadonlyMap<string, unknown>): number {
  let [all, known] = [0, 0];
  for (const id of ids) {
    all += 1;
    if (information.has(id)) known += 1;
  }
  return all === 0 ? 0 : known / all;
}

/** Most of what came, as far as its place is known, is where nothing left: these are other stations. */
function elsewhere({ absent, fresh, information }: Renumbering): boolean {
  const left = new Places([...absent].flatMap(([id, held]) => placed(id, held.information)));
  const came = fresh.flatMap((id) => placed(id, information.get(id)));
  if (left.size * 2 < absent.size || came.length * 2 < fresh.length) return false;
  const near = came.filter((station) => left.near(station, NEARBY_M).length > 0);
  return near.length * 2 < came.length;
}

/** One by one: the same code, the same name nearby, or a place where nothing else is, of an id that was not there. */
function paired({ absent, fresh, late, seen, information }: Renumbering): ReadonlySet<string> {
  const found = new Set<string>();
  const taken = new Set<string>();
  // Ids that changed places among each other came there as well.
  const moved = [...seen]
    .filter(([id, held]) => !near(held.information, information.get(id)))
    .map(([id]) => id);
  const came = [...fresh, ...late, ...moved];
  const places = new Places(came.flatMap((id) => placed(id, information.get(id))));
  const all = new Places([...information].flatMap(([id, one]) => placed(id, one)));
  const codes = unique(came, (id) => information.get(id)?.stationCode);
  const names = unique(came, (id) => nameOf(information.get(id)));
  for (const [id, { information: old }] of absent) {
    if (old === undefined) continue;
    const byName = names.get(nameOf(old) ?? "");
    const place = placed(id, old)[0];
    const here = place === undefined ? [] : places.near(place, SAME_PLACE_M);
    // Only where nothing else is: publishers who know no positions give all stations the same.
    const alone = place !== undefined && here.length === 1 && all.near(place, SAME_PLACE_M).length === 1;
    const candidates = information.has(id)
      ? [here.find(({ stationId }) => stationId === byName)?.stationId]
      : [
          codes.get(old.stationCode ?? ""),
          byName !== undefined && near(old, information.get(byName)) ? byName : undefined,
          alone ? here[0]?.stationId : undefined,
        ];
    const match = candidates.find((candidate) => candidate !== undefined && !taken.has(candidate));
    if (match === undefined) continue;
    taken.add(match);
    found.add(id);
  }
  return found;
}

/** Ids by a text that only one of them has. */
function unique(
  ids: readonly string[],
  textOf: (id: string) => string | null | undefined,
): Map<string, string> {
  const [once, often] = [new Map<string, string>(), new Set<string>()];
  for (const id of ids) {
    const text = textOf(id) ?? "";
    if (text === "" || often.has(text)) continue;
    if (once.delete(text)) often.add(text);
    else once.set(text, id);
  }
  return once;
}

function nameOf(information: StationInformation | undefined): string | null {
  return information?.name?.trim().toLowerCase() ?? null;
}

/** True also where one of the two has no position: nothing says that they are apart. */
function near(old: StationInformation | undefined, now: StationInformation | undefined): boolean {
  const [a, b] = [placed("", old)[0], placed("", now)[0]];
  return a === undefined || b === undefined || metres(a, b) <= NEARBY_M;
}

interface Placed {
  readonly stationId: string;
  readonly lat: number;
  readonly lon: number;
}

function placed(stationId: string, information: StationInformation | undefined): Placed[] {
  const { lat = null, lon = null } = information ?? {};
  return lat === null || lon === null ? [] : [{ stationId, lat, lon }];
}

/** A flat Earth is exact to the metre at this distance. */
function metres(a: Placed, b: Placed): number {
  const degreeM = 111_320;
  const x = (a.lon - b.lon) * Math.cos((a.lat * Math.PI) / 180);
  return Math.hypot(a.lat - b.lat, x) * degreeM;
}

/** Stations by their place, in squares of a hundred metres and more, so that a city is not compared with itself. */
class Places {
  readonly #squares = new Map<string, Placed[]>();
  readonly size: number;

  constructor(stations: readonly Placed[]) {
    this.size = stations.length;
    for (const station of stations) {
      const key = square(station, 0, 0);
      const there = this.#squares.get(key);
      if (there === undefined) this.#squares.set(key, [station]);
      else there.push(station);
    }
  }

  /** Those within so many metres, at most a hundred. */
  near(place: Placed, withinM: number): Placed[] {
    const found: Placed[] = [];
    for (const north of [-1, 0, 1]) {
      for (const east of [-1, 0, 1]) {
        for (const station of this.#squares.get(square(place, north, east)) ?? [])
          if (metres(place, station) <= withinM) found.push(station);
      }
    }
    return found;
  }
}

/** A thousandth of a degree is 111 m northwards; eastwards as many as make the same up to 70° of latitude. */
function square({ lat, lon }: Placed, north: number, east: number): string {
  return `${Math.floor(lat * 1000) + north} ${Math.floor(lon * 340) + east}`;
}
