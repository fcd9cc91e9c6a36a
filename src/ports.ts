/**
 * The interfaces between the stages and the world: stages (pipeline/) speak only to these; adapters
 * (feed/, log/, history/, telemetry/) implement them; cli/ wires the two together.
 *   FeedSource ──poll──▶ collect ──publish──▶ Log ──process──▶ aggregate ──▶ Log ──read──▶ serve, watch, archive
 */
import type { SystemAlert } from "./domain/gbfs/system-files.ts";
import type { Reject, StationArea, StationInformation, StationStatusFile } from "./record/station.ts";
import type { FeedProblem, FeedTraffic } from "./serve-ports.ts";
import type { CounterName, GaugeName, HistogramName, LabelsOf } from "./telemetry/metric-table.ts";

/** What the server asks for, in a file of its own. */
export type * from "./serve-ports.ts";
/** What topics are and are to be, in another. */
export type * from "./topic-ports.ts";
/** The log, in a file of its own. */
export type * from "./log-ports.ts";

/** Time, injected everywhere so that tests never sleep. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  /** Resolves after `durationMs`, or at once when `signal` aborts (it never rejects). */
  sleep(durationMs: number, signal?: AbortSignal): Promise<void>;
}

/** Structured events; one stable event id and one sentence each. Implemented by telemetry/. */
export interface Logger {
  debug(event: string, message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(event: string, message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** Nothing is lost, but someone may want to look. */
  warn(event: string, message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** Data is lost or an operator is needed. */
  error(event: string, message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** Counters, gauges and histograms by the names of telemetry/metric-table.ts; seconds and bytes. */
export interface Metrics {
  /** @param value @default 1 */
  count<N extends CounterName>(name: N, labels: LabelsOf<N>, value?: number): void;
  set<N extends GaugeName>(name: N, labels: LabelsOf<N>, value: number): void;
  observe<N extends HistogramName>(name: N, labels: LabelsOf<N>, value: number): void;
  /** Drops one labelled gauge: a partition taken away, a system removed. */
  forget<N extends GaugeName>(name: N, labels: LabelsOf<N>): void;
}

// ───────────────────────────── Feed ─────────────────────────────

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
