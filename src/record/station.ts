/**
 * One station as every GBFS version and dialect is decoded to: the only model the rest of the program knows.
 * Snake_case and version differences stay in the decoders.
 */
import type { CountsMade, InformationValues } from "./station-parts.ts";

/**
 * What `station_status` says of one station at one poll: the counts that go into its record (station-fields.ts; null where
 * the feed does not say, never invented), and what deciding on them takes. Times are epoch ms.
 */
export interface StationSaid extends CountsMade {
  /** GBFS `station_id`, always a string: Vélib' serves numbers above int32. */
  readonly stationId: string;
  /** The number painted on the station (Vélib' `stationCode`), where the feed has one. */
  readonly stationCode: string | null;
  readonly isInstalled: boolean | null;
  readonly isRenting: boolean | null;
  readonly isReturning: boolean | null;
  /** Informative only: never order or deduplicate on it (Vélib' changes counts without moving it). */
  readonly lastReportedMs: number | null;
  /** The feed's own object, every field as served. */
  readonly source: Readonly<Record<string, unknown>>;
}

/** The same with its digests (change-detection.ts): the one model that everybody takes. */
export interface StationStatus extends StationSaid {
  /**
   * A number for what it says: two observations that say the same have the same, others differ but for one in 2^53. Kept
   * instead of the observation itself: a tenth of the memory of many systems.
   */
  readonly contentDigest: number;
  /** A number of 32 bits for who the station is, its counts, and whether it rents. */
  readonly countsDigest: number;
}

/** What `station_information` says of one station: what goes into its record, and what decides on its area. */
export interface StationInformation extends InformationValues {
  readonly stationId: string;
  readonly stationCode: string | null;
  /** The feed's `post_code`, as served. */
  readonly postCode: string | null;
  readonly regionId: string | null;
}

/** Why one piece of a feed could not be used. Rejects are published, counted, and never cost the others. */
export interface Reject {
  /** Stable snake_case word: metric label and `reason` of the rejects topic. */
  readonly reason: string;
  /** JSON path inside the file, e.g. `data.stations[12].num_bikes_available`. */
  readonly path: string;
  /** The station it belongs to, where that much could be read: such a station is present, not absent. */
  readonly stationId: string | null;
  /** The offending record as served. */
  readonly record: unknown;
}

/** What a system's polls are made of: its stations, and the vehicles that stand by themselves. */
export type SystemPart = "stations" | "vehicles";

/** One decoded `station_status` file. */
export interface StationStatusFile {
  /** Declared `version`, or null (Vélib' and 1.0 declare none). */
  readonly version: string | null;
  /** Header `last_updated` (or Vélib' `lastUpdatedOther`), epoch ms. */
  readonly lastUpdatedMs: number | null;
  readonly ttlSeconds: number | null;
  readonly stations: readonly StationStatus[];
  readonly rejects: readonly Reject[];
  /** Oddities that cost nothing but are counted, e.g. `split_disagrees_with_total` → 3. */
  readonly oddities: Readonly<Record<string, number>>;
  /**
   * Parts of which a file could not be had at this poll: what is missing from them has not left, it was not seen, and
   * stands as it was. None where absent.
   */
  readonly unobserved?: readonly SystemPart[];
}

/** One decoded `station_information` file. */
export interface StationInformationFile {
  readonly version: string | null;
  readonly lastUpdatedMs: number | null;
  readonly ttlSeconds: number | null;
  readonly stations: readonly StationInformation[];
  readonly rejects: readonly Reject[];
  /** Oddities that cost nothing but are counted, e.g. `station_without_position` → 2. */
  readonly oddities: Readonly<Record<string, number>>;
}

/** Which rule gave a station its area (docs/contracts.md, "From station to area"). */
export type AreaRule =
  | "feed_post_code"
  | "areas_file"
  | "reverse_geocoding"
  | "station_code"
  | "region"
  | "system"
  | "unknown";

/** The area of a station and the rule that answered. */
export interface StationArea {
  readonly area: string;
  readonly rule: AreaRule;
}
