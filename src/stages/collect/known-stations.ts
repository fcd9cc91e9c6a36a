/** Refuses `--stations` codes that the feed does not have, naming the nearest ones: a typo must not collect nothing. */
import { distance } from "fastest-levenshtein";
import type { StationInformation, StationStatusFile } from "../../record/station.ts";
import { unknownStations, type StationSelection } from "../../domain/station-selection.ts";
import { ConfigError } from "../../errors.ts";

/** Suggestions per unknown code. */
const NEAREST = 3;

/** @throws ConfigError (VELOSTREAM_STATIONS_UNKNOWN) */
export function requireKnownStations(
  selection: StationSelection,
  file: StationStatusFile,
  information: ReadonlyMap<string, StationInformation>,
): void {
  const { unknown, known } = unknownStations(selection, file, information);
  if (unknown.length === 0) return;
  const sentences = unknown.map((code) => `${code} (nearest: ${nearestCodes(code, known).join(", ")})`);
  throw new ConfigError(
    `--stations: the feed has no station ${sentences.join(", nor ")}. Correct the code, or leave --stations out for all.`,
    { code: "VELOSTREAM_STATIONS_UNKNOWN", details: { unknown } },
  );
}

function nearestCodes(code: string, known: readonly string[]): readonly string[] {
  return known
    .map((candidate) => ({ candidate, away: distance(code, candidate) }))
    .sort((a, b) => a.away - b.away || a.candidate.localeCompare(b.candidate, "en", { numeric: true }))
    .slice(0, NEAREST)
    .map(({ candidate }) => candidate);
}
