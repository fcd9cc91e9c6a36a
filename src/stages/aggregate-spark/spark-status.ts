/**
 * What `aggregate --engine spark` says of itself: a query is running only from when it was found or started until it is
 * known not to, and a batch's figures are those of a query that runs.
 *
 *   reaching ──running──▶ running, batches ──interrupted──▶ not running: why ──running──▶ …
 */
import type { HealthState } from "../../ports.ts";
import { type BatchReport, describeBatch } from "./batch-report.ts";
import { formatAge } from "../print/live-table.ts";

/** A batch that is older says when it was: its lag is no longer the lag. */
const RECENT_MS = 15_000;

export class SparkStatus {
  readonly #label: string;
  #slots: number | null = null;
  #reason: string | null = null;
  #last: BatchReport | null = null;

  constructor(label: string) {
    this.#label = label;
  }

  running(slots: number): void {
    this.#slots = slots;
    this.#reason = null;
  }

  interrupted(reason: string): void {
    this.#slots = null;
    this.#reason = reason;
    this.#last = null;
  }

  batch(report: BatchReport): void {
    this.#last = report;
  }

  /** There is more to say than that Spark is being reached. */
  get hasNews(): boolean {
    return this.#last !== null || this.#reason !== null;
  }

  health(): HealthState {
    if (this.#slots !== null) return { ok: true, reason: null };
    return { ok: false, reason: this.#reason ?? `Reaching Spark at ${this.#label}.` };
  }

  line(nowMs: number): string {
    if (this.#slots === null)
      return this.#reason === null
        ? `Reaching Spark at ${this.#label}`
        : `Spark at ${this.#label}: not running. ${this.#reason}`;
    const state = `Spark at ${this.#label}: running (up to ${this.#slots} stations an area)`;
    if (this.#last === null) return state;
    const ageMs = nowMs - this.#last.timestampMs - this.#last.durationMs;
    const age = ageMs > RECENT_MS ? ` (${formatAge(ageMs)} ago)` : "";
    return `${state} · ${describeBatch(this.#last)}${age}`;
  }
}
