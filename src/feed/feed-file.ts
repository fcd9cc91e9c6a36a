/**
 * One GBFS file as it is fetched again and again: conditional on what is held, parsed only when it is wanted.
 *
 *   get ─▶ 304 ──────────────────────────▶ unchanged ┐ read(): parsed again from the bytes that are kept,
 *      └─▶ 200 ─▶ the same bytes ────────▶ unchanged ┘         compressed: a tenth of what it takes parsed
 *             └─▶ new bytes ─▶ parseParts ▶ changed
 */
import { gzipText, readGzipped, type BodyText } from "./body-text.ts";
import { LARGE, parsePartsInTurns } from "./json-parts.ts";
import { notJsonBecause } from "./json-problem.ts";
import type { Fetched, Fetcher, Validators } from "./http-client.ts";
import { failureOf, outcomeOf, type FetchFailure } from "./failures.ts";
import type { Share } from "./memory-budget.ts";
import { Turns } from "./turns.ts";
import type { FeedTraffic } from "../ports.ts";

export type FileAnswer =
  | {
      readonly ok: true;
      readonly kind: "changed" | "unchanged";
      /** The parsed body of a changed file; null for an unchanged one, which `read` gives again. */
      readonly body: unknown;
      /** About bytes; 0 for an unchanged one. */
      readonly weight: number;
      readonly transferredBytes: number;
      /** The body is not held any longer: others may wait for its room. More than once does nothing. */
      readonly release: () => void;
    }
  | FetchFailure;

/** A body that was parsed again. */
export interface ReadAgain {
  readonly body: unknown;
  readonly release: () => void;
}

/** What polling has cost and saved, counted up. */
export type Traffic = { -readonly [K in keyof FeedTraffic]: number };

/** Nothing so far. */
export function noTraffic(): Traffic {
  return { requests: 0, notModified: 0, transferredBytes: 0, savedBytes: 0 };
}

export class FeedFile {
  readonly #client: Fetcher;
  readonly #traffic: Traffic;
  /** `read` may be asked for. */
  readonly #keeps: boolean;
  #url: URL;
  #validators: Validators | null = null;
  #digest: string | null = null;
  #bodyBytes = 0;
  #closed = false;
  /** The last body, gzipped. */
  #kept: { readonly gzipped: readonly Buffer[]; readonly weight: number; readonly share: Share } | null =
    null;

  /** @param keeps whether `read` will be asked for */
  constructor(client: Fetcher, url: URL, traffic: Traffic = noTraffic(), keeps = false) {
    this.#client = client;
    this.#url = url;
    this.#traffic = traffic;
    this.#keeps = keeps;
  }

  get url(): URL {
    return this.#url;
  }

