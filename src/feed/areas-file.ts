/**
 * Reads the user's `--areas` file: GeoJSON polygons named by a property, or a CSV of station → area.
 * A file that cannot be used whole is refused with the line or feature at fault: half an areas file would put
 * stations into `unknown` without a word.
 */
import { readFileSync } from "node:fs";
import { parse as parseCsv } from "csv-parse/sync";
import { ConfigError } from "../errors.ts";
import type { AreaLookup } from "../domain/areas.ts";
import { Polygons, type PolygonArea, type Ring } from "../domain/polygons.ts";

/** Tried in this order when the user names no property. */
const USUAL_PROPERTIES = [
  "area",
  "postcode",
  "post_code",
  "postal_code",
  "code_postal",
  "zip",
  "code",
  "c_ar",
  "name",
  "nom",
  "id",
] as const;
const STATION_COLUMNS = ["station_id", "station_code", "stationcode", "station", "id", "code"];
const AREA_COLUMNS = ["area", "postcode", "post_code", "postal_code", "code_postal", "zip"];
/** Boundaries of a whole country in full resolution are smaller. */
const LARGEST_FILE_BYTES = 256 * 1024 * 1024;

/**
 * Reads `path`.
 * @param property the GeoJSON property that names an area; the usual ones are tried when absent
 */
export function readAreasFile(path: string, property: string | null = null): AreaLookup {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new ConfigError(
      `The areas file ${path} cannot be read (${reason}). Check the path given to --areas.`,
      {
        cause: error,
      },
    );
  }
  if (bytes.length > LARGEST_FILE_BYTES) {
    throw new ConfigError(`The areas file ${path} is larger than 256 MiB. Simplify its polygons.`);
  }
  const text = bytes.toString("utf8").replace(/^\uFEFF/, "");
  return /^\s*[{[]/.test(text) ? fromGeoJson(path, text, property) : fromCsv(path, text);
}

// ───────────────────────────── GeoJSON ─────────────────────────────

type Json = Record<string, unknown>;

function fromGeoJson(path: string, text: string, property: string | null): AreaLookup {
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch (error) {
    throw new ConfigError(`The areas file ${path} is not JSON: ${(error as Error).message}. Mend the file.`, {
      cause: error,
    });
  }
  const features = object(root)?.["features"];
  if (!Array.isArray(features) || features.length === 0) {
    throw new ConfigError(
      `The areas file ${path} is no GeoJSON FeatureCollection with features. Export it as one.`,
    );
  }
  const name = property ?? usualProperty(path, features);
  const areas = features.map((feature: unknown, index): PolygonArea => {
    const where = `feature ${index} of the areas file ${path}`;
    const value = object(object(feature)?.["properties"])?.[name];
    if ((typeof value !== "string" && typeof value !== "number") || String(value).trim() === "") {
      throw new ConfigError(`Property "${name}" is missing in ${where}. Name another with --areas-property.`);
    }
    return { area: String(value).trim(), rings: rings(object(object(feature)?.["geometry"]), where) };
  });
  const polygons = new Polygons(areas);
  return {
    find: (information) =>
      information === undefined || information.lat === null || information.lon === null
        ? null
        : polygons.at(information.lat, information.lon),
    at: (lat, lon) => polygons.at(lat, lon),
  };
}

/** The first usual property that every feature has. */
function usualProperty(path: string, features: readonly unknown[]): string {
  const properties = features.map((feature) => object(object(feature)?.["properties"]) ?? {});
  const found = USUAL_PROPERTIES.find((name) =>
    properties.every((p) => p[name] !== undefined && p[name] !== null),
  );
  if (found !== undefined) return found;
  const names = Object.keys(properties[0] ?? {});
  throw new ConfigError(
    `No property of the areas file ${path} is known to name areas (it has ${names.join(", ") || "none"}). ` +
      "Name one with --areas-property.",
  );
}

function rings(geometry: Json | null, where: string): Ring[] {
  const coordinates = geometry?.["coordinates"];
  if (geometry?.["type"] === "Polygon") return polygon(coordinates, where);
  if (geometry?.["type"] === "MultiPolygon" && Array.isArray(coordinates)) {
    return coordinates.flatMap((part: unknown) => polygon(part, where));
  }
  const type = JSON.stringify(geometry?.["type"] ?? null);
  throw new ConfigError(
    `The geometry of ${where} is ${type}, not a Polygon or MultiPolygon. Remove the feature.`,
  );
}

function polygon(value: unknown, where: string): Ring[] {
  const malformed = new ConfigError(
    `The coordinates of ${where} are malformed. They must be rings of at least four [longitude, latitude] pairs.`,
  );
  if (!Array.isArray(value) || value.length === 0) throw malformed;
  return value.map((ring: unknown): Ring => {
    if (!Array.isArray(ring) || ring.length < 4) throw malformed;
    return ring.map((position: unknown): readonly [number, number] => {
      const [lon, lat]: unknown[] = Array.isArray(position) ? position : [];
      if (typeof lon !== "number" || typeof lat !== "number") throw malformed;
      // Projected coordinates (metres) would silently put every station outside.
      if (Math.abs(lon) > 180 || Math.abs(lat) > 90) {
        throw new ConfigError(
          `The coordinates of ${where} are not degrees. Export the file as WGS 84 (EPSG:4326).`,
        );
      }
      return [lon, lat];
    });
  });
}

function object(value: unknown): Json | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : null;
}

// ───────────────────────────── CSV ─────────────────────────────

function fromCsv(path: string, text: string): AreaLookup {
  let rows: { record: string[]; info: { lines: number } }[];
  try {
    rows = parseCsv(text, {
      delimiter: [",", ";", "\t"],
      trim: true,
      skip_empty_lines: true,
      info: true,
      relax_column_count: true,
    }) as unknown as typeof rows;
  } catch (error) {
    throw new ConfigError(`The areas file ${path} is not CSV: ${(error as Error).message}. Mend the file.`, {
      cause: error,
    });
  }
  const header = (rows[0]?.record ?? []).map((name) => name.toLowerCase());
  const stationColumn = header.findIndex((name) => STATION_COLUMNS.includes(name));
  const areaColumn = header.findIndex((name) => AREA_COLUMNS.includes(name));
  if (stationColumn === -1 || areaColumn === -1) {
    throw new ConfigError(
      `Line 1 of the areas file ${path} must name its columns, one of ${STATION_COLUMNS.slice(0, 2).join(" or ")} ` +
        `and one of ${AREA_COLUMNS.slice(0, 2).join(" or ")}. Write "station_id,area" as its first line.`,
    );
  }
  const areaOf = new Map<string, string>();
  for (const { record, info } of rows.slice(1)) {
    const [station, area] = [record[stationColumn] ?? "", record[areaColumn] ?? ""];
    const where = `line ${info.lines} of the areas file ${path}`;
    if (station === "" || area === "")
      throw new ConfigError(`Station or area is empty on ${where}. Fill it in.`);
    const other = areaOf.get(station);
    if (other !== undefined && other !== area) {
      throw new ConfigError(
        `Station ${station} gets ${area} on ${where}, but ${other} before. Keep one of them.`,
      );
    }
    areaOf.set(station, area);
  }
  return {
    find: (information, stationCode, stationId) =>
      areaOf.get(stationId) ?? areaOf.get(stationCode ?? information?.stationCode ?? "") ?? null,
    at: () => null,
  };
}
