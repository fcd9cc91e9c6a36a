/**
 * The fast way to read a raw record: one pass over the value's bytes that checks the whole of it and keeps only what
 * the sums need. Whatever it is not sure of it leaves to `decodeRawRecord` (raw-record.ts), which decides.
 *
 *   bytes ──▶ { "key" : value , … }   every byte once, no text made, nothing allocated
 *               │        ├─ a field of the sums: read it        anything unusual: an escape, white space, a fraction in
 *               │        └─ any other: skip it, checked         a count, deep nesting, no key, a mismatch, not JSON
 *               ▼                                                                     │
 *            true: `observation` holds what decodeRawRecord would say                 ▼  false: ask decodeRawRecord
 *
 * Why it is exact: `true` is said only of text that is JSON, whose key matches and whose fields all pass the same
 * checks; of a repeated field the last counts, as in JSON.parse. Bytes from 0x80 on occur in strings only, where
 * decoding cannot fail (json-scan.ts). test/property/raw-record-scan.test.ts compares the two on hostile bytes.
 */
import { AsciiTexts, isKeyPart } from "./ascii-texts.ts";
import { COUNTS, UNKNOWN } from "./counts.ts";
import type { Share } from "./raw-record.ts";
import { AGGREGATED_FIELDS, SUMMED_FIELDS } from "./station-parts.ts";
import {
  ascii,
  CLOSE_OBJECT,
  COLON,
  COMMA,
  countEnd,
  countOf,
  DEEPEST,
  isWord,
  LETTER_N,
  LETTER_T,
  OPEN_OBJECT,
  QUOTE,
  stringEnd,
  UNSURE,
  valueEnd,
} from "./json-scan.ts";

// What is read, by numbers: those with text first, then the marks, the time, and from FIRST_COUNT on the counts.
const SYSTEM_ID = 1;
const STATION_ID = 2;
const POSTCODE = 3;
const RETIRED = 4;
const SIMULATED = 5;
const OBSERVED_AT = 6;
const FIRST_COUNT = 7;

const READ: Readonly<Record<string, number>> = {
  systemId: SYSTEM_ID,
  stationId: STATION_ID,
  area: POSTCODE,
  retired: RETIRED,
  simulated: SIMULATED,
  observedAtMs: OBSERVED_AT,
  ...Object.fromEntries(SUMMED_FIELDS.map(({ name }, place) => [name, FIRST_COUNT + place])),
};

interface Field {
  readonly name: Uint8Array;
  readonly field: number;
}
/** By the length of their names. */
const FIELDS: readonly (readonly Field[])[] = fieldsByLength(
  Object.fromEntries(AGGREGATED_FIELDS.map(({ key, name }) => [key, READ[name] ?? 0])),
);
/** Numbers of the fields that no record is without. */
const REQUIRED = Uint8Array.from({ length: FIRST_COUNT + COUNTS }, (_, field) =>
  SUMMED_FIELDS[field - FIRST_COUNT]?.required === true || field === OBSERVED_AT ? 1 : 0,
);
/** Places of the counts that are. */
const REQUIRED_COUNTS = SUMMED_FIELDS.flatMap(({ required }, place) => (required === true ? [place] : []));

/** What the last `read` that returned true has found; overwritten by the next. */
type MutableShare = { -readonly [K in keyof Share]: Share[K] };

/** A name as it stands in a record, with its closing quote and the colon. */
interface Named {
  /** Its bytes by fours; the last four overlap those before, where the length is no multiple. Null: there are no four. */
  readonly fours: Int32Array | null;
  readonly length: number;
  readonly field: number | null;
}

/** Members whose names are remembered; real records have some twenty. */
const MEMBERS = 64;
/** Places for strings: there are some hundreds of areas. */
const TEXTS = 4096;

