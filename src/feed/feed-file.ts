/**
 * One GBFS file as it is fetched again and again: conditional on what is held, parsed only when it is wanted.
 *
 *   get ─▶ 304 ──────────────────────────▶ unchanged ┐ read(): parsed again from the bytes that are kept,
 *      └─▶ 200 ─▶ the same bytes ────────▶ unchanged ┘         compressed: a tenth of what it takes parsed
 *             └─▶ new bytes ─▶ JSON.parse ▶ changed
 */
import { hash } from "node:crypto";
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import type { Fetched, Fetcher, Validators } from "./http-client.ts";
import { failureMessage, type FetchFailure } from "./failures.ts";
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

const compress = promisify(gzip);
const decompress = promisify(gunzip);

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
  #kept: Buffer | null = null;

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
      this.#traffic.notModified += 1;
      this.#traffic.savedBytes += this.#bodyBytes;
      return { ...unchanged, transferredBytes: answer.transferredBytes };
    }
    this.#traffic.savedBytes += Math.max(0, answer.body.length - answer.transferredBytes);
    const digest = hash("sha1", answer.body, "base64");
    if (digest === this.#digest) {
      this.#validators = answer.validators;
      return { ...unchanged, transferredBytes: answer.transferredBytes };
    }
    return this.#parse(answer, answer.body, digest);
  }

  /** The last body, parsed again; null when there is none. */
  async read(): Promise<unknown> {
    return this.#kept === null
      ? null
      : (JSON.parse((await decompress(this.#kept)).toString("utf8")) as unknown);
  }

  /** The next fetch is unconditional. */
  forget(): void {
    this.#validators = null;
    this.#digest = null;
    this.#kept = null;
  }

  async #parse(answer: Fetched & { ok: true }, bytes: Buffer, digest: string): Promise<FileAnswer> {
    const marked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
    const json = marked ? bytes.subarray(3) : bytes;
    let body: unknown;
    try {
      body = JSON.parse(json.toString("utf8"));
    } catch {
      const start = json.subarray(0, 200).toString("utf8").trim();
      const detail = start.startsWith("<")
        ? "a web page"
        : start === ""
          ? "nothing at all"
          : "cut short, or damaged";
      const message = failureMessage("not_json", this.#url.host, detail);
      return { ok: false, outcome: "not_json", message, retryAfterMs: null };
    }
    if (this.#keeps) this.#kept = answer.gzipped ?? (await compress(json, { level: 1 }));
    this.#validators = answer.validators;
    this.#digest = digest;
    this.#bodyBytes = bytes.length;
    return { ok: true, kind: "changed", body, transferredBytes: answer.transferredBytes };
  }
}
