/** What a poll makes to be published, and what is remembered of a station once that is acknowledged (collection.ts). */
import type { AreaRule, StationInformation } from "./station.ts";

/** One record to publish; `value` null is a tombstone. */
export interface PlannedRecord {
  readonly key: string;
  readonly value: string | null;
  readonly partition: number;
}

/** What to publish after a poll, and what to remember once that is acknowledged. */
export interface Plan {
  readonly records: readonly PlannedRecord[];
  /** Stations whose observation is published, retired or moved by this plan. */
  readonly published: number;
  readonly retired: number;
  readonly moved: number;
  /** Of the retired: stations that have come with other ids (renumbering.ts). */
  readonly renumbered: number;
  readonly remember: readonly Remembered[];
}

export interface Remembered {
  readonly stationId: string;
  /** null: the station is gone. */
  readonly station: Published | null;
}

export interface Published {
  /** Of its raw records: one text for all of them. */
  readonly key: string;
  /** Its id stands as a number in what was last published. */
  readonly numericId: boolean;
  readonly area: string;
  readonly areaRule: AreaRule | null;
  readonly slot: number;
  readonly partition: number;
  /** Digest of what was last published; null after a restore, until the first poll confirms or replaces it. */
  readonly content: number | null;
  information: StationInformation | undefined;
  /** Of what was last published. */
  readonly observedAtMs: number;
}
