/** What a poll of a system brings. */
import type { StationStatusFile } from "../record/station.ts";

/** What the files of one poll say together. */
export interface Observation {
  readonly ok: true;
  readonly status: StationStatusFile;
  readonly transferredBytes: number;
  /** A file says `simulated: true`. */
  readonly simulated: boolean;
}
