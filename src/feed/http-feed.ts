/**
 * A live feed over HTTP as a source of polls: any GBFS version, stations and free-floating vehicles.
 *
 *   describe ─▶ discover (or known) ─▶ system_information ─▶ who it is
 *   poll ─────▶ discover when needed ─▶ ┬ station_status, vehicle_status   every poll, conditional
 *                                       └ station_information, …          when due; waited for the first time only
 */
import type { SystemAlert } from "../domain/gbfs/system-files.ts";
import { looksLikeVelib } from "../domain/gbfs/whole-status.ts";
import type { Reject, StationArea, StationInformation } from "../record/station.ts";
import { VehicleTruth } from "../domain/vehicle-truth.ts";
import { FeedError } from "../errors.ts";
import type { Clock, FeedProblem, FeedSource, Poll, SystemDescription } from "../ports.ts";
import { discover, offeredBy, sameUrls } from "./discovery.ts";
import { FailurePace, isMissing, MISSING_RECHECK_MS } from "./failure-pace.ts";
import { failureOf, type FetchFailure } from "./failures.ts";
import { noTraffic } from "./feed-file.ts";
import { safeSystemId, systemIdOf, VELIB, type FeedTarget } from "./feed-target.ts";
import type { HttpClient, HttpScope } from "./http-client.ts";
import { atMost } from "./patience.ts";
import { PollContent } from "./poll-content.ts";
import type { SaidOfSystem, SystemFiles } from "./system-files.ts";
import type { Observation } from "./observation.ts";
import { pollSystem } from "./system-poll.ts";
import { chooseVersion } from "./version-choice.ts";

export interface HttpFeedOptions {
  readonly target: FeedTarget;
  readonly client: HttpClient;
  readonly clock: Pick<Clock, "now">;
  /** The area of a vehicle that stands by itself; the whole system's by default. */
  readonly resolvePosition?: (lat: number | null, lon: number | null) => StationArea;
  /** How long a poll waits for a file once others have answered, ms. @default 5 s */
  readonly patienceMs?: number;
}

/** Polls that wait for station_information and the like when a feed starts; then it goes on without. */
const PATIENT_POLLS = 3;
/** Discovery is repeated this often: publishers move files. */
const REDISCOVER_MS = 24 * 3_600_000;
/** A file that is slower than the others by more is taken without, and serves the next poll. */
const PATIENCE_MS = 5_000;
/** How often system_information is asked before the system's id is taken from elsewhere. */
const ATTEMPTS = 3;
const NEVER = new Promise<never>(() => {});

export class HttpFeed implements FeedSource {
  readonly traffic = noTraffic();
  /** Its stations carry Vélib' codes, whatever the system is called. */
  usesVelibCodes = false;
  readonly #options: HttpFeedOptions;
  readonly #scope: HttpScope;
  readonly #url: URL;
  readonly #stopping = new AbortController();
  #resolvePosition: (lat: number | null, lon: number | null) => StationArea;
  #discoverAtMs = 0;
  #files: SystemFiles | null = null;
  #description: SystemDescription | null;
  /** A poll made to tell which system it is; handed out as the first one. */
  #early: Poll | null = null;
  readonly #content = new PollContent();
  readonly #vehicles = new VehicleTruth();
  /** Versions above the one that is read, and why they are not. */
  #passedOver: readonly FeedProblem[] = [];
  readonly #failures = new FailurePace();
  /** Stations of the last poll that the information does not know. */
  #unexplained = 0;
  #unsettledPolls = 0;
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

