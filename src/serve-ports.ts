/**
 * The interfaces that the server (http/) asks its answers of, beside the log: how the polled systems are doing,
 * what the archive knows, and what is unwell. All optional: `serve` alone answers from the log.
 *
 *   collect ──SystemStatusSource──▶ http/ ◀──HistoryQueries── history/
 *                                     ▲
 *   log, archive, … ──HealthCheck─────┘
 */
import type { Delta } from "./domain/change-journal.ts";
import type { FeedContent } from "./domain/feed-truth.ts";
import type { SystemAlert } from "./domain/gbfs/system-files.ts";
import type { FeedTraffic, SystemDescription } from "./feed-ports.ts";

/** Keeps a live view in step with the log (stages/view). */
export interface LiveFollower {
  /** Resolves when everything that was in the log at the start has been read. */
  readonly whenCaughtUp: Promise<void>;
  /** Calls `listener` after each batch that changed something. @returns stops it */
  subscribe(listener: (delta: Delta) => void): () => void;
}

// ───────────────────────────── Systems ─────────────────────────────

/** A reason to distrust a system's feed, raised by the collector and lowered when it is over. */
export interface SystemFlag {
  /** Stable snake_case word, e.g. `header_moves_content_does_not` (docs/quirks.md). */
  readonly flag: string;
  readonly sinceMs: number;
  /** One sentence for people. */
  readonly message: string;
}

/** Records of the last poll that could not be used, by reason. Each is kept in the rejects topic. */
export interface RejectCount {
  /** Stable snake_case word: `reason` of the rejects topic. */
  readonly reason: string;
  readonly count: number;
  /** Where the first of them is in the file, e.g. `data.stations[12].num_bikes_available`. */
  readonly firstPath: string;
}

/** What the collector in this process knows of one system it polls. */
export interface SystemStatus {
  readonly description: SystemDescription;
  /**
   * `waiting`: not polled yet; `stopped`: no longer polled, `lastPoll.message` says why; `unknown`: another process
   * polled it, and tells of it no more.
   */
  readonly state: "waiting" | "live" | "failing" | "stopped" | "unknown";
  /** When a poll last succeeded, changed or not: every station was observed then. */
  readonly observedAtMs: number | null;
  readonly lastPoll: {
    readonly atMs: number;
    /** `changed`, `unchanged`, or a failed Poll's `outcome`. */
    readonly outcome: string;
    readonly message: string | null;
  } | null;
  readonly nextPollAtMs: number | null;
  readonly pollIntervalMs: number | null;
  /** Of when the content is, by what the feed tells; null before the first poll. */
  readonly content?: FeedContent | null;
  /** How often the content really changes, as learnt; null until known. */
  readonly changePeriodMs: number | null;
  /** Since this process began to poll; null where the source counts none (a recording). */
  readonly traffic: FeedTraffic | null;
  readonly flags: readonly SystemFlag[];
  readonly rejects: readonly RejectCount[];
  /** The publisher's notices to riders. */
  readonly alerts?: readonly SystemAlert[];
}

/** Implemented by the collector, and by whoever follows the topic of feeds. */
export interface SystemStatusSource {
  statuses(): readonly SystemStatus[];
}

// ───────────────────────────── Health ─────────────────────────────

/** One thing `/readyz` asks. Cheap and synchronous: it is called at every probe. */
export interface HealthCheck {
  /** Shown in the answer, e.g. `kafka`, `archive`. */
  readonly name: string;
  check(): HealthState;
}

export interface HealthState {
  readonly ok: boolean;
  /** One sentence when not ok. */
  readonly reason: string | null;
}

// ───────────────────────────── History ─────────────────────────────

export type HistoryAggregate = "mean" | "min" | "max" | "last";

/** What to read of the archive: steps start at `fromMs` and are `stepMs` apart; the last one starts before `toMs`. */
export interface HistoryRange {
  readonly fromMs: number;
  readonly toMs: number;
  readonly stepMs: number;
}

export interface AreaHistoryQuery extends HistoryRange {
  readonly systemId: string;
  readonly area: string;
  /** `mean` is weighted by time. */
  readonly aggregate: HistoryAggregate;
}

export interface StationHistoryQuery extends HistoryRange {
  readonly systemId: string;
  readonly stationId: string;
  readonly aggregate: HistoryAggregate;
}

/** The same weekday and time of day (in `timezone`) over the `weeks` weeks before each step. */
export interface AreaTypicalQuery extends HistoryRange {
  readonly systemId: string;
  readonly area: string;
  readonly weeks: number;
  /** IANA name; decides what "same time of day" means across daylight saving. */
  readonly timezone: string;
}

/** One number per step; null where nothing is known (a gap in collection, or a count the feed does not give). */
export type Series = readonly (number | null)[];

export interface HistoryGap {
  readonly fromMs: number;
  readonly toMs: number;
  /** Stable snake_case word, e.g. `not_collected`, `disk_full`. */
  readonly reason: string;
}

/** Every series is as long as `atMs`, which holds the start of each step. */
export interface HistorySeries {
  readonly atMs: readonly number[];
  readonly total: Series;
  readonly electric: Series;
  readonly mechanical: Series;
  readonly docks: Series;
  readonly gaps: readonly HistoryGap[];
  /** True when any of it is simulated: say so wherever it shows. */
  readonly simulated?: boolean;
}

/** Quantiles over the past weeks: 10 %, 50 %, 90 %. */
export interface Band {
  readonly p10: Series;
  readonly median: Series;
  readonly p90: Series;
}

export interface TypicalSeries {
  readonly atMs: readonly number[];
  /** How many of the past weeks have data for the step. */
  readonly weeksFound: readonly number[];
  readonly total: Band;
  readonly electric: Band;
  readonly mechanical: Band;
  readonly docks: Band;
}

/**
 * Questions to the archive (issue: history). The server has validated the range (at most 10,000 steps) and that the
 * area or station exists now or `HistoryQueries` knows it: implementations answer `null` for one never seen, and
 * reject with a StorageError when the archive cannot be read.
 */
export interface HistoryQueries {
  areaHistory(query: AreaHistoryQuery, signal?: AbortSignal): Promise<HistorySeries | null>;
  stationHistory(query: StationHistoryQuery, signal?: AbortSignal): Promise<HistorySeries | null>;
  areaTypical(query: AreaTypicalQuery, signal?: AbortSignal): Promise<TypicalSeries | null>;
}
