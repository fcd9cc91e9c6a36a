/**
 * A live feed over HTTP as a source of polls: any GBFS version, stations and free-floating vehicles.
 *
 *   describe ─▶ discover (or known) ─▶ system_information ─▶ who it is
 *   poll ─────▶ discover when needed ─▶ ┬ station_status, vehicle_status   every poll, conditional
 *                                       └ station_information, …          when due; waited for the first time only
 */
import { countFreeFloating } from "../domain/free-floating.ts";
import { sameStations } from "../domain/change-detection.ts";
import { asObject } from "../domain/gbfs/fields.ts";
import { decodeStationStatus } from "../domain/gbfs/station-status.ts";
import { decodeSystemInformation } from "../domain/gbfs/system-files.ts";
import { decodeVehicleStatus } from "../domain/gbfs/vehicle-status.ts";
import { combine, looksLikeVelib } from "../domain/gbfs/whole-status.ts";
import type { Reject, StationArea, StationInformation, StationStatusFile } from "../domain/station.ts";
import { FeedError } from "../errors.ts";
import type { Clock, FeedSource, Poll, SystemDescription } from "../ports.ts";
import { discover, type FeedUrls } from "./discovery.ts";
import { failureMessage, type FetchFailure } from "./failures.ts";
import { FeedFile, noTraffic, type FileAnswer } from "./feed-file.ts";
import { safeSystemId, systemIdOf, VELIB, type FeedTarget } from "./feed-target.ts";
import type { HttpClient, HttpScope } from "./http-client.ts";
import { SystemFiles } from "./system-files.ts";

export interface HttpFeedOptions {
  readonly target: FeedTarget;
  readonly client: HttpClient;
  readonly clock: Pick<Clock, "now">;
  /** The area of a vehicle that stands by itself; the whole system's by default. */
  readonly resolvePosition?: (lat: number | null, lon: number | null) => StationArea;
}

/** Polls that wait for station_information and the like when a feed starts; then it goes on without. */
const PATIENT_POLLS = 3;
/** Discovery is repeated this often: publishers move files. */
const REDISCOVER_MS = 24 * 3_600_000;
/** A feed that is gone is looked at again this often. */
const GONE_RECHECK_MS = 6 * 3_600_000;
/** This many 404 in a row, and the feed is looked at again only so often. */
const MISSING_POLLS = 3;
const MISSING_RECHECK_MS = 3_600_000;

export class HttpFeed implements FeedSource {
  readonly traffic = noTraffic();
  readonly #options: HttpFeedOptions;
  readonly #scope: HttpScope;
  readonly #url: URL;
  readonly #stopping = new AbortController();
  #resolvePosition: (lat: number | null, lon: number | null) => StationArea;
  #found: FeedUrls | null = null;
  #discoverAtMs = 0;
  #files: SystemFiles | null = null;
  #description: SystemDescription | null;
  /** A poll made to tell which system it is; handed out as the first one. */
  #early: Poll | null = null;
  #last: StationStatusFile | null = null;
  #lastDecoding = -1;
  #unsettledPolls = 0;
  #missing = 0;
  /** A file says `simulated: true`. */
  #simulated = false;

  constructor(options: HttpFeedOptions) {
    this.#options = options;
    const { target, client } = options;
    this.#scope = client.scope();
    this.#url = target.typed ? this.#scope.trust(target.url, target.headers) : target.url;
    this.#description = target.description;
    this.#resolvePosition =
      options.resolvePosition ?? (() => ({ area: target.systemId ?? "system", rule: "system" }));
  }

  /** Which areas vehicles stand in: known only once the system is. */
  placeVehicles(resolvePosition: (lat: number | null, lon: number | null) => StationArea): void {
    this.#resolvePosition = resolvePosition;
    this.#early = null;
    this.#lastDecoding = -1;
  }

  async describe(signal?: AbortSignal): Promise<SystemDescription> {
    this.#description ??= await this.#whoIsIt(this.#signal(signal));
    return this.#description;
  }

  information(): ReadonlyMap<string, StationInformation> {
    return this.#files?.information ?? new Map<string, never>();
  }

  /** Region id → name, as far as known. */
  regionNames(): ReadonlyMap<string, string> {
    return this.#files?.regionNames ?? new Map<string, never>();
  }

