/** Changed totals as records of the totals topic. */
import type { TotalsChange } from "../../domain/area-totals.ts";
import { encodeThrough, encodeTotals } from "../../record/totals-record.ts";
import { encodeWriter, type TotalsWriter } from "../../record/totals-writer.ts";
import { SYSTEM_HEADER } from "../../record/keys.ts";
import type { LogRecord, ProduceRecord, TopicNames } from "../../ports.ts";

export const TOTALS_SCHEMA = "velostream.totals.v1";

/** What a totals record says of the record that it follows. */
export type Place = Pick<LogRecord, "partition" | "offset" | "timestampMs">;

/** @returns tombstones last */
export function totalsRecords(
  changes: readonly TotalsChange[],
  through: Place | undefined,
  { topicId }: { readonly topicId?: string },
  { topics, writer }: { readonly topics: TopicNames; readonly writer: TotalsWriter },
): ProduceRecord[] {
  if (through === undefined) return [];
  const headers = {
    schema: TOTALS_SCHEMA,
    through: encodeThrough(topicId === undefined ? through : { ...through, topicId }),
    writer: encodeWriter(writer),
  };
  const record = ({ key, plainKey, systemId, totals, emptiedAtMs }: TotalsChange): ProduceRecord => ({
    topic: topics.totals,
    key,
    value: totals === null ? null : encodeTotals(totals),
    headers: totals === null ? { ...headers, [SYSTEM_HEADER]: systemId } : headers,
    partitionKey: plainKey,
    timestampMs: totals?.asOfMs ?? emptiedAtMs ?? through.timestampMs,
  });
  const [areas, emptied] = [
    changes.filter(({ totals }) => totals !== null),
    changes.filter(({ totals }) => totals === null),
  ];
  return [...areas, ...emptied].map(record);
}
