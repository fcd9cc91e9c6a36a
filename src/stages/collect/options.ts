/** The collectors' rows of the table of options: what is collected, and how. */
import type { OptionRow } from "../../config/option-types.ts";

/** Default feed: the alias that feed/ resolves to Vélib' Métropole's discovery. */
const DEFAULT_FEED = "velib";

/** Between two polls, ms: less is a mistake that a publisher would pay for. */
export const LEAST_INTERVAL_MS = 100;

export const COLLECT_OPTIONS = {
  feed: {
    kind: "list",
    metavar: "URL|SYSTEM",
    default: [DEFAULT_FEED],
    group: "feed",
    help: "Feed to collect: a gbfs.json, a station_status.json (station_information.json beside it), or a system's name.",
  },
  feeds: {
    kind: "string",
    metavar: "FILE|all",
    default: null,
    group: "feed",
    help: "Many systems: a YAML or CSV list, watched while running, or all of the catalogue.",
  },
  stations: {
    kind: "list",
    metavar: "all|CODES",
    default: ["all"],
    group: "feed",
    help: "Only these stations: codes or ids, comma separated.",
  },
  interval: {
    kind: "duration-or-auto",
    metavar: "DURATION|auto",
    default: "auto",
    least: LEAST_INTERVAL_MS,
    group: "feed",
    help: "Time between polls; auto learns how often the feed really changes.",
  },
  publish: {
    kind: "string",
    metavar: "WHEN",
    choices: ["changes", "every-poll"],
    default: "changes",
    group: "feed",
    help: "Publish a station when it changes, or at every poll.",
  },
  areas: {
    kind: "path",
    metavar: "FILE",
    default: null,
    group: "feed",
    help: "Areas of your own: GeoJSON polygons, or CSV of station,area; in UTF-8, UTF-16 or Windows-1252.",
  },
  "areas-property": {
    kind: "string",
    metavar: "NAME",
    default: null,
    group: "feed",
    help: "Property of the GeoJSON features that names the area (default: area, postcode or zip; else a code or name that differs in every feature).",
  },
  contact: {
    kind: "string",
    metavar: "ADDRESS",
    default: null,
    group: "feed",
    help: "Whom publishers can write to; sent with every request in the User-Agent.",
  },
  geocode: {
    kind: "flag",
    default: false,
    group: "feed",
    help: "Vélib' only: ask IGN's geocoder for postal codes (40 requests a second at most, kept on disk).",
  },
  catalogue: {
    kind: "string",
    metavar: "FILE|URL",
    default: null,
    group: "feed",
    help: "Another systems.csv than MobilityData's.",
  },
  "max-requests": {
    kind: "integer",
    metavar: "N",
    default: 64,
    least: 1,
    group: "feed",
    help: "Requests to publishers at once, 4 of them at most to one host.",
  },
  "allow-private-addresses": {
    kind: "flag",
    default: false,
    group: "feed",
    help: "Follow URLs to private addresses that catalogues and discovery files name.",
  },
  "allow-insecure-http": {
    kind: "flag",
    default: false,
    group: "feed",
    help: "Follow http URLs that catalogues and discovery files name.",
  },
} as const satisfies Record<string, OptionRow>;
