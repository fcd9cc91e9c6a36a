/** Faults that a simulated feed shows on demand: what real feeds have been seen to do. */
import type { FileName } from "./feed-files.ts";

export const FAULTS = ["5xx", "html", "truncated", "slow", "stalled", "missing-stations"] as const;
export type Fault = (typeof FAULTS)[number];

/** What each fault does, for `--help` and docs/simulate.md. */
export const FAULT_MEANING: { readonly [F in Fault]: string } = {
  "5xx": "answers 503 with Retry-After: 5",
  html: "answers 200 with an HTML page, as captive portals and maintenance pages do",
  truncated: "ends the JSON half-way, with a matching Content-Length",
  slow: "answers whole, but after 30 s",
  stalled: "sends the first bytes and then nothing more",
  "missing-stations": "leaves out two stations of three",
};

export interface FaultState {
  readonly fault: Fault | null;
  /** Files it strikes. */
  readonly files: ReadonlySet<FileName>;
}

export const NO_FAULT: FaultState = { fault: null, files: new Set() };

/** How late `slow` answers, ms: beyond the collector's patience. */
export const SLOW_MS = 30_000;
export const RETRY_AFTER_SECONDS = 5;

export const MAINTENANCE_PAGE =
  "<!doctype html><title>Maintenance (simulated)</title><h1>Back soon</h1><p>A simulated fault.</p>\n";

/** Whether `missing-stations` leaves out station number `index`: the same ones every time, never the first. */
export function isMissing(index: number): boolean {
  return index % 3 !== 0;
}
