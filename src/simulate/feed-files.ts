/** The GBFS files of a simulated city, in Vélib's dialect, GBFS 2.3 and GBFS 3.0; every one says `simulated: true`. */
import type { CityModel } from "./city-model.ts";
import type { PlannedStation } from "./city-plan.ts";

export const DIALECTS = ["velib", "2.3", "3.0"] as const;
export type Dialect = (typeof DIALECTS)[number];

/** Files by GBFS name; `vehicle_types` only in 2.3 and 3.0. */
export const FILE_NAMES = [
  "gbfs",
  "system_information",
  "station_information",
  "station_status",
  "vehicle_types",
] as const;
export type FileName = (typeof FILE_NAMES)[number];

export function filesOf(dialect: Dialect): readonly FileName[] {
  return dialect === "velib" ? FILE_NAMES.filter((name) => name !== "vehicle_types") : FILE_NAMES;
}

export interface FileContext {
  readonly dialect: Dialect;
  readonly systemId: string;
  /** When this content came to be, epoch ms. */
  readonly atMs: number;
  readonly changePeriodMs: number;
  /** Where the files are, without a slash at the end: `http://127.0.0.1:8081`. */
  readonly baseUrl: string;
  readonly model: CityModel;
  /** Leaves out the stations it answers true for: the fault `missing-stations`. */
  readonly omits: (index: number) => boolean;
}

const SYSTEM_NAME = "Vélib' Métropole (simulated)";
/** What Vélib' writes, though its data changes every minute. */
const VELIB_TTL_SECONDS = 3600;
/** Vélib' refreshes `last_reported` in bulk: the newest of a feed is 13 to 43 minutes old. */
const BULK_PERIOD_SECONDS = 1800;
const BULK_DELAY_SECONDS = 780;
const SILENT_SINCE = 1_650_000_000;
const TYPE_IDS = { mechanical: "mechanical", electric: "ebike" } as const;

/** One file, ready for JSON.stringify. */
export function fileContent(name: FileName, context: FileContext): Record<string, unknown> {
  return { ...header(context), data: DATA[name](context) };
}

function header({ dialect, atMs, changePeriodMs }: FileContext): Record<string, unknown> {
  const seconds = Math.floor(atMs / 1000);
  if (dialect === "velib") return { lastUpdatedOther: seconds, ttl: VELIB_TTL_SECONDS, simulated: true };
  return {
    last_updated: dialect === "2.3" ? seconds : rfc3339(seconds),
    ttl: Math.floor(changePeriodMs / 1000),
    version: dialect,
    simulated: true,
  };
}

const DATA: { readonly [N in FileName]: (context: FileContext) => Record<string, unknown> } = {
  gbfs: ({ dialect, baseUrl }) => {
    const feeds = filesOf(dialect)
      .filter((name) => name !== "gbfs" || dialect === "velib")
      .map((name) => ({ name, url: `${baseUrl}/${name}.json` }));
    return dialect === "3.0" ? { feeds } : { [dialect === "velib" ? "en" : "fr"]: { feeds } };
  },
  system_information: ({ dialect, systemId }) => {
    if (dialect === "velib")
      return {
        system_id: systemId,
        name: SYSTEM_NAME,
        url: "",
        timezone: "Europe/Paris",
        language: "en",
      };
    const common = { system_id: systemId, timezone: "Europe/Paris" };
    if (dialect === "2.3") return { ...common, language: "fr", name: SYSTEM_NAME };
    return {
      ...common,
      languages: ["fr"],
      name: localised(SYSTEM_NAME),
      opening_hours: "24/7",
      feed_contact_email: "simulated@example.org",
    };
  },
  vehicle_types: ({ dialect }) => {
    const name = (text: string): unknown => (dialect === "3.0" ? localised(text) : text);
    return {
      vehicle_types: [
        {
          vehicle_type_id: TYPE_IDS.mechanical,
          form_factor: "bicycle",
          propulsion_type: "human",
          name: name("Vélo mécanique"),
        },
        {
          vehicle_type_id: TYPE_IDS.electric,
          form_factor: "bicycle",
          propulsion_type: "electric_assist",
          max_range_meters: 50_000,
          name: name("Vélo électrique"),
        },
      ],
    };
  },
  station_information: ({ dialect, model, omits }) => ({
    stations: model.stations
      .filter((_, index) => !omits(index))
      .map(dialect === "velib" ? velibInformation : (station) => gbfsInformation(station, dialect)),
  }),
  station_status: (context) => {
    const { dialect, model, omits } = context;
    const render = dialect === "velib" ? velibStatus : gbfsStatus;
    const stations: unknown[] = [];
    model.stations.forEach((station, index) => {
      if (!omits(index)) stations.push(render(station, index, context));
    });
    return { stations };
  },
};

/** Fields in the order Vélib' writes them. */
function velibInformation(station: PlannedStation): Record<string, unknown> {
  return {
    station_id: station.stationId,
    stationCode: station.stationCode,
    name: station.name,
    lat: station.lat,
    lon: station.lon,
    capacity: station.capacity,
    ...(station.takesCards ? { rental_methods: ["CREDITCARD"] } : {}),
    station_opening_hours: null,
  };
}

function velibStatus(station: PlannedStation, index: number, context: FileContext): Record<string, unknown> {
  const { mechanical, electric, docks } = context.model.counts(index);
  const open = station.isOpen ? 1 : 0;
  return {
    station_id: station.stationId,
    num_bikes_available: mechanical + electric,
    numBikesAvailable: mechanical + electric,
    num_bikes_available_types: [{ mechanical }, { ebike: electric }],
    num_docks_available: docks,
    numDocksAvailable: docks,
    is_installed: station.isInstalled ? 1 : 0,
    is_returning: open,
    is_renting: open,
    last_reported: lastReported(station, index, context.atMs),
    stationCode: station.stationCode,
    station_opening_hours: null,
  };
}

function gbfsInformation(station: PlannedStation, dialect: Dialect): Record<string, unknown> {
  const text = (value: string): unknown => (dialect === "3.0" ? localised(value) : value);
  return {
    station_id: String(station.stationId),
    name: text(station.name),
    short_name: text(station.stationCode),
    lat: station.lat,
    lon: station.lon,
    post_code: station.postcode,
    capacity: station.capacity,
    is_virtual_station: false,
  };
}

function gbfsStatus(station: PlannedStation, index: number, context: FileContext): Record<string, unknown> {
  const { mechanical, electric, docks } = context.model.counts(index);
  const v3 = context.dialect === "3.0";
  const reported = lastReported(station, index, context.atMs);
  return {
    station_id: String(station.stationId),
    [v3 ? "num_vehicles_available" : "num_bikes_available"]: mechanical + electric,
    vehicle_types_available: [
      { vehicle_type_id: TYPE_IDS.mechanical, count: mechanical },
      { vehicle_type_id: TYPE_IDS.electric, count: electric },
    ],
    num_docks_available: docks,
    num_docks_disabled: station.brokenDocks,
    is_installed: station.isInstalled,
    is_renting: station.isOpen,
    is_returning: station.isOpen,
    last_reported: v3 ? rfc3339(reported) : reported,
  };
}

function lastReported(station: PlannedStation, index: number, atMs: number): number {
  if (station.isSilent) return SILENT_SINCE + index;
  const bulk = Math.floor((atMs / 1000 - BULK_DELAY_SECONDS) / BULK_PERIOD_SECONDS) * BULK_PERIOD_SECONDS;
  return bulk - ((index * 37) % 600);
}

function rfc3339(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
}

function localised(text: string): readonly unknown[] {
  return [{ text, language: "fr" }];
}
