/**
 * JSON in bytes, walked without making anything of it: each function takes the position of a value's first byte and
 * returns the position behind the value, or UNSURE where the text is not JSON, or JSON that is rarely met (an escape,
 * white space): then JSON.parse is to be asked. What is walked to its end is JSON, byte for byte.
 */

export const QUOTE = 0x22;
const BACKSLASH = 0x5c;
export const COMMA = 0x2c;
export const COLON = 0x3a;
export const OPEN_OBJECT = 0x7b;
export const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const MINUS = 0x2d;
const PLUS = 0x2b;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
/** First letters of `true`, `false` and `null`. */
export const LETTER_T = 0x74;
const LETTER_F = 0x66;
export const LETTER_N = 0x6e;
/** `e` and `E` of an exponent. */
const LETTER_E = 0x65;
const CAPITAL_E = 0x45;

/** Returned instead of a position. */
export const UNSURE = -1;
/** Nested values of feeds are two or three levels deep. */
export const DEEPEST = 8;
/** Every integer of so many digits is exact and safe. */
const EXACT_DIGITS = 15;

/** 1 for the bytes that may stand inside a string: no quote, no escape (JSON.parse's), no control character (not JSON). */
const PLAIN = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte === QUOTE || byte === BACKSLASH || byte < 0x20 ? 0 : 1,
);

/** Position of the closing quote of a string whose first byte is at `at`. */
export function stringEnd(bytes: Uint8Array, at: number): number {
  let i = at;
  // Behind the end is no byte, and `undefined` is not plain.
  while (PLAIN[bytes[i] as number] === 1) i += 1;
  return bytes[i] === QUOTE ? i : UNSURE;
}

/** Position behind an integer from 0 on that is an object's member, written in at most 15 digits. */
export function countEnd(bytes: Uint8Array, start: number): number {
  let at = start;
  while (isDigit(bytes[at])) at += 1;
  const digits = at - start;
  if (digits === 0 || digits > EXACT_DIGITS || (digits > 1 && bytes[start] === ZERO)) return UNSURE;
  const next = bytes[at];
  return next === COMMA || next === CLOSE_OBJECT ? at : UNSURE;
}

/** The integer between two positions. */
export function countOf(bytes: Uint8Array, start: number, end: number): number {
  let count = 0;
  for (let i = start; i < end; i += 1) count = count * 10 + ((bytes[i] as number) - ZERO);
  return count;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= NINE;
}

/** Position behind any JSON value written without white space. */
export function valueEnd(bytes: Uint8Array, start: number, deeper: number): number {
  switch (bytes[start] as number) {
    case QUOTE: {
      const end = stringEnd(bytes, start + 1);
      return end === UNSURE ? UNSURE : end + 1;
    }
    case LETTER_T:
      return isWord(bytes, start, TRUE) ? start + 4 : UNSURE;
    case LETTER_F:
      return isWord(bytes, start, FALSE) ? start + 5 : UNSURE;
    case LETTER_N:
      return isWord(bytes, start, NULL) ? start + 4 : UNSURE;
    case OPEN_OBJECT:
    case OPEN_ARRAY:
      return deeper === 0 ? UNSURE : nestedEnd(bytes, start, deeper - 1);
    default:
      return numberEnd(bytes, start);
  }
}

/** Position behind an object or array. */
function nestedEnd(bytes: Uint8Array, start: number, deeper: number): number {
  const isObject = bytes[start] === OPEN_OBJECT;
  const close = isObject ? CLOSE_OBJECT : CLOSE_ARRAY;
  if (bytes[start + 1] === close) return start + 2;
  let at = start;
  do {
    at += 1;
    if (isObject) {
      if (bytes[at] !== QUOTE) return UNSURE;
      const nameEnd = stringEnd(bytes, at + 1);
      if (nameEnd === UNSURE || bytes[nameEnd + 1] !== COLON) return UNSURE;
      at = nameEnd + 2;
    }
    at = valueEnd(bytes, at, deeper);
    if (at === UNSURE) return UNSURE;
  } while (bytes[at] === COMMA);
  return bytes[at] === close ? at + 1 : UNSURE;
}

/** Position behind a number, by the grammar of RFC 8259. */
function numberEnd(bytes: Uint8Array, start: number): number {
  let at = bytes[start] === MINUS ? start + 1 : start;
  if (bytes[at] === ZERO) at += 1;
  else if (isDigit(bytes[at])) at = digitsEnd(bytes, at);
  else return UNSURE;
  if (bytes[at] === POINT) {
    if (!isDigit(bytes[at + 1])) return UNSURE;
    at = digitsEnd(bytes, at + 1);
  }
  if (bytes[at] === LETTER_E || bytes[at] === CAPITAL_E) {
    at += bytes[at + 1] === PLUS || bytes[at + 1] === MINUS ? 2 : 1;
    if (!isDigit(bytes[at])) return UNSURE;
    at = digitsEnd(bytes, at);
  }
  return at;
}

function digitsEnd(bytes: Uint8Array, start: number): number {
  let at = start;
  while (isDigit(bytes[at])) at += 1;
  return at;
}

const TRUE = ascii("true");
const FALSE = ascii("false");
const NULL = ascii("null");

/** Whether `word` stands at `start`. */
export function isWord(bytes: Uint8Array, start: number, word: Uint8Array): boolean {
  for (let i = 0; i < word.length; i += 1) if (bytes[start + i] !== word[i]) return false;
  return true;
}

/** The bytes of text that is ASCII. */
export function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