  problems(): readonly FeedProblem[] {
    return [...this.#passedOver, ...(this.#files?.problems(this.#options.clock.now()) ?? [])];
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
    this.#files?.close();
    this.#scope.close();
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
    const simulated = this.#simulated || this.#files?.found.simulated === true || said?.simulated === true;
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

  /** Optional: a system that does not say who it is gets its id from its URL, but not for a moment's failure. */
  async #systemInformation(signal: AbortSignal): Promise<SaidOfSystem | null> {
    const { target, patienceMs = PATIENCE_MS } = this.#options;
    const asking = (async (): Promise<SaidOfSystem | null> => {
      for (let attempt = 1; ; attempt += 1) {
        const answer = await this.#files?.askSystem(signal);
        const momentary = /^(http_5|http_429|timeout|reset|truncated|not_json)/.test(
          answer?.failure?.outcome ?? "",
        );
        if (!momentary || attempt === ATTEMPTS || target.systemId !== null || signal.aborted)
          return answer?.said ?? null;
        await atMost((patienceMs / 5) * attempt, NEVER);
      }
    })();
    let said: SaidOfSystem | null = null;
    await atMost(
      2 * patienceMs,
      asking.then((answer) => (said = answer)),
    );
    return said;
  }

  /** Finds the files, unless they are known well enough. @returns why it failed, or null */
  async #discover(signal: AbortSignal): Promise<FetchFailure | null> {
    const { clock, target, patienceMs = PATIENCE_MS } = this.#options;
    const nowMs = clock.now();
    if (this.#files !== null && nowMs < this.#discoverAtMs) return null;
    const { traffic } = this;
    const client = this.#scope;
    const offer =
      target.versions === undefined
        ? await discover(client, this.#url, traffic, signal)
        : offeredBy(target.versions, this.#url);
    const chosen = offer.ok
      ? await chooseVersion(offer, { client, traffic, clock, patienceMs, signal })
      : offer;
    if (!chosen.ok) {
      if (this.#files === null) return chosen;
      // The files known so far may still answer.
      this.#discoverAtMs = nowMs + MISSING_RECHECK_MS;
      return null;
    }
    const doubtful = chosen.passedOver.length > 0;
    this.#discoverAtMs = nowMs + (doubtful ? MISSING_RECHECK_MS : REDISCOVER_MS);
    const read = chosen.files.found.version ?? "the one found first";
    this.#passedOver = chosen.passedOver.map(({ version, why }) => ({
      flag: "higher_version_unusable",
      subject: version,
      outcome: "passed_over",
      message: `The feed offers version ${version}, but ${why}. Version ${read} is read instead; it is looked at again within the hour.`,
      sinceMs: this.#passedOver.find(({ subject }) => subject === version)?.sinceMs ?? nowMs,
    }));
    if (this.#files !== null && sameUrls(this.#files.found, chosen.files.found)) chosen.files.close();
    else {
      this.#files?.close();
      this.#files = chosen.files;
      this.#unsettledPolls = 0;
    }
    return null;
  }

  async #poll(signal: AbortSignal): Promise<Poll> {
    const { clock, patienceMs = PATIENCE_MS } = this.#options;
    const startedMs = clock.now();
    const failure = await this.#discover(signal);
    const files = this.#files;
    if (failure !== null || files === null) return this.#failed(failure ?? NOTHING, startedMs);
    const places = files.refreshPlaces(signal);
    const rest = files.refreshRest(signal);
    const waiting = !files.settled && this.#unsettledPolls < PATIENT_POLLS;
    // Types are worth a moment at the first poll: without them the split would be unknown, and known a minute later.
    const first = this.#unsettledPolls === 0 && this.#content.unknown;
    const now = (): number => clock.now();
    const resolvePosition = this.#resolvePosition;
    const ready = Promise.all([waiting ? places : null, first ? atMost(patienceMs, rest) : null]);
    const polled = await pollSystem(
      files,
      { now, patienceMs, resolvePosition, vehicles: this.#vehicles, ready },
      signal,
    );
    if (!polled.ok) return this.#failed(polled, startedMs);
    const { length } = polled.status.stations;
    if (!this.#scope.keepStations(length))
      return this.#failed(
        failureOf("too_large", this.#url, `${length} stations, beside those of other large systems`),
        startedMs,
      );
    this.#failures.succeeded();
    if (waiting && !files.settled) {
      this.#unsettledPolls += 1;
      // Without information stations would be put into wrong areas, and moved out of them a minute later.
      if (this.#unsettledPolls < PATIENT_POLLS && files.failure !== null) {
        return this.#failed(files.failure, startedMs);
      }
    }
    return this.#observed(files, polled, startedMs);
  }

  #observed(files: SystemFiles, polled: Observation, startedMs: number): Poll {
    const { clock } = this.#options;
    const observedAtMs = clock.now();
    const { status, transferredBytes } = polled;
    if (polled.simulated) this.#simulated = true;
    // A file that is not where it was may have moved: the discovery file is asked again, but not at every poll.
    if (
      files.stations
        .concat(files.vehicles)
        .some(({ trouble }) => trouble !== null && isMissing(trouble.failure))
    )
      this.#discoverAtMs = Math.min(this.#discoverAtMs, observedAtMs + MISSING_RECHECK_MS);
    const unexplained = status.oddities["station_without_information"] ?? 0;
    if (unexplained > this.#unexplained) files.hastenInformation();
    this.#unexplained = unexplained;
    const changed = this.#content.changed(status);
    const kind = changed ? "changed" : "unchanged";
    return { kind, status, observedAtMs, transferredBytes, durationMs: observedAtMs - startedMs };
  }

  #failed(failure: FetchFailure, startedMs: number): FailedPoll {
    const observedAtMs = this.#options.clock.now();
    const { retryAfterMs, rediscover } = this.#failures.failed(failure);
    if (rediscover) this.#discoverAtMs = 0;
    const { outcome, message } = failure;
    const durationMs = observedAtMs - startedMs;
    return { kind: "failed", observedAtMs, outcome, message, retryAfterMs, durationMs };
  }
}

type FailedPoll = Extract<Poll, { kind: "failed" }>;

const NOTHING: FetchFailure = { ok: false, outcome: "network", message: "", retryAfterMs: null };

function feedError({ outcome, message, retryAfterMs }: FailedPoll): FeedError {
  const code =
    outcome === "blocked_url"
      ? "VELOSTREAM_FEED_REFUSED"
      : outcome.startsWith("no")
        ? "VELOSTREAM_FEED_INVALID"
        : "VELOSTREAM_FEED_UNAVAILABLE";
  return new FeedError(code, message, { details: { outcome, retryAfterMs } });
}
