/** How the records of a batch are cut into frames of the journal. Pure. */
import type { LogRecord, MissingRecords } from "../../ports.ts";

/**
 * How many records make one frame: so many at most, and none behind a hole together with what is whole before it, which
 * would count as missing too.
 */
export function frameLength(
  records: readonly LogRecord[],
  missing: readonly MissingRecords[],
  most: number,
): number {
  const length = Math.min(records.length, most);
  if (missing.length === 0) return length;
  const lanes = Map.groupBy(missing, ({ topic, partition }) => `${topic}:${partition}`);
  const lastOffsets = new Map<string, number>();
  for (let index = 0; index < length; index += 1) {
    const { topic, partition, offset } = records[index] as LogRecord;
    const at = `${topic}:${partition}`;
    const lastOffset = lastOffsets.get(at) ?? -1;
    const isAfterHole = lanes
      .get(at)
      ?.some(({ beforeOffset: before }) => before > lastOffset && before <= offset);
    if (isAfterHole === true) return index === 0 ? length : index;
    lastOffsets.set(at, offset);
  }
  return length;
}
