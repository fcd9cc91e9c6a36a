/**
 * Postal codes from positions, by IGN's Géoplateforme (opt-in: it tells a third party where the stations are, which
 * Vélib' publishes anyway). Answers come at a later poll; until then the next rule stands in.
 *
 *   postcode(station) ─▶ kept on disk? ─▶ at once
 *                             │ no
 *                             ▼
 *                     queue ─▶ at most 40 a second ─▶ kept, by station and coordinates
 */
import { appendFileSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import type { GeocodedPostcodes } from "../domain/areas.ts";
import { asObject } from "../record/feed-values.ts";
import type { Clock, Logger } from "../ports.ts";
import type { HttpClient } from "./http-client.ts";

const GEOCODER_URL = "https://data.geopf.fr/geocodage/reverse";
/** The service allows 50 requests a second and address. */
const PER_SECOND = 40;
/** Requests under way at once: more would bunch behind a slow answer. */
const AT_ONCE = 8;
/** After a failure, doubled with each further one. */
const RETRY_MS = 30_000;
const LONGEST_RETRY_MS = 3_600_000;

export interface ReverseGeocoderOptions {
  readonly client: HttpClient;
  /** One line of JSON an answer: `["<station>", lat, lon, "75016"]`. */
  readonly cacheFile: string;
  /** @default IGN's */
  readonly url?: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Wanted {
  readonly stationId: string;
  readonly lat: number;
  readonly lon: number;
}

export class ReverseGeocoder implements GeocodedPostcodes {
  readonly #options: ReverseGeocoderOptions;
  /** By station and coordinates; null: asked, and there is no address near. */
  readonly #known = new Map<string, string | null>();
  readonly #queue = new Map<string, Wanted>();
  readonly #stop = new AbortController();
  #working: Promise<void> | null = null;
  #failures = 0;

  constructor(options: ReverseGeocoderOptions) {
    this.#options = options;
    this.#readCache();
  }

  postcode(stationId: string, lat: number, lon: number): string | null {
    const key = keyOf({ stationId, lat, lon });
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    if (!this.#queue.has(key) && !this.#stop.signal.aborted) {
      this.#queue.set(key, { stationId, lat, lon });
      this.#working ??= this.#work().finally(() => {
        this.#working = null;
      });
    }
    return null;
  }

  /** Resolves when nothing is asked any more. */
  async idle(): Promise<void> {
    await this.#working;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#working;
  }

  async #work(): Promise<void> {
    const { clock } = this.#options;
    // The stations of one poll are all asked for before the first request goes out.
    await Promise.resolve();
    while (this.#queue.size > 0 && !this.#stop.signal.aborted) {
      const startedMs = clock.now();
      const batch = [...this.#queue].slice(0, AT_ONCE);
      const answered = await Promise.all(batch.map(([key, wanted]) => this.#ask(key, wanted)));
      if (answered.every(Boolean)) this.#failures = 0;
      else this.#failures += 1;
      const paceMs = (batch.length * 1000) / PER_SECOND - (clock.now() - startedMs);
      const backoffMs = this.#failures === 0 ? 0 : RETRY_MS * 2 ** Math.min(10, this.#failures - 1);
      await clock.sleep(Math.max(0, paceMs, Math.min(LONGEST_RETRY_MS, backoffMs)), this.#stop.signal);
    }
  }

  /** @returns false when the answer is still wanted */
  async #ask(key: string, wanted: Wanted): Promise<boolean> {
    const { client, logger } = this.#options;
    const url = new URL(this.#options.url ?? GEOCODER_URL);
    url.search = new URLSearchParams({
      lon: String(wanted.lon),
      lat: String(wanted.lat),
      index: "address",
      limit: "1",
    }).toString();
    const scope = client.scope();
    const answer = await scope.get(scope.trust(url), null, this.#stop.signal);
    if (answer.ok) answer.body?.share.release();
    const postcode = answer.ok ? postcodeOf(answer.body?.parts.join("") ?? "") : undefined;
    if (postcode === undefined) {
      if (this.#failures === 0 && !this.#stop.signal.aborted) {
        const reason = answer.ok ? `${url.host} answered something else than addresses.` : answer.message;
        logger.warn("geocoder.unavailable", `${reason} Station codes stand in for postal codes meanwhile.`);
      }
      return false;
    }
    this.#queue.delete(key);
    this.#known.set(key, postcode);
    this.#keep(wanted, postcode);
    return true;
  }

  #keep({ stationId, lat, lon }: Wanted, postcode: string | null): void {
    const { cacheFile, logger } = this.#options;
    try {
      mkdirSync(dirname(cacheFile), { recursive: true });
      appendFileSync(cacheFile, `${JSON.stringify([stationId, lat, lon, postcode])}\n`);
    } catch (error) {
      logger.warn("geocoder.not_kept", `Postal codes cannot be kept at ${cacheFile}.`, {
        reason: String(error),
      });
    }
  }

  #readCache(): void {
    let text: string;
    try {
      text = readFileSync(this.#options.cacheFile, "utf8");
    } catch {
      return;
    }
    for (const line of text.split("\n")) {
      // A crash may have left half a line: that station is asked again.
      const entry = parse(line);
      if (!Array.isArray(entry)) continue;
      const [stationId, lat, lon, postcode] = entry as unknown[];
      if (typeof stationId !== "string" || typeof lat !== "number" || typeof lon !== "number") continue;
      if (postcode === null || typeof postcode === "string")
        this.#known.set(keyOf({ stationId, lat, lon }), postcode);
    }
  }
}

function keyOf({ stationId, lat, lon }: Wanted): string {
  return `${lat} ${lon} ${stationId}`;
}

/** The postal code of the nearest address; null when there is none near, undefined when it is no such answer. */
function postcodeOf(text: string): string | null | undefined {
  const features = asObject(parse(text))?.["features"];
  if (!Array.isArray(features)) return undefined;
  const postcode = asObject(asObject(features[0])?.["properties"])?.["postcode"];
  return typeof postcode === "string" && /^\d{5}$/.test(postcode) ? postcode : null;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
