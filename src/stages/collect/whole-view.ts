/** What a poll shows of the whole system, for judging the feed: vehicles that it did not see stand as they were. */
import { isFreeFloating } from "../../domain/free-floating.ts";
import type { StationStatus, StationStatusFile } from "../../record/station.ts";

export class WholeView {
  /** Of the last poll that saw them: few, one an area. The stations are not kept, they are many. */
  #vehicles: readonly StationStatus[] = [];

  /** @returns null where the stations were not seen: such a poll says nothing of the feed */
  of({ stations, unobserved = [] }: StationStatusFile): readonly StationStatus[] | null {
    if (unobserved.includes("stations")) return null;
    if (unobserved.includes("vehicles")) {
      const real = stations.filter(({ stationId }) => !isFreeFloating(stationId));
      return [...real, ...this.#vehicles];
    }
    this.#vehicles = stations.filter(({ stationId }) => isFreeFloating(stationId));
    return stations;
  }
}
