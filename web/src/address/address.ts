/**
 * What the address bar says: which area or station is open, what the map shows and where, the search and the order of
 * the table. Everything in it can be shared as a link; whatever it says that the page does not know is ignored.
 */
export const MEASURES = ["total", "electric", "mechanical", "docks"] as const;
export type Measure = (typeof MEASURES)[number];

const COLUMNS = ["area", "total", "electric", "mechanical", "docks", "changed"] as const;
export type Column = (typeof COLUMNS)[number];

export const RANGES = ["1h", "6h", "24h", "7d"] as const;
export type Range = (typeof RANGES)[number];

export interface MapView {
  readonly zoom: number;
  readonly lat: number;
  readonly lon: number;
}

export interface Address {
  /** Key of the open area. */
  readonly area: string | null;
  /** Key of the open station; it wins over an area. */
  readonly station: string | null;
  readonly feeds: boolean;
  readonly measure: Measure;
  readonly query: string;
  readonly sort: Column;
  readonly descending: boolean;
  readonly range: Range;
  /** null: the map shows everything. */
  readonly view: MapView | null;
}

export const START: Address = {
  area: null,
  station: null,
  feeds: false,
  measure: "total",
  query: "",
  sort: "area",
  descending: false,
  range: "1h",
  view: null,
};

export function parseAddress(search: string): Address {
  const params = new URLSearchParams(search);
  const sort = params.get("sort") ?? "";
  return {
    area: text(params.get("area")),
    station: text(params.get("station")),
    feeds: params.has("feeds"),
    measure: oneOf(MEASURES, params.get("show"), START.measure),
    query: (params.get("q") ?? "").slice(0, 100),
    sort: oneOf(COLUMNS, sort.replace(/^-/, ""), START.sort),
    descending: sort.startsWith("-"),
    range: oneOf(RANGES, params.get("range"), START.range),
    view: parseView(params.get("map")),
  };
}

/** The search part of the URL: empty for the start page, otherwise with its question mark. */
export function formatAddress(address: Address): string {
  const parts: string[] = [];
  const add = (name: string, value: string): void => {
    // Only what would break a query is escaped: `station=velib:123` stays readable.
    const escaped = encodeURIComponent(value)
      .replaceAll("%3A", ":")
      .replaceAll("%2F", "/")
      .replaceAll("%2C", ",");
    parts.push(value === "" ? name : `${name}=${escaped}`);
  };
  if (address.station !== null) add("station", address.station);
  else if (address.area !== null) add("area", address.area);
  else if (address.feeds) add("feeds", "");
  if (address.measure !== START.measure) add("show", address.measure);
  if (address.query !== "") add("q", address.query);
  if (address.sort !== START.sort || address.descending) {
    add("sort", `${address.descending ? "-" : ""}${address.sort}`);
  }
  if (address.range !== START.range) add("range", address.range);
  if (address.view !== null) {
    const { zoom, lat, lon } = address.view;
    add("map", `${zoom.toFixed(2)}/${lat.toFixed(5)}/${lon.toFixed(5)}`);
  }
  return parts.length === 0 ? "" : `?${parts.join("&")}`;
}

function parseView(value: string | null): MapView | null {
  const match = /^(\d+(?:\.\d+)?)\/(-?\d+(?:\.\d+)?)\/(-?\d+(?:\.\d+)?)$/.exec(value ?? "");
  if (match === null) return null;
  const [zoom, lat, lon] = match.slice(1).map(Number) as [number, number, number];
  return zoom <= 24 && Math.abs(lat) <= 85 && Math.abs(lon) <= 180 ? { zoom, lat, lon } : null;
}

function text(value: string | null): string | null {
  return value === null || value === "" ? null : value;
}

function oneOf<T extends string>(choices: readonly T[], value: string | null, otherwise: T): T {
  return choices.find((choice) => choice === value) ?? otherwise;
}

export function sameView(a: MapView, b: MapView | null): boolean {
  return b !== null && a.zoom === b.zoom && a.lat === b.lat && a.lon === b.lon;
}
