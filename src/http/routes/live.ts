/** The routes that answer from the live view: system, areas, stations. */
import { z } from "zod";
import type { LiveArea } from "../../domain/live-area.ts";
import type { LiveStation } from "../../domain/live-station.ts";
import type { LiveView } from "../../domain/live-view.ts";
import { HttpError } from "../../errors.ts";
import { BoundingBox, PageLimit, SearchText, SystemId } from "../api-query.ts";
import { apiRoute, type ApiContext, type ApiRoute } from "../api-route.ts";
import { AreaAnswer, AreasAnswer, StationAnswer, StationsAnswer, SystemAnswer } from "../api-schemas.ts";
import { presentArea, presentStation } from "../present.ts";
import { StationSearch, foldText } from "../station-search.ts";
import { areaKey, areasNamed, DEFAULT_SYSTEM_ID, stationKey, stationsNamed } from "../../record/keys.ts";

const StationPath = z.strictObject({
  id: z.string().max(300).describe("A key, or a station_id or station_code in `system`."),
});
const StationSystem = z.strictObject({
  system: SystemId.optional().describe(
    "Where to look for a bare id or code; default: velib, or the only system.",
  ),
});

export function liveRoutes(context: ApiContext): ApiRoute[] {
  const { view } = context;
  const search = new StationSearch(view);
  const present = (station: LiveStation): ReturnType<typeof presentStation> => {
    const { systemId, key } = station.place;
    const misplaced = context.misplaced.of(systemId).has(key);
    return { ...presentStation(station), ...(misplaced ? { misplaced } : {}) };
  };
  return [
    apiRoute({
      path: "/api/v1/system",
      operationId: "getSystem",
      summary: "The systems, how old their data is, and whom to credit",
      params: null,
      query: z.strictObject({}),
      answer: SystemAnswer,
      handle: () => ({
        now: context.clock.now(),
        version: context.version,
        live: context.hub.isLive,
        archive: context.history !== undefined,
        tiles: context.tiles,
        systems: [...context.systems()],
      }),
    }),
    apiRoute({
      path: "/api/v1/areas",
      operationId: "listAreas",
      summary: "All areas with their totals, sorted by key",
      params: null,
      query: z.strictObject({
        system: SystemId.optional().describe("A system_id."),
        q: SearchText.optional().describe("Part of the area's name; accents and case ignored."),
      }),
      answer: AreasAnswer,
      handle: ({ query }) => {
        const text = foldText(query.q ?? "");
        const areas = [...view.areas()].filter(
          ({ totals }) =>
            (query.system === undefined || totals.systemId === query.system) &&
            (text === "" || foldText(totals.area).includes(text)),
        );
        return { areas: areas.map(presentArea).sort(byKey) };
      },
    }),
    apiRoute({
      path: "/api/v1/areas/{area}",
      operationId: "getArea",
      summary: "One area and its stations",
      params: z.strictObject({ area: z.string().max(300).describe("An area's key.") }),
      query: z.strictObject({}),
      answer: AreaAnswer,
      errors: ["VELOSTREAM_HTTP_NOT_FOUND"],
      handle: ({ params }) => {
        const area = findArea(view, params.area);
        if (area === null) throw noArea(params.area);
        return {
          area: presentArea(area),
          stations: [...view.stationsOf(area.key)].map(present).sort(byKey),
        };
      },
    }),
    apiRoute({
      path: "/api/v1/stations",
      operationId: "listStations",
      summary: "Stations, sorted by key",
      params: null,
      query: z.strictObject({
        system: SystemId.optional().describe("A system_id."),
        area: z.string().max(300).optional().describe("An area's key."),
        bbox: BoundingBox.optional().describe(
          "west,south,east,north in degrees; west greater than east crosses 180°.",
        ),
        q: SearchText.optional().describe("Part of the name, code or id; accents and case ignored."),
        limit: PageLimit,
        after: z.string().max(300).optional().describe("The `next` of the page before."),
      }),
      answer: StationsAnswer,
      handle: ({ query }) => {
        const { stations, matched, next } = search.find(query);
        return { stations: stations.map(present), matched, next };
      },
    }),
    apiRoute({
      path: "/api/v1/stations/{id}",
      operationId: "getStation",
      summary: "One station",
      params: StationPath,
      query: StationSystem,
      answer: StationAnswer,
      errors: ["VELOSTREAM_HTTP_NOT_FOUND"],
      handle: ({ params, query }) => ({
        station: present(requireStation(context, params.id, query.system)),
      }),
    }),
  ];
}

/** The station of a key, or of a bare id or code in a system. Throws HttpError when there is none. */
export function requireStation(context: ApiContext, id: string, system: string | undefined): LiveStation {
  const { view } = context;
  const byKey = system === undefined ? findStation(view, id) : null;
  if (byKey !== null) return byKey;
  const systemId = system ?? defaultSystem(context);
  const station = view.station(stationKey(systemId, id)) ?? view.stationByCode(systemId, id);
  if (station !== null) return station;
  throw new HttpError(
    "VELOSTREAM_HTTP_NOT_FOUND",
    `There is no station ${quote(id)} in system ${quote(systemId)}. Find stations with GET /api/v1/stations?q=.`,
  );
}

/** The area of a key, also of one as version 0.1.0 wrote it: bookmarks outlive versions. */
export function findArea(view: LiveView, key: string): LiveArea | null {
  const own = view.area(key);
  if (own !== null) return own;
  for (const { systemId, area } of areasNamed(key)) {
    const named = view.area(areaKey(systemId, area));
    if (named !== null) return named;
  }
  return null;
}

/** As `findArea`. */
function findStation(view: LiveView, key: string): LiveStation | null {
  const own = view.station(key);
  if (own !== null) return own;
  for (const { systemId, stationId } of stationsNamed(key)) {
    const named = view.station(stationKey(systemId, stationId));
    if (named !== null) return named;
  }
  return null;
}

export function noArea(area: string): HttpError {
  return new HttpError(
    "VELOSTREAM_HTTP_NOT_FOUND",
    `There is no area ${quote(area)}. List the areas with GET /api/v1/areas.`,
  );
}

function defaultSystem({ view }: ApiContext): string {
  const ids = [...view.systems()].map(({ systemId }) => systemId);
  return ids.length === 1 ? (ids[0] ?? DEFAULT_SYSTEM_ID) : DEFAULT_SYSTEM_ID;
}

/** What a stranger sent, in our sentence: plain when it is plain, else as JSON, and never long. */
function quote(text: string): string {
  return /^[\w:.-]{1,60}$/.test(text) ? text : JSON.stringify(text.slice(0, 60));
}

function byKey(a: { readonly key: string }, b: { readonly key: string }): number {
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
}
