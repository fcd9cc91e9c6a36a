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
import { failureOf, type FetchFailure } from "./failures.ts";
import { Turns } from "./turns.ts";
import type { FeedTraffic } from "../ports.ts";

export type FileAnswer =
  | {
      readonly ok: true;
      readonly kind: "changed" | "unchanged";
      /** The parsed body of a changed file; null for an unchanged one, which `read` gives again. */
      readonly body: unknown;
      readonly transferredBytes: number;
    }
  | FetchFailure;

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
  /** The last body, gzipped. */
  #kept: readonly Buffer[] | null = null;

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
    const unchanged = { ok: true, kind: "unchanged", body: null } as const;
    if (answer.body === null) {
      // "As you have it already", to one who has nothing.
      if (this.#digest === null) return failureOf("http_304", this.#url);
      this.#traffic.notModified += 1;
      this.#traffic.savedBytes += this.#bodyBytes;
      return { ...unchanged, transferredBytes: answer.transferredBytes };
    }
    this.#traffic.savedBytes += Math.max(0, answer.body.bytes - answer.transferredBytes);
    if (answer.body.digest === this.#digest) {
      answer.body.release();
      this.#validators = answer.validators;
      return { ...unchanged, transferredBytes: answer.transferredBytes };
    }
    return this.#parse(answer, answer.body);
  }

  /** The last body, parsed again; null when there is none. */
  async read(): Promise<unknown> {
    const kept = this.#kept;
    return kept === null ? null : parsePartsInTurns(await readGzipped(kept));
  }

  /** The next fetch is unconditional. */
  forget(): void {
    this.#validators = null;
    this.#digest = null;
    this.#kept = null;
  }

  async #parse(answer: Fetched & { ok: true }, text: BodyText): Promise<FileAnswer> {
    const parse = (): Promise<FileAnswer> => this.#parseNow(answer, text);
    try {
      // Large ones in turn: each is there twice while it is parsed.
      return await (text.bytes < LARGE ? parse() : LARGE_TEXTS.take(parse));
    } finally {
      text.release();
    }
  }

  async #parseNow(
    answer: Fetched & { ok: true },
    { parts, bytes, digest, gzipped }: BodyText,
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
    this.#kept = kept;
    this.#validators = answer.validators;
    this.#digest = digest;
    this.#bodyBytes = bytes;
    return { ok: true, kind: "changed", body, transferredBytes: answer.transferredBytes };
  }
}

const LARGE_TEXTS = new Turns();
/** What Python's and JavaScript's writers make of a number that is none: JSON has no word for it. */
const NO_NUMBER = /[:,[]\s*-?(NaN|Infinity|nan|inf|undefined)\s*[,}\]]/;
