/** What feeds give the collector: who a system is, its polls, what is wrong with its files and what asking them costs. */
import type { SystemAlert } from "./domain/gbfs/system-files.ts";
import type { Reject, StationArea, StationInformation, StationStatusFile } from "./record/station.ts";

/** Something that is wrong with a feed and stops nothing: told as a flag, in the log and by `doctor`. */
export interface FeedProblem {
  /** A word of domain/feed-truth.ts. */
  readonly flag: "file_unavailable" | "higher_version_unusable";
  /** Which file or version: the same subject and outcome are the same problem. */
  readonly subject: string;
  readonly outcome: string;
  readonly message: string;
  readonly sinceMs: number;
}

/** What requests for any file have cost the publisher so far, and what asking politely has saved. */
export interface FeedTraffic {
  readonly requests: number;
  /** Requests answered with 304: nothing new, nothing transferred. */
  readonly notModified: number;
  readonly transferredBytes: number;
  /** Bytes of bodies that a 304 or compression did not transfer. */
  readonly savedBytes: number;
}

/** Who a system is, as far as its feed says. */
export interface SystemDescription {
  /** `velib` for Vélib' Métropole, else the feed's or catalogue's `system_id`. */
  readonly systemId: string;
  readonly name: string;
  readonly timezone: string | null;
  readonly attribution: string | null;
  readonly licenseUrl: string | null;
  /** The feed labels itself simulated (`velostream simulate`). */
  readonly simulated: boolean;
}

/** The outcome of one poll. A failure is a value: it never stops the collector. */
export type Poll =
  | {
      readonly kind: "changed";
      /** When the fetch completed, epoch ms: the `observed_at` of every record of this poll. */
      readonly observedAtMs: number;
      readonly status: StationStatusFile;
      /** Compressed bytes as transferred. */
      readonly transferredBytes: number;
      readonly durationMs: number;
    }
  | {
      /** 304, or a body identical to the last one. `status` is that last file: every station was observed again. */
      readonly kind: "unchanged";
      readonly observedAtMs: number;
      readonly status: StationStatusFile;
      readonly transferredBytes: number;
      readonly durationMs: number;
    }
  | {
      readonly kind: "failed";
      readonly observedAtMs: number;
      /** Stable word for metrics, e.g. `dns`, `refused`, `timeout`, `http_503`, `not_json`, `too_large`. */
      readonly outcome: string;
      /** One sentence naming host and remedy. */
      readonly message: string;
      /** The server's `Retry-After`, ms from now. */
      readonly retryAfterMs: number | null;
      readonly durationMs: number;
    }
  | { readonly kind: "ended" };

/** A source of polls: a live feed over HTTP, or a recording. */
export interface FeedSource {
  /** Discovers the system. Rejects with a FeedError when the feed cannot be understood at all. */
  describe(signal?: AbortSignal): Promise<SystemDescription>;
  /** Station information by station id: refreshed on its own slower schedule, by the source. */
  information(): ReadonlyMap<string, StationInformation>;
  readonly traffic?: FeedTraffic;
  /** The publisher's notices to riders, as last read. */
  alerts?(): readonly SystemAlert[];
  /** What is wrong with the feed now and stops nothing. */
  problems?(): readonly FeedProblem[];
  /** The stations carry Vélib' codes, whatever the system is called: known once described. */
  readonly usesVelibCodes?: boolean;
  /** Region id → name, as far as known; without it regions go by their ids. */
  regionNames?(): ReadonlyMap<string, string>;
  /** Tells the source which area a vehicle that stands by itself is counted in, once the system is known. */
  placeVehicles?(resolvePosition: (lat: number | null, lon: number | null) => StationArea): void;
  /** Rejects found in the information file since the last call. */
  takeInformationRejects(): readonly Reject[];
  /** One poll, now. Never rejects. */
  poll(signal?: AbortSignal): Promise<Poll>;
  close(): Promise<void>;
}
