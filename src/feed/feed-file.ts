/**
 * One GBFS file as it is fetched again and again: conditional on what is held, parsed only when it is new.
 *
 *   get ─▶ 304 ──────────────────────────▶ unchanged
 *      └─▶ 200 ─▶ the same bytes ────────▶ unchanged
 *             └─▶ new bytes ─▶ JSON.parse ▶ changed, held from now on
 */
import { hash } from "node:crypto";
import type { Fetched, Fetcher, Validators } from "./http-client.ts";
import { failureMessage, type FetchFailure } from "./failures.ts";

export type FileAnswer =
  | {
      readonly ok: true;
      readonly kind: "changed" | "unchanged";
      /** The parsed body now held, changed or not. */
      readonly body: unknown;
      readonly transferredBytes: number;
    }
  | FetchFailure;

/** What asking politely saved, since the start. */
export interface Traffic {
  requests: number;
  notModified: number;
  transferredBytes: number;
  /** Bytes of bodies that a 304 or compression did not transfer. */
  savedBytes: number;
}

/** Nothing so far. */
export function noTraffic(): Traffic {
  return { requests: 0, notModified: 0, transferredBytes: 0, savedBytes: 0 };
}

export class FeedFile {
  readonly #client: Fetcher;
  readonly #traffic: Traffic;
  #url: URL;
  #validators: Validators | null = null;
  #digest: string | null = null;
  #bodyBytes = 0;
  #body: unknown = null;

  constructor(client: Fetcher, url: URL, traffic: Traffic = noTraffic()) {
    this.#client = client;
    this.#url = url;
    this.#traffic = traffic;
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
    const { transferredBytes } = answer;
    if (answer.body === null) {
      this.#traffic.notModified += 1;
      this.#traffic.savedBytes += this.#bodyBytes;
      return { ok: true, kind: "unchanged", body: this.#body, transferredBytes };
    }
    this.#traffic.savedBytes += Math.max(0, answer.body.length - transferredBytes);
    const digest = hash("sha1", answer.body, "base64");
    if (digest === this.#digest) {
      this.#validators = answer.validators;
      return { ok: true, kind: "unchanged", body: this.#body, transferredBytes };
    }
    return this.#parse(answer, answer.body, digest);
  }

  /** Lets go of the parsed body once it is decoded; a 304 then brings `null`. */
  releaseBody(): void {
    this.#body = null;
  }

  /** The next fetch is unconditional. */
  forget(): void {
    this.#validators = null;
    this.#digest = null;
    this.#body = null;
  }

  #parse(answer: Fetched & { ok: true }, bytes: Buffer, digest: string): FileAnswer {
    const text = bytes.toString("utf8");
    let body: unknown;
    try {
      body = JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text);
    } catch {
      const detail = /^\s*</.test(text)
        ? "a web page"
        : text.trim() === ""
          ? "nothing at all"
          : "cut short, or damaged";
      const message = failureMessage("not_json", this.#url.host, detail);
      return { ok: false, outcome: "not_json", message, retryAfterMs: null };
    }
    this.#validators = answer.validators;
    this.#digest = digest;
    this.#bodyBytes = bytes.length;
    this.#body = body;
    return { ok: true, kind: "changed", body, transferredBytes: answer.transferredBytes };
  }
}
