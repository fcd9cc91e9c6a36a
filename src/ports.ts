/**
 * The interfaces between the stages and the world: stages (stages/) speak only to these; adapters
 * (feed/, log/, history/, telemetry/) implement them; cli/ wires the two together.
 *   FeedSource ──poll──▶ collect ──publish──▶ Log ──process──▶ aggregate ──▶ Log ──read──▶ serve, watch, archive
 */
import type { CounterName, GaugeName, HistogramName, LabelsOf } from "./telemetry/metric-table.ts";

/** What feeds give, in a file of its own. */
export type * from "./feed-ports.ts";
/** What the server asks for, in another. */
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
