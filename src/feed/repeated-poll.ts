/**
 * What a system's one status file said at the last poll, decoded: while the file stays as it is (a 304, the same bytes), and
 * so does what it was decoded with, every poll observes the same again and need not read it again.
 *
 *   decoded ─▶ room? ─▶ kept ──places or types are others, or the file──▶ read and decoded anew
 */
import type { Propulsion } from "../domain/gbfs/propulsion.ts";
import type { StationInformation } from "../record/station.ts";
import type { Observation } from "./observation.ts";

/** What a status file is decoded with. */
export interface DecodedWith {
  readonly information: ReadonlyMap<string, StationInformation>;
  readonly types: ReadonlyMap<string, Propulsion>;
}

export class RepeatedPoll {
  /** Whether so many stations may be kept beside those of other systems. */
  readonly #room: (stations: number) => boolean;
  #kept: { readonly observation: Observation; readonly by: DecodedWith } | null = null;

  constructor(room: (stations: number) => boolean) {
    this.#room = room;
  }

  /** The observation, as long as it would be decoded to the same. */
  again({ information, types }: DecodedWith): Observation | null {
    const kept = this.#kept;
    if (kept === null || kept.by.information !== information || kept.by.types !== types) return null;
    return kept.observation;
  }

  keep(observation: Observation, { information, types }: DecodedWith): void {
    const { stations, oddities } = observation.status;
    // A station that the information does not know is asked for again: such a poll is not done with.
    const settled = (oddities["station_without_information"] ?? 0) === 0;
    if (settled && this.#room(stations.length)) this.#kept = { observation, by: { information, types } };
    else this.forget();
  }

  forget(): void {
    this.#kept = null;
    this.#room(0);
  }
}
