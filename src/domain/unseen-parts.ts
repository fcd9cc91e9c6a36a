/** What a poll did not see of its system, from an earlier poll that did, where only one of the two is published. */
import { partOf } from "./free-floating.ts";
import type { StationStatusFile } from "../record/station.ts";

/**
 * The newer poll, with the parts that only the earlier one saw.
 * @param earlier was not published, and will not be: the newer one takes its place
 */
export function carriedOver(earlier: StationStatusFile, newer: StationStatusFile): StationStatusFile {
  const seenBefore = (newer.unobserved ?? []).filter((part) => earlier.unobserved?.includes(part) !== true);
  if (seenBefore.length === 0) return newer;
  const ids = new Set(newer.stations.map(({ stationId }) => stationId));
  for (const { stationId } of newer.rejects) if (stationId !== null) ids.add(stationId);
  const wanted = (stationId: string): boolean =>
    !ids.has(stationId) && seenBefore.includes(partOf(stationId));
  const unobserved = newer.unobserved?.filter((part) => !seenBefore.includes(part)) ?? [];
  return {
    ...newer,
    stations: [...newer.stations, ...earlier.stations.filter(({ stationId }) => wanted(stationId))],
    rejects: [
      ...newer.rejects,
      ...earlier.rejects.filter(({ stationId }) => stationId !== null && wanted(stationId)),
    ],
    unobserved,
  };
}
