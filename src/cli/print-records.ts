/** Prints records of a topic as NDJSON, each once: what `watch` and `run --json` put on stdout. */
import { unusableReason } from "../record/received-record.ts";
import { decodeThrough, decodeTotals, ownAreaKey, supersedes, type Kept } from "../record/totals-record.ts";
import { FormerKeys } from "../record/former-keys.ts";
import { areaOfTombstone, parseAreaKey, SYSTEM_HEADER } from "../record/keys.ts";
import type { Log, LogRecord, TopicNames } from "../ports.ts";
import type { Terminal } from "./terminal.ts";

export interface PrintInput {
  readonly terminal: Terminal;
  readonly log: Log;
  readonly topics: TopicNames;
  readonly from: "earliest" | "latest";
  readonly signal: AbortSignal;
  readonly finish: AbortSignal;
}

/** Totals records as they are; an area that is gone is `{"postcode":"75016","system_id":"velib","tombstone":true}`. */
export async function printTotals(input: PrintInput): Promise<void> {
  const kept = new Map<string, Kept>();
  const formerKeys = new FormerKeys();
  await print(input, input.topics.totals, (record) => {
    const { value, headers } = record;
    if (record.key === null || unusableReason(record) !== null) return null;
    const through = decodeThrough(headers["through"]);
    const text = value?.toString("utf8") ?? null;
    const totals = text === null ? null : decodeTotals(text);
    if (text !== null && totals === null) return null;
    const key = ownAreaKey(record, totals, formerKeys);
    // Of two areas in one record neither is told of; the tombstone of a key of old is no news of its area.
    if (key === null || key === undefined) return null;
    // An at-least-once writer repeats itself; the greatest `through` of an area is the one that counts.
    if (!supersedes(kept.get(key), through, totals?.asOfMs ?? null)) return null;
    const known = kept.has(key);
    kept.set(key, { through, asOfMs: totals?.asOfMs ?? kept.get(key)?.asOfMs ?? 0 });
    if (text !== null) return text;
    const named = known ? parseAreaKey(key) : areaOfTombstone(key, headers[SYSTEM_HEADER]);
    return JSON.stringify({
      postcode: named?.area ?? key,
      system_id: named?.systemId ?? null,
      tombstone: true,
    });
  });
}

/** Raw records as they are; a station that is gone is `{"key":"velib:213688169","tombstone":true}`. */
export async function printRaw(input: PrintInput): Promise<void> {
  await print(input, input.topics.raw, ({ key, value, unreadable }) =>
    // The aggregate keeps a reject of what cannot be read.
    unreadable !== undefined
      ? null
      : value === null
        ? JSON.stringify({ key, tombstone: true })
        : oneLine(value.toString("utf8")),
  );
}

async function print(
  input: PrintInput,
  topic: string,
  line: (record: LogRecord) => string | null,
): Promise<void> {
  const { terminal, log, from, signal, finish } = input;
  for await (const { records } of log.read({ topics: [topic], from, signal, finish })) {
    const lines = records.map(line).filter((text) => text !== null);
    if (lines.length > 0) await terminal.json(`${lines.join("\n")}\n`);
  }
}

/** Strangers may write JSON over several lines; NDJSON may not. */
function oneLine(text: string): string {
  return /[\r\n]/.test(text) ? text.replace(/\r?\n\s*/g, " ") : text;
}
