/**
 * Makes strangers' text harmless where people read it: nothing in it can move a cursor, colour, retitle, turn the
 * direction of reading, hide, or begin a line of its own.
 *
 *   "Zone\u001B]0;x\u0007\u202E"  ─▶ plainText ─▶ "Zone"       JSON ─▶ escapeJson ─▶ the same value, in visible escapes
 */

/**
 * Sequences a terminal acts upon, whole, so that their remains do not stand in the text: CSI, and the strings of OSC,
 * DCS, SOS, PM and APC, in both their forms (ECMA-48). No part of them matches what begins another: this takes linear time.
 */
const SEQUENCES =
  // oxlint-disable-next-line no-control-regex
  /(?:\u001B\[|\u009B)[0-?]*[ -/]*[@-~]|(?:\u001B[\]PX^_]|[\u0090\u0098\u009D-\u009F])[^\u0000-\u001F\u007F-\u009F]*(?:\u0007|\u001B\\|\u009C)/gu;

/**
 * Controls (C0, DEL, C1), formats (directions, zero width, tags), separators of lines and what shows as nothing.
 * Variation selectors stay: emoji have them.
 */
const UNSAFE = String.raw`\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u034F\u115F\u1160\u17B4\u17B5\u180B-\u180D\u180F\u3164\uFFA0\u{E0100}-\u{E01EF}`;
const UNSAFE_CHARACTER = new RegExp(`[${UNSAFE}]`, "gu");
const HAS_UNSAFE = new RegExp(`[${UNSAFE}]`, "u");
const LINE_BREAKS = /\r\n|[\t\n\v\f\r\u0085\u2028\u2029]/gu;

/** `text` as one line of characters that only show. Breaks of lines and tabs become blanks. */
export function plainText(text: string): string {
  if (!HAS_UNSAFE.test(text)) return text;
  return text.replace(SEQUENCES, "").replace(LINE_BREAKS, " ").replace(UNSAFE_CHARACTER, "");
}

/** The same for text of several lines: `\n` and tabs stay. */
export function plainLines(text: string): string {
  if (!HAS_UNSAFE.test(text)) return text;
  return text
    .replace(SEQUENCES, "")
    .replaceAll("\r\n", "\n")
    .replace(UNSAFE_CHARACTER, (one) => (one === "\n" || one === "\t" ? one : ""));
}

/** JSON text with everything that {@link plainText} takes away as `\uXXXX` instead: it means the same, and only shows. */
export function escapeJson(json: string): string {
  if (!HAS_UNSAFE.test(json)) return json;
  return json.replace(UNSAFE_CHARACTER, (one) =>
    one === "\n" || one === "\t" || one === "\r"
      ? one
      : Array.from({ length: one.length }, (_, at) => `\\u${hex(one.charCodeAt(at))}`).join(""),
  );
}

/** Every text within a value of JSON made plain, names of fields too. */
export function plainValue(value: unknown): unknown {
  if (typeof value === "string") return plainLines(value);
  if (Array.isArray(value)) return value.map(plainValue);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [plainText(name), plainValue(item)]));
}

function hex(unit: number): string {
  return unit.toString(16).padStart(4, "0");
}
