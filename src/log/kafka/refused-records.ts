/** What becomes of a record that Kafka will never take: it is counted and said, and the others go on. */
import { LogError } from "../../errors.ts";
import type { Logger, Metrics, Processor, ProduceRecord } from "../../ports.ts";
import type { Replace } from "./transaction.ts";

export interface RefusedOptions {
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** Of a transaction: what its processor wants written instead. */
export function replaceRefused(options: RefusedOptions, processor: Processor): Replace {
  return (record, why) => {
    countRefused(options, record, why);
    return record.expendable === true ? null : (processor.refused?.(record, why) ?? null);
  };
}

/**
 * Of a producer: whoever published it is told.
 * @throws LogError where nobody wants to know, and the record may not be left out
 */
export function tellRefused(
  options: RefusedOptions,
  record: ProduceRecord,
  why: string,
  onRefused: ((record: ProduceRecord, why: string) => void) | undefined,
): void {
  if (onRefused === undefined && record.expendable !== true)
    throw new LogError(
      "VELOSTREAM_LOG_REFUSED",
      why === "MESSAGE_TOO_LARGE"
        ? `Kafka refused a record as too large for ${record.topic}. Raise max.message.bytes of the topic.`
        : `Kafka does not take a record of ${record.topic} (${why}). See docs/kafka.md, "What Kafka refuses".`,
    );
  countRefused(options, record, why);
  if (record.expendable !== true) onRefused?.(record, why);
}

function countRefused(
  { logger, metrics }: RefusedOptions,
  { topic, key, expendable }: ProduceRecord,
  why: string,
): void {
  metrics.count("velostream_kafka_refused_total", { topic });
  if (expendable === true)
    logger.warn("kafka.reject_refused", "A reject could not be kept in its topic: it is only counted.", {
      topic,
      key,
      why,
    });
}
