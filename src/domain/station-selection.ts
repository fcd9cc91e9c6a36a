/** Which stations are wanted (`--stations`): by the code painted on them or by their id. Pure. */
import type { RawRecord } from "../record/raw-record.ts";
import type { StationInformation, StationStatus, StationStatusFile } from "../record/station.ts";

/** A choice of stations; `null` chooses all. */
export type StationSelection = ReadonlySet<string> | null;

/** `all` (or nothing) chooses every station. */
export function stationSelection(codes: readonly string[]): StationSelection {
  return codes.length === 0 || codes.includes("all") ? null : new Set(codes);
}

export function isSelected(
  selection: StationSelection,
  station: Pick<StationStatus, "stationId" | "stationCode">,
  information: StationInformation | undefined,
): boolean {
  if (selection === null) return true;
  const code = station.stationCode ?? information?.stationCode ?? null;
  return selection.has(station.stationId) || (code !== null && selection.has(code));
}

/** The same of a record in the topic, where only the station's own code can tell. */
export function isSelectedRecord(selection: StationSelection, record: RawRecord): boolean {
  const code = record.value["stationCode"];
  const stationCode = typeof code === "string" || typeof code === "number" ? String(code) : null;
  return isSelected(selection, { stationId: record.stationId, stationCode }, undefined);
}

/** The chosen codes that a feed does not know, and the codes it does know (to name the nearest ones). */
export function unknownStations(
  selection: StationSelection,
  file: StationStatusFile,
  information: ReadonlyMap<string, StationInformation>,
): { readonly unknown: readonly string[]; readonly known: readonly string[] } {
  if (selection === null) return { unknown: [], known: [] };
  const ids = new Set<string>();
  const codes = new Set<string>();
  for (const { stationId, stationCode } of [...file.stations, ...information.values()]) {
    ids.add(stationId);
    if (stationCode !== null) codes.add(stationCode);
  }
  // A station whose record is broken is there all the same.
  for (const { stationId, record } of file.rejects) {
    if (stationId !== null) ids.add(stationId);
    const code = (record as { stationCode?: unknown } | null)?.stationCode;
    if (typeof code === "string" || typeof code === "number") codes.add(String(code));
  }
  return {
    unknown: [...selection].filter((code) => !codes.has(code) && !ids.has(code)),
    known: codes.size > 0 ? [...codes] : [...ids],
  };
}
