/** The print stage: the records of a topic as NDJSON, each once: what `watch` and `run --json` put on stdout. */
import { LatestTotals } from "../../record/latest-totals.ts";
import { areaOfTombstone, parseAreaKey, SYSTEM_HEADER } from "../../record/keys.ts";
import type { LogRecord } from "../../ports.ts";
import type { Sink, SinkBatch, StageContext } from "../stage.ts";

/** The line of a record, without its end; null where there is nothing to tell. */
export type LineOf = (record: LogRecord) => string | null;

export interface PrintStageOptions {
  readonly what: "raw" | "totals";
  readonly from: "earliest" | "latest";
  /** Whole lines. Waits while the reader is slow. */
  readonly write: (lines: string) => Promise<void>;
}

const NOWHERE: ReadonlyMap<string, number> = new Map();

export class PrintStage implements Sink {
  readonly kind = "sink";
  readonly name = "print";
  readonly options = {};
  readonly metrics = {};
  readonly reads: readonly ("raw" | "totals")[];
  readonly begins: "earliest" | "latest";
  readonly #write: PrintStageOptions["write"];
  readonly #line: LineOf;
  readonly #positions = new Map<string, number>();
  /** Nobody reads any more what is written. */
  readonly #givenUp = Promise.withResolvers<void>();

  constructor({ what, from, write }: PrintStageOptions) {
    this.reads = [what];
    this.begins = from;
    this.#write = write;
    this.#line = what === "raw" ? rawLine : totalsLines();
  }

  async open(_context: StageContext): Promise<void> {}

  /** What is new only is new only after an outage too: of a partition without a position yet, all would be read. */
  positions(): ReadonlyMap<string, number> {
    return this.begins === "latest" ? NOWHERE : this.#positions;
  }

  async take({ records }: SinkBatch): Promise<number> {
    const lines = records.map(this.#line).filter((text) => text !== null);
    for (const { topic, partition, offset } of records)
      this.#positions.set(`${topic}:${partition}`, offset + 1);
    if (lines.length > 0) await Promise.race([this.#write(`${lines.join("\n")}\n`), this.#givenUp.promise]);
    return records.length;
  }

  async tend(): Promise<void> {}

  health(): null {
    return null;
  }

  drain(signal: AbortSignal): Promise<void> {
    if (signal.aborted) this.#givenUp.resolve();
    else signal.addEventListener("abort", () => this.#givenUp.resolve(), { once: true });
    return Promise.resolve();
  }

  async close(): Promise<void> {}
}

/** Totals records as they are; an area that is gone is `{"postcode":"75016","system_id":"velib","tombstone":true}`. */
function totalsLines(): LineOf {
  const latest = new LatestTotals();
  return (record) => {
    const read = latest.read(record);
    // Of two areas in one record neither is told of; what was told before, or under another key, is no news.
    if (record.key === null || read.outcome !== "latest") return null;
    if (record.value !== null) return oneLine(record.value.toString("utf8"));
    const { key, known } = read;
    const named = known ? parseAreaKey(key) : areaOfTombstone(key, record.headers[SYSTEM_HEADER]);
    return JSON.stringify({
      postcode: named?.area ?? key,
      system_id: named?.systemId ?? null,
      tombstone: true,
    });
  };
}

/** Raw records as they are; a station that is gone is `{"key":"velib:213688169","tombstone":true}`. */
function rawLine({ key, value, unreadable }: LogRecord): string | null {
  // The aggregate keeps a reject of what cannot be read.
  if (unreadable !== undefined) return null;
  return value === null ? JSON.stringify({ key, tombstone: true }) : oneLine(value.toString("utf8"));
}

/** Strangers may write JSON over several lines; NDJSON may not. */
function oneLine(text: string): string {
  return /[\r\n]/.test(text) ? text.replace(/\r?\n\s*/g, " ") : text;
}
