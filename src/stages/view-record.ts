/** A record as the log gives it, made into what the pure readers of domain/ take. */
import type { ViewRecord } from "../domain/view-record.ts";
import type { LogRecord } from "../ports.ts";
import { unusableReason } from "../record/received-record.ts";

/** No text is made of a value that cannot be used. */
export function viewRecord(record: LogRecord): ViewRecord {
  const unusable = unusableReason(record);
  return {
    partition: record.partition,
    key: record.key,
    text: unusable === null ? (record.value?.toString("utf8") ?? null) : null,
    timestampMs: record.timestampMs,
    headers: record.headers,
    ...(unusable === null ? {} : { unusable }),
  };
}
