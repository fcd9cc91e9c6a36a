/**
 * What a simulated feed publishes at an instant: the city, moved on to the last change, as bodies with their validators.
 *
 *   now ──▶ sequence = whole change periods since the start ──▶ city steps up to it ──▶ body, ETag, gzip (kept until the next)
 */
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { CityModel } from "./city-model.ts";
import { isMissing } from "./faults.ts";
import { fileContent, type Dialect, type FileName } from "./feed-files.ts";

const compress = promisify(gzip);
/** Small bodies cost more to compress than to send. */
const WORTH_COMPRESSING_BYTES = 1024;
/** After a long sleep of the machine the city catches up at most this many periods; the hour is right all the same. */
const MOST_PERIODS_BEHIND = 240;
const LONGEST_STEP_MS = 60_000;

export interface SimulatedFeedOptions {
  readonly stations: number;
  readonly seed: number;
  readonly dialect: Dialect;
  readonly systemId: string;
  readonly changePeriodMs: number;
  readonly speed: number;
  readonly startedAtMs: number;
  readonly cityStartsAtMs: number;
}

export interface Representation {
  readonly body: Buffer;
  readonly etag: string;
  /** Epoch ms. */
  readonly modifiedAtMs: number;
  /** null where compressing is not worth it. */
  gzip(): Promise<Buffer | null>;
}

export class SimulatedFeed {
  readonly model: CityModel;
  readonly #options: SimulatedFeedOptions;
  readonly #stepsPerPeriod: number;
  readonly #kept = new Map<string, Representation>();
  #sequence = 0;

  constructor(options: SimulatedFeedOptions) {
    const cityPeriodMs = options.changePeriodMs * options.speed;
    this.#options = options;
    this.#stepsPerPeriod = Math.max(1, Math.ceil(cityPeriodMs / LONGEST_STEP_MS));
    this.model = new CityModel({
      stations: options.stations,
      seed: options.seed,
      startsAtMs: options.cityStartsAtMs,
      stepMs: cityPeriodMs / this.#stepsPerPeriod,
    });
  }

  /** How often the content has changed since the start. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Moves the city on to the last change before `nowMs`. */
  moveTo(nowMs: number): void {
    const { startedAtMs, changePeriodMs } = this.#options;
    const sequence = Math.floor((nowMs - startedAtMs) / changePeriodMs);
    if (sequence <= this.#sequence) return;
    const behind = sequence - this.#sequence;
    const skipped = Math.max(0, behind - MOST_PERIODS_BEHIND);
    if (skipped > 0) this.model.skip(skipped * this.#stepsPerPeriod);
    for (let step = 0; step < (behind - skipped) * this.#stepsPerPeriod; step += 1) this.model.step();
    this.#sequence = sequence;
    this.#kept.clear();
  }

  /** One file as it is now; `missing` leaves out two stations of three. */
  representation(name: FileName, baseUrl: string, missing: boolean): Representation {
    // Only the discovery file depends on where it was asked for.
    const key = `${name}${missing ? "!" : ""}${name === "gbfs" ? baseUrl : ""}`;
    const kept = this.#kept.get(key);
    if (kept !== undefined) return kept;
    const { dialect, systemId, changePeriodMs, startedAtMs, seed } = this.#options;
    const atMs = startedAtMs + this.#sequence * changePeriodMs;
    const body = Buffer.from(
      JSON.stringify(
        fileContent(name, {
          dialect,
          systemId,
          atMs,
          changePeriodMs,
          baseUrl,
          model: this.model,
          omits: missing ? isMissing : () => false,
        }),
      ),
    );
    let compressed: Promise<Buffer | null> | null = null;
    const made: Representation = {
      body,
      etag: `"${seed}-${startedAtMs.toString(36)}-${this.#sequence}-${body.length}"`,
      modifiedAtMs: atMs,
      gzip: () =>
        (compressed ??=
          body.length < WORTH_COMPRESSING_BYTES ? Promise.resolve(null) : compress(body, { level: 4 })),
    };
    // Callers may name any host: the discovery file is small, so it is not kept for each.
    if (name !== "gbfs") this.#kept.set(key, made);
    return made;
  }
}