  takeInformationRejects(): readonly Reject[] {
    return this.#files?.takeRejects() ?? [];
  }

  async poll(signal?: AbortSignal): Promise<Poll> {
    const early = this.#early;
    this.#early = null;
    return early ?? this.#poll(this.#signal(signal));
  }

  close(): Promise<void> {
    this.#stopping.abort();
    return Promise.resolve();
  }

  #signal(signal: AbortSignal | undefined): AbortSignal {
    return signal === undefined ? this.#stopping.signal : AbortSignal.any([signal, this.#stopping.signal]);
  }

  async #whoIsIt(signal: AbortSignal): Promise<SystemDescription> {
    const { target } = this.#options;
    const failure = await this.#discover(signal);
    if (failure !== null) throw feedError(failure);
    const said = await this.#systemInformation(signal);
    let systemId = target.systemId ?? said?.systemId ?? null;
    // Vélib' calls itself "Paris", or nothing; its dialect tells.
    if (target.systemId === null && (systemId === null || /^(paris|velib)/i.test(systemId))) {
      const poll = await this.#poll(signal);
      if (poll.kind === "failed") throw feedError({ ...poll, ok: false });
      this.#early = poll;
      if (poll.kind !== "ended" && looksLikeVelib(poll.status)) systemId = "velib";
    }
    const simulated = this.#simulated || this.#found?.simulated === true || said?.simulated === true;
    if (systemId === "velib" && !simulated) return VELIB;
    return {
      systemId: safeSystemId(systemId ?? systemIdOf(this.#url)),
      name: said?.name ?? said?.operator ?? systemId ?? this.#url.host,
      timezone: said?.timezone ?? null,
      attribution: said?.attribution ?? said?.operator ?? null,
      licenseUrl: said?.licenseUrl ?? null,
      simulated,
    };
  }

  async #systemInformation(signal: AbortSignal) {
    const url = this.#found?.urls.get("system_information");
    if (url === undefined) return null;
    const answer = await new FeedFile(this.#scope, url, this.traffic).fetch(signal);
    // Optional: a system that does not say who it is gets its id from its URL.
    const decoded = answer.ok ? decodeSystemInformation(answer.body) : null;
    if (!answer.ok || decoded === null) return null;
    return { ...decoded, simulated: asObject(answer.body)?.["simulated"] === true };
  }

  /** Finds the files, unless they are known well enough. @returns why it failed, or null */
  async #discover(signal: AbortSignal): Promise<FetchFailure | null> {
    const nowMs = this.#options.clock.now();
    if (this.#files !== null && nowMs < this.#discoverAtMs) return null;
    const found = await discover(this.#scope, this.#url, this.traffic, signal);
    if (!found.ok) {
      if (this.#files === null) return found;
      // The files known so far may still answer.
      this.#discoverAtMs = nowMs + MISSING_RECHECK_MS;
      return null;
    }
    this.#discoverAtMs = nowMs + REDISCOVER_MS;
    if (this.#files === null || !sameUrls(this.#found, found)) {
      this.#files = new SystemFiles(this.#scope, found, this.traffic, this.#options.clock);
      this.#lastDecoding = -1;
      this.#unsettledPolls = 0;
    }
    this.#found = found;
    return null;
  }

  async #poll(signal: AbortSignal): Promise<Poll> {
    const startedMs = this.#options.clock.now();
    const failure = await this.#discover(signal);
    const files = this.#files;
    if (failure !== null || files === null) return this.#failed(failure ?? NOTHING, startedMs);
    const refreshed = files.refresh(signal);
    const waiting = !files.settled && this.#unsettledPolls < PATIENT_POLLS;
    const [status, vehicles] = await Promise.all([
      files.status?.fetch(signal) ?? null,
      files.vehicles?.fetch(signal) ?? null,
      waiting ? refreshed : null,
    ]);
    for (const answer of [status, vehicles]) if (answer?.ok === false) return this.#failed(answer, startedMs);
    this.#missing = 0;
    if (waiting && !files.settled) {
      this.#unsettledPolls += 1;
      // Without information stations would be put into wrong areas, and moved out of them a minute later.
      if (this.#unsettledPolls < PATIENT_POLLS && files.failure !== null) {
        return this.#failed(files.failure, startedMs);
      }
    }
    return this.#observed(files, status, vehicles, startedMs);
  }

  #observed(
    files: SystemFiles,
    status: FileAnswer | null,
    vehicles: FileAnswer | null,
    startedMs: number,
  ): Poll {
    const observedAtMs = this.#options.clock.now();
    const answers = [status, vehicles].filter((answer) => answer?.ok === true);
    const transferredBytes = answers.reduce((sum, answer) => sum + answer.transferredBytes, 0);
    const rest = { observedAtMs, transferredBytes, durationMs: observedAtMs - startedMs };
    const same = answers.every((answer) => answer.kind === "unchanged");
    if (same && this.#last !== null && this.#lastDecoding === files.decodingVersion) {
      return { kind: "unchanged", status: this.#last, ...rest };
    }
    const decoded = this.#decode(files, status, vehicles);
    if (decoded === null) {
      files.status?.forget();
      files.vehicles?.forget();
      return this.#failed(notGbfs(this.#url), startedMs);
    }
    if (unknownStations(decoded) > unknownStations(this.#last)) files.hastenInformation();
    const kind =
      this.#last !== null && sameStations(this.#last.stations, decoded.stations) ? "unchanged" : "changed";
    this.#last = decoded;
    this.#lastDecoding = files.decodingVersion;
    return { kind, status: decoded, ...rest };
  }

  #decode(
    files: SystemFiles,
    status: FileAnswer | null,
    vehicles: FileAnswer | null,
  ): StationStatusFile | null {
    const stations = status?.ok === true ? decodeStationStatus(status.body, files.types) : null;
    const free = vehicles?.ok === true ? decodeVehicleStatus(vehicles.body) : null;
    if (stations === null && free === null) return null;
    if (status?.ok === true && asObject(status.body)?.["simulated"] === true) this.#simulated = true;
    if (files.status !== null && stations === null) return null;
    const ids = stations?.stations.map(({ stationId }) => stationId) ?? [];
    const freeFloating =
      free === null ? [] : countFreeFloating(free.vehicles, files.types, new Set(ids), this.#resolvePosition);
    return combine(stations, free, freeFloating, files.oddities(ids));
  }

  #failed(failure: FetchFailure, startedMs: number): Poll {
    const observedAtMs = this.#options.clock.now();
    let { retryAfterMs } = failure;
    const gone = failure.outcome === "http_410";
    this.#missing = failure.outcome === "http_404" ? this.#missing + 1 : 0;
    if (gone) retryAfterMs = Math.max(retryAfterMs ?? 0, GONE_RECHECK_MS);
    else if (this.#missing >= MISSING_POLLS) retryAfterMs = Math.max(retryAfterMs ?? 0, MISSING_RECHECK_MS);
    // A file that is not where it was may have moved: ask the discovery file again.
    if (gone || this.#missing > 0) this.#discoverAtMs = 0;
    const { outcome, message } = failure;
    return {
      kind: "failed",
      observedAtMs,
      outcome,
      message,
      retryAfterMs,
      durationMs: observedAtMs - startedMs,
    };
  }
}

const NOTHING: FetchFailure = { ok: false, outcome: "network", message: "", retryAfterMs: null };

function unknownStations(file: StationStatusFile | null): number {
  return file?.oddities["station_without_information"] ?? 0;
}

function notGbfs(url: URL): FetchFailure {
  return {
    ok: false,
    outcome: "not_gbfs",
    message: failureMessage("not_gbfs", url.host),
    retryAfterMs: null,
  };
}

function feedError(failure: FetchFailure): FeedError {
  const { outcome, message, retryAfterMs } = failure;
  const code =
    outcome === "blocked_url"
      ? "VELOSTREAM_FEED_REFUSED"
      : outcome.startsWith("not_")
        ? "VELOSTREAM_FEED_INVALID"
        : "VELOSTREAM_FEED_UNAVAILABLE";
  return new FeedError(code, message, { details: { outcome, retryAfterMs } });
}

function sameUrls(a: FeedUrls | null, b: FeedUrls): boolean {
  return (
    a !== null &&
    a.urls.size === b.urls.size &&
    [...b.urls].every(([name, url]) => a.urls.get(name)?.href === url.href)
  );
}
