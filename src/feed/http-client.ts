/**
 * One polite, bounded GET: conditional, compressed, with limits on time, size and redirects. Never rejects.
 *
 *   URL ─▶ trusted or guarded agent ─▶ headers in time? ─▶ redirect ─▶ (same again, from a stranger)
 *                                            │
 *                                            ▼
 *                                   body, within its caps (body-text.ts)
 */
import { Agent, request, type Dispatcher } from "undici";
import { readBody, type BodyText } from "./body-text.ts";
import { HTTP_LIMITS, KEPT_DECODED_STATIONS, type HttpLimits } from "./http-limits.ts";
import { KeptRoom } from "./kept-room.ts";
import { ENDLESS_ANNOUNCEMENTS, failureOf, outcomeOf, type FetchFailure } from "./failures.ts";
import { retryAfterMs } from "./retry-after.ts";
import { MemoryBudget } from "./memory-budget.ts";
import { TrustedOrigins, type Headers } from "./trusted-origins.ts";
import { guardedLookup, refusal, STRICT_POLICY, type UrlPolicy } from "./url-guard.ts";

/** No real system's file is larger, parsed; no real system has more stations. Neither is counted with the others. */
const SMALL_FILE_BYTES = 1024 * 1024;
const SMALL_SYSTEM_STATIONS = 10_000;
/** Of `parsedBytes`, for who is a stranger. */
const STRANGERS_WEIGHT = 1 / 3;
/** A server has a few early hints to give, not more. */
const MOST_INFORMATIONAL = 16;

/** The server sent 1xx answers without end. */
class ChatterError extends Error {
  readonly code = ENDLESS_ANNOUNCEMENTS;
}

/** Waits for a turn to use a host; the function it resolves to gives the turn back. */
export interface RequestGate {
  enter(host: string, signal?: AbortSignal): Promise<() => void>;
}

export interface HttpClientOptions {
  readonly userAgent: string;
  readonly policy?: UrlPolicy;
  readonly limits?: Partial<HttpLimits>;
  readonly gate?: RequestGate;
  readonly now: () => number;
  /** Stands in for the guarded look-up in tests. */
  readonly lookup?: ReturnType<typeof guardedLookup>;
}

/** What makes a request conditional: the validators of the answer held. */
export interface Validators {
  readonly etag: string | null;
  readonly lastModified: string | null;
}

export type Fetched =
  | {
      readonly ok: true;
      /** null: not modified (304). */
      readonly body: BodyText | null;
      readonly validators: Validators;
      readonly transferredBytes: number;
      /** Where the answer came from, after redirects. */
      readonly url: string;
      /** Every redirect on the way was permanent: ask there next time. */
      readonly movedForGood: boolean;
    }
  | FetchFailure;

/** What fetches: a client, on behalf of one feed. */
export interface Fetcher {
  /** One URL; `validators` make the request conditional. Never rejects. */
  get(url: URL, validators: Validators | null, signal?: AbortSignal): Promise<Fetched>;
  /** Whether so much more of a file may be kept from poll to poll. @param owner until `leave` */
  keep?(owner: object, name: string, bytes: number): boolean;
  /** Whether so many decoded stations may be kept from poll to poll. @param owner until `leave` */
  keepDecoded?(owner: object, stations: number): boolean;
  leave?(owner: object): void;
}

/** One feed's use of the client: what its user typed is trusted for this feed alone. */
export class HttpScope implements Fetcher {
  readonly #client: HttpClient;
  readonly #trusted = new TrustedOrigins();

  constructor(client: HttpClient) {
    this.#client = client;
  }

  /** Trusts the origin of a URL that the user typed. @returns the URL without its credentials */
  trust(typed: URL, headers: Headers = {}): URL {
    return this.#trusted.trust(typed, headers);
  }

  keep(owner: object, name: string, bytes: number): boolean {
    return this.#client.keptBytes.keep(owner, name, bytes);
  }

