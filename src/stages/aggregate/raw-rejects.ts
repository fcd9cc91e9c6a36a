/**
 * Rejects of the aggregate: what of the raw topic could not be used, as records of the rejects topic, counted, and said
 * once in a while: a stranger that writes thousands of them must not fill the log.
 */
import type { RawDecoding } from "../../record/raw-record.ts";
import { encodeReject } from "../../record/reject-record.ts";
import { DEFAULT_SYSTEM_ID, systemKey, systemOfKey } from "../../record/keys.ts";
import type { Clock, Logger, LogRecord, Metrics, ProduceRecord, TopicNames } from "../../ports.ts";

/** One line for a reason in this long. */
const SAY_EVERY_MS = 10 * 60_000;

export type Refused = Extract<RawDecoding, { ok: false }>;

export interface RawRejectsOptions {
  readonly topics: TopicNames;
  readonly clock: Pick<Clock, "now">;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export class RawRejects {
  readonly #options: RawRejectsOptions;
  readonly #saidMs = new Map<string, number>();

  constructor(options: RawRejectsOptions) {
    this.#options = options;
  }

  /** The record of the rejects topic. */
  record({ reject }: Refused, record: LogRecord): ProduceRecord {
    const { topics, clock, metrics } = this.#options;
    metrics.count("velostream_rejects_total", { stage: "aggregate", reason: reject.reason });
    const place = `${record.topic}:${record.partition}:${record.offset}`;
    const systemId = record.key === null ? DEFAULT_SYSTEM_ID : systemOfKey(record.key);
    const nowMs = clock.now();
    this.#say(reject.reason, place, nowMs);
    return {
      topic: topics.rejects,
      key: systemKey(systemId),
      value: encodeReject(systemId, { ...reject, path: `${place} ${reject.path}` }, record.timestampMs),
      partitionKey: systemId,
      // Brokers refuse times from the future, and what is wrong with the record is often just that.
      timestampMs: Math.min(record.timestampMs, nowMs),
      expendable: true,
    };
  }

  /** What is kept of totals that the log will never take. */
  refused({ topic, key, value }: ProduceRecord, why: string): ProduceRecord {
    const { topics, clock, metrics } = this.#options;
    const reason = "refused_by_log";
    metrics.count("velostream_rejects_total", { stage: "aggregate", reason });
    const nowMs = clock.now();
    const [systemId = DEFAULT_SYSTEM_ID] = key?.includes(":") === true ? key.split(":") : [];
    this.#say(reason, `${topic} ${key ?? ""}`, nowMs);
    const record = { key, value: value?.toString("utf8") ?? null, refused: why };
    return {
      topic: topics.rejects,
      key: systemId,
      value: encodeReject(systemId, { reason, path: topic, stationId: null, record }, nowMs),
      partitionKey: systemId,
      timestampMs: nowMs,
      expendable: true,
    };
  }

  #say(reason: string, place: string, nowMs: number): void {
    const { logger, topics } = this.#options;
    if (nowMs - (this.#saidMs.get(reason) ?? -Infinity) < SAY_EVERY_MS) return;
    this.#saidMs.set(reason, nowMs);
    logger.warn("aggregate.rejects", `A raw record is not counted: ${wordsOf(reason)}`, {
      reason,
      record: place,
      rejects: topics.rejects,
    });
  }
}

function wordsOf(reason: string): string {
  switch (reason) {
    case "from_the_future":
      return "its time is ahead of the log's. Check the clock of whoever wrote it.";
    case "too_large":
    case "batch_too_large":
      return "it is larger than any station's.";
    case "refused_by_log":
      return "the log does not take what follows from it.";
    case "wrong_partition":
      return "it has no key, and stands in another partition than its area.";
    default:
      return `${reason}.`;
  }
}
