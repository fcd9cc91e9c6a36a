/**
 * Weighs JSON while its bytes arrive, before anything is parsed: what it would take in memory, and whether it nests
 * deeper or holds longer texts than any feed does. A few bytes can become a hundred: `{},` is three, an object is more.
 *
 *   bytes ─▶ in a text? ─▶ its length        an object or list: 160 ── a value: 24 ── a text: its length
 *      └──▶ { [ , : ─────▶ depth, weight     a new sequence of names in an object: 256, for V8 makes a class of each
 */

/** Nobody has so many stations or vehicles; what cannot be used of them would be a flood of rejects. */
const MOST_RECORDS = 200_000;
/** Where the records of a list stand: `{"data":{"stations":[{`, or `[{` where the list is bare. */
const DEEPEST_RECORD = 4;
/** Feeds nest some ten deep. */
const DEEPEST = 64;
/** No name, address or note of a feed is that long, bytes. */
const LONGEST_TEXT = 1024 * 1024;
/** However a file is indented, no two of its values stand so far apart, bytes. */
const LONGEST_BLANK = 64 * 1024;
const OBJECT = 160;
const VALUE = 24;
const SHAPE = 256;

export class JsonWeight {
  readonly #most: number;
  readonly #shapes = new Set<number>();
  /** Of the names met so far in the object at each depth. */
  readonly #shapeAt = new Int32Array(DEEPEST + 2);
  /** Objects and lists met at each depth down to the records'. */
  readonly #records = new Int32Array(DEEPEST_RECORD + 1);
  #depth = 0;
  #weight = 0;
  /** Blanks since the last thing that was none. */
  #blanks = 0;
  #inText = false;
  #escaped = false;
  #textBytes = 0;
  #textHash = 0;

  /** @param most weight that is accepted, about bytes */
  constructor(most: number) {
    this.#most = most;
  }

  /** What was taken so far would take parsed, about bytes. */
  get weight(): number {
    return this.#weight;
  }

  /** Takes more bytes. @returns why the text is refused, as half a sentence; null while it is not */
  take(bytes: Uint8Array): string | null {
    const { length } = bytes;
    for (let at = 0; at < length; at += 1) {
      const byte = bytes[at] ?? 0;
      if (this.#inText) {
        if (this.#escaped) this.#escaped = false;
        else if (byte === BACKSLASH) this.#escaped = true;
        else if (byte === QUOTE) {
          this.#inText = false;
          this.#weight += this.#textBytes;
          continue;
        }
        this.#textBytes += 1;
        this.#textHash = (Math.imul(this.#textHash, 31) + byte) | 0;
        continue;
      }
      if (byte <= SPACE) {
        this.#blanks += 1;
        continue;
      }
      if (this.#blanks > LONGEST_BLANK) break;
      this.#blanks = 0;
      if (byte === QUOTE) {
        this.#inText = true;
        this.#textBytes = 0;
        this.#textHash = 7;
      } else if (byte === COMMA) this.#weight += VALUE;
      else if (byte === COLON) this.#name();
      else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
        this.#weight += OBJECT;
        this.#depth += 1;
        if (this.#depth > DEEPEST) return `nested more than ${DEEPEST} deep`;
        this.#shapeAt[this.#depth] = 0;
        if (this.#depth <= DEEPEST_RECORD && this.#countRecord() > MOST_RECORDS)
          return `more than ${MOST_RECORDS} records`;
      } else if ((byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) && this.#depth > 0) this.#depth -= 1;
    }
    if (this.#inText && this.#textBytes > LONGEST_TEXT) return "a text of more than a megabyte";
    if (this.#blanks > LONGEST_BLANK) return "blanks without end";
    return this.#weight > this.#most ? "more values than a feed has" : null;
  }

  #countRecord(): number {
    const count = (this.#records[this.#depth] ?? 0) + 1;
    this.#records[this.#depth] = count;
    return count;
  }

  /** The last text was a name: names are shared between objects that have the same ones in the same order. */
  #name(): void {
    this.#weight -= this.#textBytes;
    const shape = (Math.imul(this.#shapeAt[this.#depth] ?? 0, 31) + this.#textHash) & 0x3fff_ffff;
    this.#shapeAt[this.#depth] = shape;
    if (this.#shapes.has(shape)) return;
    this.#shapes.add(shape);
    this.#weight += SHAPE + this.#textBytes;
  }
}

const SPACE = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