  keepDecoded(owner: object, stations: number): boolean {
    return this.#client.keptDecoded.keep(owner, "decoded", stations);
  }

  leave(owner: object): void {
    this.#client.keptBytes.leave(owner);
    this.#client.keptDecoded.leave(owner);
  }

  /** Whether the feed may have so many stations beside those of others. */
  keepStations(count: number): boolean {
    return this.#client.keptStations.keep(this, "stations", count);
  }

  /** Nothing is fetched or kept any longer. */
  close(): void {
    this.#client.keptStations.leave(this);
  }

  get(url: URL, validators: Validators | null, signal?: AbortSignal): Promise<Fetched> {
    return this.#client.fetch(url, validators, this.#trusted, signal);
  }
}

export class HttpClient {
  readonly #options: HttpClientOptions;
  readonly #limits: HttpLimits;
  readonly #trusting: Agent;
  readonly #guarded: Agent;
  readonly #held: MemoryBudget;
  /** Of large files and systems, from poll to poll. */
  readonly keptBytes: KeptRoom;
  readonly keptStations: KeptRoom;
  readonly keptDecoded = new KeptRoom(KEPT_DECODED_STATIONS, 0);

  constructor(options: HttpClientOptions) {
    this.#options = options;
    this.#limits = { ...HTTP_LIMITS, ...options.limits };
    const pool = {
      // Kept open from poll to poll; the server's own keep-alive hint wins.
      keepAliveTimeout: 75_000,
      connections: 4,
      allowH2: false,
      headersTimeout: this.#limits.firstByteMs,
      bodyTimeout: this.#limits.firstByteMs,
    };
    this.#held = new MemoryBudget(this.#limits.heldBytes);
    this.keptBytes = new KeptRoom(this.#limits.keptBytes, SMALL_FILE_BYTES);
    this.keptStations = new KeptRoom(this.#limits.stations, SMALL_SYSTEM_STATIONS);
    const timeout = this.#limits.firstByteMs;
    this.#trusting = new Agent({ ...pool, connect: { timeout } });
    const lookup = options.lookup ?? guardedLookup();
    this.#guarded = new Agent({ ...pool, connect: { timeout, lookup } });
  }

  /** Fetches for one feed. */
  scope(): HttpScope {
    return new HttpScope(this);
  }

  /** Use a scope instead: it says which origins are trusted. */
  async fetch(
    url: URL,
    validators: Validators | null,
    trusted: TrustedOrigins,
    signal?: AbortSignal,
  ): Promise<Fetched> {
    // One limit for all: redirects, and the second attempt.
    const left = { ms: this.#limits.totalMs };
    const first = await this.#follow(url, validators, trusted, left, signal);
    // A kept connection may have been closed by the server just as it was used again: that is no failure yet.
    const again = !first.ok && first.outcome === "reset" && left.ms > 0;
    return again ? this.#follow(url, validators, trusted, left, signal) : first;
  }

  async close(): Promise<void> {
    await Promise.all([this.#trusting.destroy(), this.#guarded.destroy()]);
  }

  async #follow(
    start: URL,
    validators: Validators | null,
    trusted: TrustedOrigins,
    left: { ms: number },
    signal?: AbortSignal,
  ): Promise<Fetched> {
    let url = start;
    let movedForGood = true;
    let strayed = false;
    for (let hop = 0; hop <= this.#limits.redirects; hop += 1) {
      strayed ||= !trusted.isTrusted(url) && hop > 0;
      const headers = trusted.headersFor(url, strayed);
      if (headers === null) {
        const reason = refusal(url, this.#options.policy ?? STRICT_POLICY);
        if (reason !== null) return failureOf("blocked_url", url, reason);
      }
      let leave: (() => void) | undefined;
      let startedMs = performance.now();
      try {
        leave = await this.#options.gate?.enter(url.host, signal);
        // The time in the queue is ours, not the server's.
        startedMs = performance.now();
        const timeout = AbortSignal.timeout(Math.max(1, Math.ceil(left.ms)));
        const either = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
        const response = await this.#send(url, headers, validators, either);
        const location = redirectOf(response, url);
        if (location === null) {
          // Where a stranger led back to an origin with secrets, the next poll must not go there by itself.
          const moved = movedForGood && hop > 0 && !(strayed && trusted.isTrusted(url));
          return await this.#read(response, url, headers !== null, moved, either);
        }
        response.body.on("error", () => undefined).destroy();
        movedForGood &&= response.statusCode === 301 || response.statusCode === 308;
        url = location;
      } catch (error) {
        const outcome = outcomeOf(error);
        const detail =
          outcome === "blocked_url" ? "its address is not a public one" : (error as Error).message;
        return failureOf(outcome, url, detail);
      } finally {
        left.ms -= performance.now() - startedMs;
        leave?.();
      }
      if (left.ms <= 0) return failureOf("timeout", start);
    }
    return failureOf("redirect_loop", start);
  }

  #send(
    url: URL,
    trusted: Headers | null,
    validators: Validators | null,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    const free = this.#options.policy?.allowPrivateAddresses === true;
    const chatter = new AbortController();
    let informational = 0;
    return request(url, {
      dispatcher: trusted !== null || free ? this.#trusting : this.#guarded,
      signal: AbortSignal.any([signal, chatter.signal]),
      // Answers that only announce an answer may go on for ever, and each of them is work.
      onInfo: () => {
        informational += 1;
        if (informational > MOST_INFORMATIONAL) chatter.abort(new ChatterError());
      },
      headers: {
        accept: "application/json, */*;q=0.5",
        "accept-encoding": "br, gzip",
        "user-agent": this.#options.userAgent,
        ...trusted,
        ...conditions(validators),
      },
    });
  }

  async #read(
    response: Dispatcher.ResponseData,
    url: URL,
    trusted: boolean,
    movedForGood: boolean,
    signal: AbortSignal,
  ): Promise<Fetched> {
    const { statusCode, headers, body } = response;
    const validators = { etag: header(headers["etag"]), lastModified: header(headers["last-modified"]) };
    const common = { ok: true, validators, url: url.href, movedForGood } as const;
    if (statusCode !== 200) {
      // Nothing of an error page is wanted; a short one keeps the connection.
      await body.dump({ limit: 16_384 }).catch(() => undefined);
      if (statusCode === 304) return { ...common, body: null, transferredBytes: 0 };
      const outcome = `http_${statusCode}`;
      const wait = retryAfterMs(header(headers["retry-after"]), this.#options.now());
      return failureOf(outcome, url, "", wait);
    }
    const share = trusted ? 1 : this.#limits.strangerShare;
    const read = await readBody(body, {
      encoding: [headers["content-encoding"] ?? ""].flat().join(","),
      mostCompressedBytes: this.#limits.compressedBytes * share,
      mostBytes: this.#limits.decompressedBytes * share,
      // What is parsed weighs more than its text the smaller it is.
      mostWeight: this.#limits.parsedBytes * (trusted ? 1 : STRANGERS_WEIGHT),
      share: this.#held.share(),
      signal,
    });
    if ("outcome" in read) return failureOf(read.outcome, url, read.why);
    return { ...common, body: read, transferredBytes: read.transferredBytes };
  }
}

function conditions(validators: Validators | null): Record<string, string> {
  const headers: Record<string, string> = {};
  if (validators === null) return headers;
  if (validators.etag !== null) headers["if-none-match"] = validators.etag;
  if (validators.lastModified !== null) headers["if-modified-since"] = validators.lastModified;
  return headers;
}

function redirectOf(response: Dispatcher.ResponseData, from: URL): URL | null {
  if (![301, 302, 303, 307, 308].includes(response.statusCode)) return null;
  const location = header(response.headers["location"]);
  return location === null ? null : URL.parse(location, from.href);
}

function header(value: string | string[] | undefined): string | null {
  return (Array.isArray(value) ? value[0] : value) ?? null;
}