  async fetch(signal?: AbortSignal): Promise<FileAnswer> {
    this.#traffic.requests += 1;
    const answer = await this.#client.get(this.#url, this.#validators, signal);
    if (!answer.ok) return answer;
    this.#traffic.transferredBytes += answer.transferredBytes;
    if (answer.movedForGood) this.#url = new URL(answer.url);
    const unchanged = { ok: true, kind: "unchanged", body: null, weight: 0, release: nothing } as const;
    if (answer.body === null) {
      // "As you have it already", to one who has nothing.
      if (this.#digest === null) return failureOf("http_304", this.#url);
      this.#traffic.notModified += 1;
      this.#traffic.savedBytes += this.#bodyBytes;
      return { ...unchanged, transferredBytes: answer.transferredBytes };
    }
    this.#traffic.savedBytes += Math.max(0, answer.body.bytes - answer.transferredBytes);
    if (answer.body.digest === this.#digest) {
      answer.body.share.release();
      this.#validators = answer.validators;
      return { ...unchanged, transferredBytes: answer.transferredBytes };
    }
    return this.#parse(answer, answer.body, signal);
  }

  /** The last body, parsed again; null when there is none. */
  async read(): Promise<ReadAgain> {
    if (this.#kept === null) return { body: null, release: nothing };
    const { gzipped, weight, share } = this.#kept;
    const release = (): void => share.release();
    const large = weight > SMALL_WEIGHT;
    try {
      if (large) await share.take(2 * weight);
      const parse = async (): Promise<unknown> => parsePartsInTurns(await readGzipped(gzipped));
      const body = await (large ? LARGE_TEXTS.take(parse) : parse());
      if (large) share.give(weight);
      return { body, release };
    } catch (error) {
      release();
      throw error;
    }
  }

  /** The next fetch is unconditional. */
  forget(): void {
    this.#validators = null;
    this.#digest = null;
    this.#kept = null;
    this.#client.keep?.(this, "gzipped", 0);
  }

  /** Whether what was made of the last body, so many bytes or so, may be kept beside what other feeds keep. */
  mayKeep(bytes: number): boolean {
    return !this.#closed && this.#client.keep?.(this, "value", bytes) !== false;
  }

  /** Nothing of it is kept any longer. */
  close(): void {
    this.#closed = true;
    this.forget();
    this.#client.leave?.(this);
  }

  async #parse(answer: Fetched & { ok: true }, text: BodyText, signal?: AbortSignal): Promise<FileAnswer> {
    const { share, weight, heldBytes } = text;
    const parse = (): Promise<FileAnswer> => this.#parseNow(answer, text);
    let parsed: FileAnswer | null = null;
    try {
      // Room first, then the turn: who has the turn waits for nobody.
      if (weight > SMALL_WEIGHT) await share.take(weight, signal);
      // Large ones in turn: each is there twice while it is parsed.
      parsed = await (text.bytes < LARGE && weight <= LARGE_WEIGHT ? parse() : LARGE_TEXTS.take(parse));
      share.give(heldBytes);
      return parsed;
    } catch (error) {
      return failureOf(outcomeOf(error), this.#url);
    } finally {
      if (parsed?.ok !== true) share.release();
    }
  }

  async #parseNow(
    answer: Fetched & { ok: true },
    { parts, bytes, digest, gzipped, weight, share }: BodyText,
  ): Promise<FileAnswer> {
    // Before it is parsed: parsing lets go of the text.
    const kept = this.#keeps ? (gzipped ?? (await gzipText(parts))) : null;
    const start = parts.slice(0, 4).join("").slice(0, 200).trim();
    const end = parts.slice(-4).join("").slice(-200).trim();
    const numbers = parts.some((part) => NO_NUMBER.test(part));
    let body: unknown;
    try {
      body = await parsePartsInTurns(parts);
    } catch (error) {
      if (error instanceof RangeError) return failureOf("too_large", this.#url, error.message);
      return failureOf("not_json", this.#url, notJsonBecause(error, { start, end, numbers }));
    }
    const release = (): void => share.release();
    const changed = { ok: true, kind: "changed", body, weight, release } as const;
    const keptBytes = kept?.reduce((sum, piece) => sum + piece.length, 0) ?? 0;
    if (this.#closed || this.#client.keep?.(this, "gzipped", keptBytes) === false) this.forget();
    else {
      this.#kept = kept === null ? null : { gzipped: kept, weight, share };
      this.#validators = answer.validators;
      this.#digest = digest;
      this.#bodyBytes = bytes;
    }
    return { ...changed, transferredBytes: answer.transferredBytes };
  }
}

const LARGE_TEXTS = new Turns();
/** What small files come to is not counted: they are parsed and decoded at once. About bytes. */
const SMALL_WEIGHT = 512 * 1024;
/** A short text may stand for many values. */
const LARGE_WEIGHT = 4 * 1024 * 1024;
const nothing = (): void => undefined;
/** What Python's and JavaScript's writers make of a number that is none: JSON has no word for it. */
const NO_NUMBER = /[:,[]\s*-?(NaN|Infinity|nan|inf|undefined)\s*[,}\]]/;
