/** Areas as a CSV of station → area. A row that cannot be used costs its own station only, and is named. */
import { parse as parseCsv } from "csv-parse/sync";
import { postcodeName } from "../domain/area-names.ts";
import { ConfigError } from "../errors.ts";
import type { AreasOfFile } from "./areas-of-file.ts";

const STATION_COLUMNS = ["station_id", "station_code", "stationcode", "station", "id", "code"];
const AREA_COLUMNS = ["area", "postcode", "post_code", "postal_code", "code_postal", "zip"];
/** Lines that a warning names. */
const LINES_NAMED = 5;

export function areasOfCsv(path: string, text: string, encoding: string): AreasOfFile {
  let rows: { record: string[]; info: { lines: number } }[];
  try {
    rows = parseCsv(withoutSeparatorLine(text), {
      delimiter: [",", ";", "\t"],
      trim: true,
      skip_empty_lines: true,
      info: true,
      relax_column_count: true,
    }) as unknown as typeof rows;
  } catch (error) {
    throw new ConfigError(
      `The areas file ${path} is not CSV: ${(error as Error).message}. Correct the file.`,
      {
        cause: error,
      },
    );
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
  const skipped: number[] = [];
  for (const { record, info } of rows.slice(1)) {
    const station = record[stationColumn] ?? "";
    const area = postcodeName(record[areaColumn] ?? "");
    if (station === "" || area === null) {
      skipped.push(info.lines);
      continue;
    }
    const other = areaOf.get(station);
    if (other !== undefined && other !== area) {
      throw new ConfigError(
        `Station ${station} gets ${area} on line ${info.lines} of the areas file ${path}, but ${other} before. Keep one of them.`,
      );
    }
    areaOf.set(station, area);
  }
  if (areaOf.size === 0)
    throw new ConfigError(`The areas file ${path} gives no station an area. Write a line for each station.`);
  const areas = new Set(areaOf.values()).size;
  return {
    find: (information, stationCode, stationId) =>
      areaOf.get(stationId) ?? areaOf.get(stationCode ?? information?.stationCode ?? "") ?? null,
    at: () => null,
    summary: `The areas file ${path} (CSV, ${encoding}) puts ${areaOf.size} stations into ${areas} areas.`,
    warning: skipped.length === 0 ? null : warningOf(path, skipped),
  };
}

/** Excel's own first line, `sep=;`: left empty, so that lines keep their numbers. */
function withoutSeparatorLine(text: string): string {
  return text.replace(/^sep=[^\r\n]/i, "");
}

function warningOf(path: string, lines: readonly number[]): string {
  const named = lines.slice(0, LINES_NAMED).join(", ");
  const more = lines.length > LINES_NAMED ? ` and ${lines.length - LINES_NAMED} more` : "";
  return lines.length === 1
    ? `Line ${named} of the areas file ${path} names no station or no area: only that line is left out. Fill it in.`
    : `Lines ${named}${more} of the areas file ${path} name no station or no area: only these are left out. Fill them in.`;
}
