/**
 * Looks at a stretch of the raw topic from here, beside Spark: what the query must be told before it starts (slots,
 * partitions, ends), whether compaction has been at the stretch, and what could not be used, for the rejects topic.
 */
import { receiveRaw } from "../../record/received-record.ts";
import { encodeReject } from "../../record/reject-record.ts";
import type { Reject } from "../../record/station.ts";
import { MOST_SLOTS } from "./plan.ts";
import type { Log, LogRecord, ProduceRecord, TopicNames } from "../../ports.ts";
import { DEFAULT_SYSTEM_ID, systemKey, systemOfKey } from "../../record/keys.ts";

/** Next offsets by partition. */
export type Offsets = ReadonlyMap<number, number>;

export interface Inspection {
  readonly partitions: number;
  /** Greatest slot met; -1 when none. */
  readonly maxSlot: number;
  /**
   * An area with stations beyond the last slot of a query, and so many below it that it is one; else such records are
   * rejects. Of a stretch that does not begin at the topic's start only a suspicion: it does not show all stations.
   */
  readonly tooLarge: string | null;
  /** Records that count. */
  readonly usable: number;
  /** Records of the reference producer: no area, no slot. */
  readonly reference: number;
  /** Where the stretch ended. */
  readonly next: Offsets;
  /** Offsets are missing: compaction, or retention, has taken records. */
  readonly gaps: boolean;
  readonly rejects: readonly ProduceRecord[];
}

/**
 * Reads from `from` to the end as it is now.
 * @param reportFrom rejects below these offsets were reported before
 */
export async function inspectRaw(
  log: Log,
  topics: TopicNames,
  from: Offsets | "earliest",
  reportFrom: Offsets | "nothing",
): Promise<Inspection> {
  const partitions = (await log.partitionCount(topics.raw)) ?? 0;
  const next = new Map<number, number>();
  for (let partition = 0; partition < partitions; partition += 1)
    next.set(partition, from === "earliest" ? 0 : (from.get(partition) ?? 0));
  const positions = new Map([...next].map(([partition, offset]) => [`${topics.raw}:${partition}`, offset]));
  let maxSlot = -1;
  const areas = new LargeAreas();
  let usable = 0;
  let reference = 0;
  let gaps = false;
  const rejects: ProduceRecord[] = [];
  const read = log.read({
    topics: [topics.raw],
    from: from === "earliest" ? "earliest" : positions,
    until: "end",
  });
  for await (const { records } of read) {
    for (const record of records) {
      gaps ||= record.offset !== (next.get(record.partition) ?? 0);
      next.set(record.partition, record.offset + 1);
      const judged = judge(record);
      if (judged === null) continue;
      if (judged.kind === "usable") {
        usable += 1;
        maxSlot = Math.max(maxSlot, judged.slot);
        areas.within(judged.area, judged.slot);
        continue;
      }
      if (judged.kind === "beyond") areas.beyond(judged.area, judged.slot);
      if (judged.kind === "reference") reference += 1;
      if (reportFrom !== "nothing" && record.offset >= (reportFrom.get(record.partition) ?? 0))
        rejects.push(rejectRecord(judged.reject, record, topics));
    }
  }
  const tooLarge = from === "earliest" ? areas.certain() : areas.suspected();
  return { partitions, maxSlot, tooLarge, usable, reference, next, gaps, rejects };
}

type Judgement =
  | { readonly kind: "usable"; readonly slot: number; readonly area: string }
  | { readonly kind: "beyond"; readonly slot: number; readonly area: string; readonly reject: Reject }
  | { readonly kind: "reference" | "reject"; readonly reject: Reject };

/** As plan.ts's PROBLEM, with the exact reason. Like the plan, it knows no other time than the record's own. */
function judge(record: LogRecord): Judgement | null {
  const decoding = receiveRaw(record, Infinity, () => null);
  if (decoding === "tombstone") return null;
  if (!decoding.ok)
    return {
      kind: decoding.reject.reason === "unknown_format" ? "reference" : "reject",
      reject: decoding.reject,
    };
  const { slot, systemId, area, stationId, value } = decoding.record;
  if (record.key === null)
    return { kind: "reject", reject: { reason: "no_key", path: "$", stationId, record: value } };
  if (slot === null)
    return { kind: "reject", reject: { reason: "no_slot", path: "slot", stationId, record: value } };
  const place = { slot, area: `${systemId}:${area}` };
  if (slot >= MOST_SLOTS)
    return {
      kind: "beyond",
      ...place,
      reject: { reason: "slot_too_large", path: "slot", stationId, record: value },
    };
  return { kind: "usable", ...place };
}

/** Places of an area that are taken before one beyond the last can be meant: slots are the smallest that are free. */
const REALLY_LARGE = MOST_SLOTS / 2;

/** Tells an area that has outgrown the query from a record of somebody else's with any number for a slot. */
class LargeAreas {
  readonly #within = new Map<string, Set<number>>();
  readonly #beyond = new Set<string>();

  within(area: string, slot: number): void {
    const taken = this.#within.get(area);
    if (taken === undefined) this.#within.set(area, new Set([slot]));
    else taken.add(slot);
  }

  /** Areas grow by a place at a time. */
  beyond(area: string, slot: number): void {
    if (slot < 2 * MOST_SLOTS) this.#beyond.add(area);
  }

  suspected(): string | null {
    return [...this.#beyond][0] ?? null;
  }

  certain(): string | null {
    return [...this.#beyond].find((area) => (this.#within.get(area)?.size ?? 0) >= REALLY_LARGE) ?? null;
  }
}

function rejectRecord(reject: Reject, record: LogRecord, topics: TopicNames): ProduceRecord {
  const systemId = record.key === null ? DEFAULT_SYSTEM_ID : systemOfKey(record.key);
  const path = `${record.topic}:${record.partition}:${record.offset} ${reject.path}`;
  return {
    topic: topics.rejects,
    key: systemKey(systemId),
    value: encodeReject(systemId, { ...reject, path }, record.timestampMs),
    partitionKey: systemId,
    timestampMs: record.timestampMs,
  };
}
