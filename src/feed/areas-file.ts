/** Reads the user's `--areas` file: GeoJSON polygons named by a property, or a CSV of station → area. */
import { readFileSync } from "node:fs";
import { ConfigError } from "../errors.ts";
import { areasOfCsv } from "./areas-csv.ts";
import { areasOfGeoJson } from "./areas-geojson.ts";
import type { AreasOfFile } from "./areas-of-file.ts";
import { decodeText } from "./text-encoding.ts";

/** Boundaries of a whole country in full resolution are smaller. */
const LARGEST_FILE_BYTES = 256 * 1024 * 1024;

/**
 * Reads `path`.
 * @param property the GeoJSON property that names an area; the likeliest one when absent
 * @throws ConfigError that names the file, the place and the remedy
 */
export function readAreasFile(path: string, property: string | null = null): AreasOfFile {
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
  const read = decodeText(bytes);
  if (read === null)
    throw new ConfigError(
      `The areas file ${path} is neither UTF-8 nor UTF-16 nor Windows-1252: its names would come out wrong. Save it as UTF-8.`,
    );
  return /^\s*[{[]/.test(read.text)
    ? areasOfGeoJson(path, read.text, read.encoding, property)
    : areasOfCsv(path, read.text, read.encoding);
}
