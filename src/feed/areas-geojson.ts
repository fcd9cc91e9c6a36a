/**
 * Areas as GeoJSON polygons, each named by a property of its feature. A file that cannot be used whole is refused with
 * the feature at fault: half of its areas would put stations into `unknown` without a word.
 */
import { postcodeName } from "../domain/area-names.ts";
import { Polygons, type PolygonArea, type Ring } from "../domain/polygons.ts";
import { ConfigError } from "../errors.ts";
import { areaProperty } from "./area-property.ts";
import type { AreasOfFile } from "./areas-of-file.ts";

type Json = Record<string, unknown>;

/** @param property that names an area; the likeliest one when null */
export function areasOfGeoJson(
  path: string,
  text: string,
  encoding: string,
  property: string | null,
): AreasOfFile {
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch (error) {
    throw new ConfigError(
      `The areas file ${path} is not JSON: ${(error as Error).message}. Correct the file.`,
      {
        cause: error,
      },
    );
  }
  const features = object(root)?.["features"];
  if (!Array.isArray(features) || features.length === 0) {
    throw new ConfigError(
      `The areas file ${path} is no GeoJSON FeatureCollection with features. Export it as one.`,
    );
  }
  const properties = features.map((feature) => object(object(feature)?.["properties"]) ?? {});
  const name = property ?? areaProperty(properties);
  const has = Object.keys(properties[0] ?? {}).join(", ") || "none";
  if (name === null)
    throw new ConfigError(
      `No property of the areas file ${path} is known to name areas (it has ${has}). Name one with --areas-property.`,
    );
  const areas = features.map((feature: unknown, index): PolygonArea => {
    const where = `feature ${index} of the areas file ${path}`;
    const value = properties[index]?.[name];
    const area = typeof value === "string" || typeof value === "number" ? nameOf(value) : null;
    if (area === null)
      throw new ConfigError(
        `Property "${name}" is missing in ${where} (the first feature has ${has}). Name another with --areas-property.`,
      );
    return { area, rings: rings(object(object(feature)?.["geometry"]), where) };
  });
  const polygons = new Polygons(areas);
  const count = new Set(areas.map(({ area }) => area)).size;
  return {
    find: (information) =>
      information === undefined || information.lat === null || information.lon === null
        ? null
        : polygons.at(information.lat, information.lon),
    at: (lat, lon) => polygons.at(lat, lon),
    summary:
      `The areas file ${path} (GeoJSON, ${encoding}) has ${areas.length} features and ${count} areas, ` +
      `named by property "${name}"; --areas-property names another (there are ${has}).`,
    warning: null,
  };
}

/** A number is what the file counts by: an area may be number 0. */
function nameOf(value: string | number): string | null {
  return typeof value === "number" ? String(value) : postcodeName(value);
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
