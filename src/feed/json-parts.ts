/**
 * JSON.parse for a text in parts: a large list of stations is parsed a few hundred at a time and each part is let go
 * of, so that a feed of 31 MB is never held as one text beside what it says (docs/decisions/0033).
 *
 *   head `{"data":{"stations":[`        list `{…},{…},…`                           tail `]},"ttl":60}`
 *        └─ a mark stands for the list       └─ up to the last comma between two        └─ parsed with the head,
 *                                               elements; the rest waits for more          the list put in its place
 *
 * Says exactly what JSON.parse says of the whole text, errors included (test/property/json-parts.test.ts).
 */
import { setImmediate } from "node:timers/promises";

/** Shorter texts are parsed at once: there is nothing to save. Characters. */
export const LARGE = 1024 * 1024;
/** The lists of GBFS that grow with the system. */
const LIST = /"(stations|vehicles|bikes)"\s*:\s*\[/;
/** Headers are a few hundred characters; a list that begins later is parsed with the rest. */
const LONGEST_HEAD = 64 * 1024;

/** Text beside or without a list is parsed in one go: no feed has so much of it. Characters. */
const MOST_AT_ONCE = 8 * 1024 * 1024;
/** One element of a list; a record larger than 64 kB is none (domain/gbfs/bounds.ts). Characters. */
const LONGEST_ELEMENT = 1024 * 1024;
/** Parts parsed before others have their turn. */
const PARTS_AT_ONCE = 16;

/** `parseParts`, which lets the event loop go on between some parts and the next. */
export async function parsePartsInTurns(parts: string[], large = LARGE): Promise<unknown> {
  const steps = parseSteps(parts, large);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    await setImmediate();
  }
}

/**
 * Parses and empties `parts`.
 * @param large from how many characters on the list is parsed in pieces @default 1 MiB
 * @throws SyntaxError as JSON.parse does, RangeError for what no feed has
 */
export function parseParts(parts: string[], large = LARGE): unknown {
  const steps = parseSteps(parts, large);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

function* parseSteps(parts: string[], large: number): Generator<void, unknown> {
  if (parts.reduce((sum, part) => sum + part.length, 0) < large) return JSON.parse(takeAll(parts));
  let head = "";
  let start: ListStart | null = null;
  let taken = 0;
  while (start === null && taken < parts.length && head.length < LONGEST_HEAD) {
    head += parts[taken] ?? "";
    parts[taken] = "";
    taken += 1;
    start = listStart(head);
  }
  if (start === null) return parseAtOnce(head, parts);
  const list = new ListParts();
  let tail = list.take(head.slice(start.at));
  for (; tail === null && taken < parts.length; taken += 1) {
    const part = parts[taken] ?? "";
    parts[taken] = "";
    tail = list.take(part);
    if (taken % PARTS_AT_ONCE === 0) yield;
  }
  if (tail === null) throw new SyntaxError("the text ends inside a list");
  const mark = MARK;
  const body = JSON.parse(`${head.slice(0, start.at)}"${mark}"${tail}${takeAll(parts)}`) as {
    data: Record<string, unknown>;
  };
  // Of a repeated name the last counts, as in JSON.parse: then there is no mark to be replaced.
  const { data } = body;
  if (typeof data === "object" && data !== null && !Array.isArray(data) && data[start.name] === mark)
    data[start.name] = list.elements;
  return body;
}

/** No feed has it as the value of a list. */
const MARK = "list parsed in parts, 7f1d9c4e";

interface ListStart {
  readonly name: string;
  /** Of the opening bracket. */
  readonly at: number;
}

/** Where the list of `data` begins; null when it is not (yet) in sight. */
function listStart(head: string): ListStart | null {
  const found = LIST.exec(head);
  const name = found?.[1];
  if (found === null || name === undefined) return null;
  // The list must be a member of `data`, itself a member of the whole: anything else is parsed in one go.
  let depth = 0;
  let dataDepth = -1;
  for (let at = 0; at < found.index; at += 1) {
    const character = head.charCodeAt(at);
    if (character === QUOTE) at = stringEnd(head, at + 1);
    else if (character === OPEN_OBJECT || character === OPEN_ARRAY) {
      depth += 1;
      if (depth === 2 && /"data"\s*:\s*$/.test(head.slice(Math.max(0, at - 32), at))) dataDepth = depth;
    } else if (character === CLOSE_OBJECT || character === CLOSE_ARRAY) {
      depth -= 1;
      if (depth < 2) dataDepth = -1;
    }
  }
  return depth === 2 && dataDepth === 2 ? { name, at: found.index + found[0].length - 1 } : null;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Position of the quote that ends a string; the text's length when none does. */
function stringEnd(text: string, from: number): number {
  let at = from;
  for (; at < text.length; at += 1) {
    const character = text.charCodeAt(at);
    if (character === BACKSLASH) at += 1;
    else if (character === QUOTE) break;
  }
  return at;
}

/** One list, from its opening bracket on. */
class ListParts {
  readonly elements: unknown[] = [];
  /** Text not yet parsed: from the last comma between two elements on. */
  #rest = "";
  /** How far `#rest` was walked. */
  #walked = 0;
  #depth = 0;
  #inString = false;
  #commas = 0;

  /** Takes more text. @returns what follows the closing bracket; null before it was met */
  take(text: string): string | null {
    let rest = this.#rest + text;
    let at = this.#walked;
    if (this.#depth === 0) {
      // The opening bracket itself.
      this.#depth = 1;
      rest = rest.slice(1);
    }
    let comma = -1;
    for (; at < rest.length; at += 1) {
      const character = rest.charCodeAt(at);
      if (this.#inString) {
        if (character === BACKSLASH) {
          // Its other half may be in the next part.
          if (at + 1 === rest.length) break;
          at += 1;
        } else if (character === QUOTE) this.#inString = false;
      } else if (character === QUOTE) this.#inString = true;
      else if (character === OPEN_OBJECT || character === OPEN_ARRAY) this.#depth += 1;
      else if (character === CLOSE_OBJECT || character === CLOSE_ARRAY) {
        this.#depth -= 1;
        if (this.#depth === 0) {
          if (character === CLOSE_OBJECT) throw new SyntaxError("a list ends with a brace");
          this.#parse(rest.slice(0, at), this.#commas > 0);
          return rest.slice(at + 1);
        }
      } else if (character === COMMA && this.#depth === 1) comma = at;
    }
    if (comma >= 0) {
      this.#parse(rest.slice(0, comma), true);
      this.#commas += 1;
      rest = rest.slice(comma + 1);
      at -= comma + 1;
    }
    if (rest.length > LONGEST_ELEMENT) throw new RangeError("a record of more than a megabyte");
    this.#rest = rest;
    this.#walked = at;
    return null;
  }

  #parse(text: string, needed: boolean): void {
    const elements = JSON.parse(`[${text}]`) as unknown[];
    if (needed && elements.length === 0) throw new SyntaxError("a list has nothing before or after a comma");
    for (const element of elements) this.elements.push(element);
  }
}

/** @throws RangeError for more than may be parsed in one go */
function parseAtOnce(head: string, parts: string[]): unknown {
  const length = parts.reduce((sum, part) => sum + part.length, head.length);
  if (length > MOST_AT_ONCE) throw new RangeError("so much text outside a list of stations or vehicles");
  return JSON.parse(head + takeAll(parts));
}

function takeAll(parts: string[]): string {
  const text = parts.join("");
  parts.length = 0;
  return text;
}
