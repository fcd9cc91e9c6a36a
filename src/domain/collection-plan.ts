/** What a poll makes to be published, and what is remembered of a station once that is acknowledged (collection.ts). */
import type {
  AreaRule,
  StationArea,
  StationInformation,
  StationStatus,
  SystemPart,
} from "../record/station.ts";
import type { OtherWriter } from "../record/writer.ts";

export type PublishMode = "changes" | "every-poll";

/** One poll's stations, decoded and filtered. */
export interface Observed {
  readonly observedAtMs: number;
  readonly stations: readonly StationStatus[];
  /** Stations in the feed whose record was rejected: present, but without a new observation. */
  readonly unreadable: ReadonlySet<string>;
  /** Parts of the system that the poll did not see whole: what is absent from them stands as it was. */
  readonly unobserved?: readonly SystemPart[];
  readonly information: ReadonlyMap<string, StationInformation>;
  /** Partitions of the raw topic now. */
  readonly partitionCount: number;
  /** Stations in the feed that are not wanted here: a selection is not a feed, and they are not absent. */
  readonly unwanted?: ReadonlySet<string>;
}

export interface CollectionOptions {
  readonly systemId: string;
  readonly mode: PublishMode;
  readonly simulated: boolean;
  readonly resolveArea: (
    information: StationInformation | undefined,
    stationCode: string | null,
    stationId: string,
  ) => StationArea;
  /** When this collector started: of two that disagree where a station is, the one that started last decides. */
  readonly startedMs?: number;
}

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
  /** Stations that another collector took out of the topic and that the feed still has: published again by this plan. */
  readonly returned: ReadonlyMap<string, OtherWriter>;
  /** Stations that another collector, at work now, puts into another area than this one does. */
  readonly contested: ReadonlyMap<string, OtherWriter>;
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
  /** What the next record of it says; `displaced` of published-stations.ts where the topic does not say so yet. */
  slot: number;
  readonly partition: number;
  /** Digest of what was last published; null after a restore, until the first poll confirms or replaces it. */
  content: number | null;
  information: StationInformation | undefined;
  /** Of what was last published. */
  readonly observedAtMs: number;
  /** False: in the topic, but not wanted here (`--stations`). It keeps its slot, and is never retired from here. */
  readonly wanted: boolean;
  /** Another collector wrote it last, and what it said; null: this one did, or an earlier run. */
  readonly foreign: Foreign | null;
}

/** The last word of another collector about a station. */
export interface Foreign {
  readonly writer: OtherWriter;
  /** Digest of the record as written (change-detection.ts); null once a poll has confirmed it. */
  digest: number | null;
}
