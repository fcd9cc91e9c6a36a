/**
 * Exports of Paris' open data (`velib-disponibilite-en-temps-reel`) as captures: a table of every station, its columns
 * named in French or as in the dataset's API, becomes the station_status and station_information that it was made of.
 */
import { parse as parseCsv } from "csv-parse/sync";

export interface OpenDataCapture {
  /** A station_status in Vélib's dialect; the time of its newest row is its header. */
  readonly status: unknown;
  readonly information: unknown;
}

/** What a column says, by its name in small letters without accents, blanks or signs. */
const COLUMNS: Readonly<Record<string, string>> = {
  identifiantstation: "code",
  stationcode: "code",
  stationid: "code",
  nomstation: "name",
  name: "name",
  stationenfonctionnement: "installed",
  isinstalled: "installed",
  capacitedelastation: "capacity",
  capacity: "capacity",
  nombrebornetteslibres: "docks",
  numdocksavailable: "docks",
  nombretotalvelosdisponibles: "bikes",
  numbikesavailable: "bikes",
  velosmecaniquesdisponibles: "mechanical",
  mechanical: "mechanical",
  veloselectriquesdisponibles: "ebike",
  ebike: "ebike",
  bornedepaiementdisponible: "renting",
  isrenting: "renting",
  retourvelibpossible: "returning",
  isreturning: "returning",
  actualisationdeladonnee: "reported",
  duedate: "reported",
  timestamp: "reported",
  coordonneesgeographiques: "position",
  coordonneesgeo: "position",
};
/** A time of day without its zone would be read as this machine's. */
const ZONED = /(?:Z|[+-]\d\d:?\d\d)$/;

/** @returns null when the text is no such table */
export function openDataCapture(text: string): OpenDataCapture | null {
  const plain = text.replace(/^\uFEFF/, "");
  const [head = ""] = plain.split("\n", 1);
  const delimiter =
    [";", "\t", ","].toSorted((a, b) => head.split(b).length - head.split(a).length)[0] ?? ";";
  const columns = (names: readonly string[]): string[] => names.map((name) => COLUMNS[folded(name)] ?? name);
  let rows: Record<string, string>[];
  try {
    rows = parseCsv(plain, {
      columns,
      delimiter,
      trim: true,
      skip_empty_lines: true,
      relax_column_count: true,
    });
  } catch {
    return null;
  }
  const [first] = rows;
  if (first?.["code"] === undefined || first["bikes"] === undefined) return null;
  const newestMs = Math.max(...rows.map((row) => reportedMs(row) ?? -Infinity));
  return {
    status: {
      ...(newestMs === -Infinity ? {} : { lastUpdatedOther: Math.floor(newestMs / 1000) }),
      data: { stations: rows.map(statusOf) },
    },
    information: { data: { stations: rows.map(informationOf) } },
  };
}

function folded(name: string): string {
  return name
    .normalize("NFD")
    .toLowerCase()
    .replace(/[^a-z0-9]/g, "");
}

function statusOf(row: Readonly<Record<string, string>>): Readonly<Record<string, unknown>> {
  const bikes = numberOf(row["bikes"]);
  const docks = numberOf(row["docks"]);
  const reported = reportedMs(row);
  return {
    station_id: row["code"],
    stationCode: row["code"],
    num_bikes_available: bikes,
    numBikesAvailable: bikes,
    num_bikes_available_types: [
      { mechanical: numberOf(row["mechanical"]) },
      { ebike: numberOf(row["ebike"]) },
    ],
    num_docks_available: docks,
    numDocksAvailable: docks,
    is_installed: flag(row["installed"]),
    is_renting: flag(row["renting"]),
    is_returning: flag(row["returning"]),
    ...(reported === null ? {} : { last_reported: Math.floor(reported / 1000) }),
  };
}

function informationOf(row: Readonly<Record<string, string>>): Readonly<Record<string, unknown>> {
  const [lat, lon] = (row["position"] ?? "").split(",").map(numberOf);
  const { code, name } = row;
  return { station_id: code, stationCode: code, name, lat, lon, capacity: numberOf(row["capacity"]) };
}

/** What is no number stays as it is: the record is rejected with it. */
function numberOf(text: string | undefined): unknown {
  const value = text?.trim() ?? "";
  return /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value === "" ? null : value;
}

function flag(text: string | undefined): boolean | null {
  if (/^(oui|yes|true|1)$/i.test(text ?? "")) return true;
  return /^(non|no|false|0)$/i.test(text ?? "") ? false : null;
}

function reportedMs(row: Readonly<Record<string, string>>): number | null {
  const text = row["reported"] ?? "";
  const timeMs = ZONED.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(timeMs) ? null : timeMs;
}
