/**
 * The rejects record of topic `velib-projet-rejects` (docs/contracts.md), and which rejects of a poll are news: a
 * record that is broken in the same way at every poll is counted every time and kept once.
 */
import { asId, asObject, asText } from "./feed-values.ts";
import type { Reject } from "./station.ts";

/** A reject's own record is kept up to this many characters of JSON; a feed could send megabytes. */
const MAX_RECORD_CHARACTERS = 16_384;

const MAX_NAME_CHARACTERS = 1_000;

/** The JSON value of one reject. */
export function encodeReject(systemId: string, reject: Reject, observedAtMs: number): string {
  const record = jsonOf(reject.record);
  return JSON.stringify({
    system_id: systemId,
    reason: reject.reason,
    path: reject.path,
    ...(reject.stationId === null ? {} : { station_id: reject.stationId.slice(0, MAX_NAME_CHARACTERS) }),
    observed_at: observedAtMs,
    ...(record.length <= MAX_RECORD_CHARACTERS
      ? { record: JSON.parse(record) as unknown }
      : { record: record.slice(0, MAX_RECORD_CHARACTERS), record_truncated: true }),
  });
}

/** Never throws: a value may be nested deeper than the stack reaches. */
function jsonOf(record: unknown): string {
  try {
    return JSON.stringify(record) ?? "null";
  } catch {
    return '"(nested too deep to be written)"';
  }
}

/** A record that has been in order for this long is news when it breaks again. */
const FORGET_AFTER_MS = 24 * 3_600_000;
/** Broken records remembered beside those of the newest poll, most: a feed may invent new ones at every poll. */
const MOST_REMEMBERED = 20_000;

/**
 * Remembers how records of one system's file are broken: by reason, field and station. What else such a record says,
 * and where in the list it stands, moves without being news. Records that name no station are told apart by a
 * name or a code, and by how many are alike.
 */
export class RejectMemory {
  /** When each was last seen, those of the newest poll last. */
  readonly #seenAtMs = new Map<string, number>();

  /** Those of `rejects` that are broken in a way that was not seen before, or not for a day. */
  news(rejects: readonly Reject[], nowMs: number): Reject[] {
    const alike = new Map<string, number>();
    const news = rejects.filter((reject) => {
      const kind = `${reject.reason}\n${fieldOf(reject.path)}\n${whose(reject)}`;
      const number = (alike.get(kind) ?? 0) + 1;
      alike.set(kind, number);
      const word = `${number}\n${kind}`;
      const known = this.#seenAtMs.delete(word);
      this.#seenAtMs.set(word, nowMs);
      return !known;
    });
    for (const [word, seenAtMs] of this.#seenAtMs) {
      const room = this.#seenAtMs.size <= MOST_REMEMBERED + rejects.length;
      if (room && nowMs - seenAtMs < FORGET_AFTER_MS) break;
      this.#seenAtMs.delete(word);
    }
    return news;
  }
}

/** The field that is at fault, without the place of its record in the list. */
function fieldOf(path: string): string {
  return path.replace(/\[\d+\]/g, "[]");
}

/** The station, or what an unnamed record says of whose it is; all else moves from poll to poll. */
function whose({ stationId, record }: Reject): string {
  if (stationId !== null) return `=${stationId}`;
  const source = asObject(record);
  if (source === null) return typeof record;
  return IDENTIFYING.map((name) => asText(source[name]) ?? asId(source[name]) ?? "").join("\n");
}

/** Fields that tell a station from others without being its id. */
const IDENTIFYING = ["stationCode", "short_name", "name", "address", "external_id", "legacy_id"] as const;