export class RawRecordScan {
  readonly #found: MutableShare = {
    systemId: "",
    area: "",
    counts: new Float64Array(COUNTS),
    at: 0,
    observedAtMs: 0,
    retired: false,
    simulated: false,
  };
  readonly #texts = new AsciiTexts(TEXTS);
  /** The names of the record before, in their order: a writer's records are alike, and comparing is quicker than finding. */
  readonly #layout: Named[] = [];
  /** Over the bytes of the last record: reads four of them at once, from anywhere. */
  #view = new DataView(new ArrayBuffer(0));

  /** What the last `read` found, when it returned true. */
  get observation(): Share {
    return this.#found;
  }

  /**
   * True when `observation` is now what `decodeRawRecord` says of this record; false when that must be asked.
   * @param bytes hold the value from `from` to `to` (exclusive), and maybe other values around it
   */
  read(key: string | null, bytes: Uint8Array, from = 0, to = bytes.length): boolean {
    const end = to - 1;
    if (key === null || end < from + 2 || bytes[from] !== OPEN_OBJECT || bytes[end] !== CLOSE_OBJECT)
      return false;
    const found = this.#found;
    let systemStart = 0;
    let systemEnd = 0;
    let stationStart = 0;
    let stationEnd = 0;
    let areaStart = 0;
    let areaEnd = 0;
    const { counts } = found;
    for (let i = 0; i < COUNTS; i += 1) counts[i] = UNKNOWN;
    let observedAtMs = UNSURE;
    let retired = false;
    let simulated = false;
    // `at` stands before a member: on the opening brace or on a comma.
    const layout = this.#layout;
    let member = 0;
    const view = this.#viewOf(bytes.buffer as ArrayBuffer);
    // The view is over the whole buffer, in which the bytes begin somewhere.
    const { byteOffset } = bytes;
    for (let at = from; at < end;) {
      const nameStart = at + 2;
      if (bytes[at + 1] !== QUOTE) return false;
      let named = layout[member];
      if (
        named === undefined ||
        nameStart + named.length > end ||
        !isNamed(view, byteOffset + nameStart, named)
      ) {
        const nameEnd = stringEnd(bytes, nameStart);
        if (nameEnd === UNSURE || nameEnd >= end || bytes[nameEnd + 1] !== COLON) return false;
        named = {
          ...wordOf(view, byteOffset + nameStart, nameEnd + 2 - nameStart),
          field: fieldOf(bytes, nameStart, nameEnd),
        };
        if (member < MEMBERS) layout[member] = named;
      }
      member += 1;
      const start = nameStart + named.length;
      const { field } = named;
      if (field === null) {
        at = valueEnd(bytes, start, DEEPEST);
      } else if (field <= POSTCODE) {
        const quoted = bytes[start] === QUOTE;
        // Feeds serve ids as text or as numbers; a number that is not written as `String` writes it is for the other.
        if (!quoted && field !== STATION_ID) return false;
        const textStart = quoted ? start + 1 : start;
        const textEnd = quoted ? stringEnd(bytes, textStart) : countEnd(bytes, textStart);
        // Empty text is a reject.
        if (textEnd === UNSURE || textEnd === textStart) return false;
        if (field === SYSTEM_ID) {
          systemStart = textStart;
          systemEnd = textEnd;
        } else if (field === STATION_ID) {
          stationStart = textStart;
          stationEnd = textEnd;
        } else {
          areaStart = textStart;
          areaEnd = textEnd;
        }
        at = quoted ? textEnd + 1 : textEnd;
      } else if (field <= SIMULATED) {
        at = valueEnd(bytes, start, DEEPEST);
        if (field === RETIRED) retired = bytes[start] === LETTER_T;
        else simulated = bytes[start] === LETTER_T;
      } else {
        at = countEnd(bytes, start);
        let count = UNKNOWN;
        if (at !== UNSURE) count = countOf(bytes, start, at);
        else if (bytes[start] === LETTER_N && REQUIRED[field] === 0) at = valueEnd(bytes, start, 0);
        else return false;
        if (field === OBSERVED_AT) observedAtMs = count;
        else counts[field - FIRST_COUNT] = count;
      }
      // Behind the end stands another value: what was walked into it is none of ours.
      if (at === UNSURE || at > end || (at !== end && bytes[at] !== COMMA)) return false;
    }
    if (systemEnd === 0 || stationEnd === 0 || areaEnd === 0 || observedAtMs < 0) return false;
    for (const place of REQUIRED_COUNTS) if ((counts[place] as number) < 0) return false;
    const systemLength = systemEnd - systemStart;
    if (
      key.length !== systemLength + 1 + (stationEnd - stationStart) ||
      key.charCodeAt(systemLength) !== COLON ||
      // Nothing that is encoded in keys: else keys and ids are compared by who knows their codec.
      !isKeyPart(bytes, stationStart, stationEnd, key, systemLength + 1) ||
      !isKeyPart(bytes, systemStart, systemEnd, key, 0)
    )
      return false;
    const area = this.#texts.of(bytes, areaStart, areaEnd) ?? decoded(bytes.subarray(areaStart, areaEnd));
    const systemId = this.#texts.of(bytes, systemStart, systemEnd);
    if (area === null || systemId === null) return false;
    found.systemId = systemId;
    found.area = area;
    found.observedAtMs = observedAtMs;
    found.retired = retired;
    found.simulated = simulated;
    return true;
  }

  #viewOf(buffer: ArrayBuffer): DataView {
    if (this.#view.buffer !== buffer) this.#view = new DataView(buffer);
    return this.#view;
  }
}

/** Bytes in one look. */
const FOUR = 4;

function wordOf(view: DataView, at: number, length: number): Pick<Named, "fours" | "length"> {
  if (length < FOUR) return { fours: null, length };
  const fours = new Int32Array(Math.ceil(length / FOUR));
  for (let i = 0; i < fours.length; i += 1)
    fours[i] = view.getInt32(at + Math.min(i * FOUR, length - FOUR), true);
  return { fours, length };
}

/** Whether a name stands at `at`. */
function isNamed(view: DataView, at: number, { fours, length }: Named): boolean {
  if (fours === null) return false;
  const last = fours.length - 1;
  for (let i = 0; i < last; i += 1) if (view.getInt32(at + i * FOUR, true) !== fours[i]) return false;
  return view.getInt32(at + length - FOUR, true) === fours[last];
}

function fieldsByLength(fields: Readonly<Record<string, number>>): Field[][] {
  const longest = Math.max(...Object.keys(fields).map((name) => name.length));
  const byLength: Field[][] = Array.from({ length: longest + 1 }, () => []);
  for (const [name, field] of Object.entries(fields))
    byLength[name.length]?.push({ name: ascii(name), field });
  return byLength;
}

/** Which field of the sums a name is; null for any other. */
function fieldOf(bytes: Uint8Array, start: number, end: number): number | null {
  const candidates = FIELDS[end - start];
  if (candidates === undefined) return null;
  for (const { name, field } of candidates) if (isWord(bytes, start, name)) return field;
  return null;
}

const UTF_8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Null when the bytes are not UTF-8. */
function decoded(bytes: Uint8Array): string | null {
  try {
    return UTF_8.decode(bytes);
  } catch {
    return null;
  }
}
