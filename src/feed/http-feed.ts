/**
 * A live feed over HTTP as a source of polls: any GBFS version, stations and free-floating vehicles.
 *
 *   describe ─▶ discover (or known) ─▶ system_information ─▶ who it is
 *   poll ─────▶ discover when needed ─▶ ┬ station_status, vehicle_status   every poll, conditional
 *                                       └ station_information, …          when due; waited for the first time only
 */
import { stationsDigest } from "../domain/change-detection.ts";
import { asObject } from "../domain/gbfs/fields.ts";
import { decodeStationStatus } from "../domain/gbfs/station-status.ts";
import { decodeSystemInformation, type SystemAlert } from "../domain/gbfs/system-files.ts";
import { decodeVehicleStatus } from "../domain/gbfs/vehicle-status.ts";
import { combine, looksLikeVelib, stationIdsOf } from "../domain/gbfs/whole-status.ts";
import { VehicleTruth } from "../domain/vehicle-truth.ts";
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
  /** Its stations carry Vélib' codes, whatever the system is called. */
  usesVelibCodes = false;
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
  readonly #vehicles = new VehicleTruth();
  /** Digest of the last content. */
  #content: number | null = null;
  /** Stations of the last poll that the information does not know. */
  #unexplained = 0;
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

  alerts(): readonly SystemAlert[] {
    return this.#files?.alerts ?? [];
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
    if (failure !== null) throw feedError(this.#failed(failure, this.#options.clock.now()));
    const said = await this.#systemInformation(signal);
    let systemId = target.systemId ?? said?.systemId ?? null;
    // Vélib' calls itself "Paris", or nothing; its dialect tells. Under a name of the user's it keeps its station codes.
    if (target.typed && /^(paris$|velib|$)/i.test(said?.systemId ?? "")) {
      const poll = await this.#poll(signal);
      if (poll.kind === "failed") throw feedError(poll);
      this.#early = poll;
      this.usesVelibCodes = poll.kind !== "ended" && looksLikeVelib(poll.status);
      if (this.usesVelibCodes) systemId = target.systemId ?? "velib";
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

  async #observed(
    files: SystemFiles,
    status: FileAnswer | null,
    vehicles: FileAnswer | null,
    startedMs: number,
  ): Promise<Poll> {
    const observedAtMs = this.#options.clock.now();
    const answers = [status, vehicles].filter((answer) => answer?.ok === true);
    const transferredBytes = answers.reduce((sum, answer) => sum + answer.transferredBytes, 0);
    const [stations, free] = await Promise.all([
      bodyOf(files.status, status),
      bodyOf(files.vehicles, vehicles),
    ]);
    const decoded = this.#decode(files, stations, free, observedAtMs);
    if (decoded === null) {
      files.status?.forget();
      files.vehicles?.forget();
      return this.#failed(notGbfs(this.#url), startedMs);
    }
    const unexplained = decoded.oddities["station_without_information"] ?? 0;
    if (unexplained > this.#unexplained) files.hastenInformation();
    this.#unexplained = unexplained;
    const content = stationsDigest(decoded.stations);
    const kind = content === this.#content ? "unchanged" : "changed";
    this.#content = content;
    return { kind, status: decoded, observedAtMs, transferredBytes, durationMs: observedAtMs - startedMs };
  }

  #decode(files: SystemFiles, statusBody: unknown, free: unknown, atMs: number): StationStatusFile | null {
    const { types, capacityOf } = files;
    const stations = files.status === null ? null : decodeStationStatus(statusBody, types, capacityOf);
    const vehicles = files.vehicles === null ? null : decodeVehicleStatus(free);
    if (stations === null && (files.status !== null || vehicles === null)) return null;
    if (asObject(statusBody)?.["simulated"] === true) this.#simulated = true;
    const ids = stations?.stations.map(({ stationId }) => stationId) ?? [];
    const stationIds = stations === null ? null : stationIdsOf(stations, files.information.keys());
    const counted = { atMs, types, stationIds, resolvePosition: this.#resolvePosition };
    const told =
      vehicles === null ? null : this.#vehicles.observe({ ...counted, vehicles: vehicles.vehicles });
    return combine(stations, vehicles, told, files.oddities(ids));
  }

  #failed(failure: FetchFailure, startedMs: number): FailedPoll {
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

type FailedPoll = Extract<Poll, { kind: "failed" }>;

const NOTHING: FetchFailure = { ok: false, outcome: "network", message: "", retryAfterMs: null };

/** The parsed body of an answer, from what is kept when it has not changed. */
async function bodyOf(file: FeedFile | null, answer: FileAnswer | null): Promise<unknown> {
  if (file === null || answer?.ok !== true) return null;
  return answer.kind === "changed" ? answer.body : file.read();
}

function notGbfs(url: URL): FetchFailure {
  return {
    ok: false,
    outcome: "not_gbfs",
    message: failureMessage("not_gbfs", url.host),
    retryAfterMs: null,
  };
}

function feedError({ outcome, message, retryAfterMs }: FailedPoll): FeedError {
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
