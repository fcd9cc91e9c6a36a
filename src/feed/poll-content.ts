/** Whether a poll says something else than the last one did, part by part: what was not seen has not changed. */
import { stationsDigest } from "../record/change-detection.ts";
import { isFreeFloating } from "../domain/free-floating.ts";
import type { StationStatus, StationStatusFile, SystemPart } from "../record/station.ts";

export class PollContent {
  readonly #digests = new Map<SystemPart, number>();

  /** Nothing was polled yet. */
  get unknown(): boolean {
    return this.#digests.size === 0;
  }

  /** Takes the content of a poll. */
  changed({ stations, unobserved = [] }: StationStatusFile): boolean {
    const of: Readonly<Record<SystemPart, (station: StationStatus) => boolean>> = {
      stations: ({ stationId }) => !isFreeFloating(stationId),
      vehicles: ({ stationId }) => isFreeFloating(stationId),
    };
    let changed = false;
    for (const part of ["stations", "vehicles"] as const) {
      if (unobserved.includes(part)) continue;
      const digest = stationsDigest(stations.filter(of[part]));
      if (this.#digests.get(part) !== digest) changed = true;
      this.#digests.set(part, digest);
    }
    return changed;
  }
}
