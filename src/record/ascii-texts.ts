/** Strings made of bytes again and again, made once: equal texts are one string, and no garbage. */

/** Longer texts are not keys and names. */
const LONGEST = 255;

export class AsciiTexts {
  /** A slot holds the last text of its hash. */
  readonly #texts: string[];
  readonly #mask: number;

  /** @param slots a power of two, well above the number of texts in use */
  constructor(slots: number) {
    this.#texts = Array.from({ length: slots }, () => "");
    this.#mask = slots - 1;
  }

  /** Null when it is long, or not ASCII. */
  of(bytes: Uint8Array, start: number, end: number): string | null {
    let hash = end - start;
    if (hash > LONGEST) return null;
    let seen = 0;
    for (let i = start; i < end; i += 1) {
      const byte = bytes[i] as number;
      seen |= byte;
      hash = (Math.imul(hash, 31) + byte) | 0;
    }
    if (seen >= 0x80) return null;
    const slot = (hash ^ (hash >>> 13)) & this.#mask;
    const held = this.#texts[slot] as string;
    if (held.length === end - start && isText(bytes, start, end, held, 0)) return held;
    const text = String.fromCharCode(...bytes.subarray(start, end));
    this.#texts[slot] = text;
    return text;
  }
}

/** Whether the bytes are, as ASCII, what stands in `text` from `from` on. */
function isText(bytes: Uint8Array, start: number, end: number, text: string, from: number): boolean {
  for (let i = start; i < end; i += 1) {
    const byte = bytes[i] as number;
    if (byte >= 0x80 || text.charCodeAt(from + i - start) !== byte) return false;
  }
  return true;
}

const COLON = 0x3a;
const PERCENT = 0x25;

/** As `isText`, and nothing in it is encoded in a key (keys.ts): so it is a part of a key as it stands. */
export function isKeyPart(bytes: Uint8Array, start: number, end: number, key: string, from: number): boolean {
  for (let i = start; i < end; i += 1) {
    const byte = bytes[i] as number;
    if (byte >= 0x80 || byte === COLON || byte === PERCENT || key.charCodeAt(from + i - start) !== byte)
      return false;
  }
  return true;
}
