/** The files of one discovered system, each with its own pace, and what they say together. */
import { enveloped } from "../domain/gbfs/envelope.ts";
import { decodeStationInformation } from "../domain/gbfs/station-information.ts";
import {
  decodeSystemAlerts,
  decodeSystemInformation,
  decodeSystemRegions,
  type SystemAlert,
  type SystemInformation,
} from "../domain/gbfs/system-files.ts";
import { asObject } from "../record/feed-values.ts";
import { header } from "../domain/gbfs/header.ts";
import { decodeVehicleTypes, type Propulsion } from "../domain/gbfs/propulsion.ts";
import type { Reject, StationInformation } from "../record/station.ts";
import type { Clock, FeedProblem } from "../ports.ts";
import { FeedFile, type Traffic } from "./feed-file.ts";
import type { FeedUrls } from "./discovery.ts";
import type { FetchFailure } from "./failures.ts";
import { fileProblem } from "./file-problem.ts";
import type { Fetcher } from "./http-client.ts";
import { atMost } from "./patience.ts";
import { PolledFile } from "./polled-file.ts";
import { RepeatedPoll } from "./repeated-poll.ts";
import type { Observation } from "./observation.ts";
import { INFORMATION_PACE, RARE_PACE, SlowFile, type Decoded } from "./slow-file.ts";

type Information = ReadonlyMap<string, StationInformation>;

/** The information is read again for stations that it does not know at most this often. */
const SEEK_EVERY_MS = 60_000;
/** Read this recently, it is the same answer. */
const FRESH_MS = 5_000;

/** What system_information says, and whether it calls itself simulated. */
export type SaidOfSystem = SystemInformation & { readonly simulated: boolean };

export class SystemFiles {
  readonly found: FeedUrls;
  readonly stations: readonly PolledFile[];
  readonly vehicles: readonly PolledFile[];
  /** The same vehicles under the older name, where both are listed. */
  readonly spareVehicles: readonly PolledFile[];
  /** What its status said last; nothing where it has several files, each of which may come or not. */
  readonly repeated: RepeatedPoll;
  readonly #information: SlowFiles<Information>;
  readonly #types: SlowFiles<ReadonlyMap<string, Propulsion>>;
  readonly #regions: SlowFiles<ReadonlyMap<string, string>>;
  readonly #alerts: SlowFiles<readonly SystemAlert[]>;
  readonly #system: SlowFiles<SaidOfSystem | null>;
  readonly #rejects: Reject[] = [];
  /** Stations that the information was read again for. */
  #sought: ReadonlySet<string> = new Set();
  #soughtAtMs = -Infinity;
  #seekEveryMs = SEEK_EVERY_MS;
  #oddities: Readonly<Record<string, number>> = {};

  constructor(client: Fetcher, found: FeedUrls, traffic: Traffic, clock: Pick<Clock, "now">) {
    this.found = found;
    const listed = (name: string): readonly URL[] => found.urls.get(name) ?? [];
    const polled = (name: string): PolledFile[] =>
      listed(name).map(
        (url) =>
          new PolledFile(name, new FeedFile(client, url, traffic, true), found.guessed, () => !this.repeats),
      );
    const slow = <T>(
      name: string,
      pace: typeof RARE_PACE,
      merge: (values: readonly T[]) => T,
      decode: (body: unknown) => Decoded<T> | null,
    ): SlowFiles<T> => {
      const files = listed(name).map((url) => {
        const file = new FeedFile(client, url, traffic);
        return new SlowFile({ file, decode, empty: merge([]), clock, pace });
      });
      return { name, files, merge, nothing: merge([]) };
    };
    this.repeated = new RepeatedPoll((stations) => client.keepDecoded?.(this, stations) === true);
    this.stations = polled("station_status");
    const [newer, older] = [polled("vehicle_status"), polled("free_bike_status")];
    this.vehicles = newer.length > 0 ? newer : older;
    this.spareVehicles = newer.length > 0 ? older : [];
    this.#information = slow<Information>("station_information", INFORMATION_PACE, mergeMaps, (body) =>
      this.#decodeInformation(body),
    );
    this.#types = slow<ReadonlyMap<string, Propulsion>>("vehicle_types", RARE_PACE, mergeMaps, (body) =>
      whole(body, "vehicle_types", decodeVehicleTypes),
    );
    this.#regions = slow<ReadonlyMap<string, string>>("system_regions", RARE_PACE, mergeMaps, (body) =>
      whole(body, "regions", decodeSystemRegions),
    );
    this.#alerts = slow<readonly SystemAlert[]>(
      "system_alerts",
      INFORMATION_PACE,
      (lists) => lists.flat(),
      (body) => whole(body, "alerts", decodeSystemAlerts),
    );
    this.#system = slow<SaidOfSystem | null>(
      "system_information",
      RARE_PACE,
      (said) => said.find((value) => value !== null) ?? null,
      decodeSystem,
    );
  }

  /** A status file that has not changed says what it said. */
  get repeats(): boolean {
    return this.repeated.again(this) !== null;
  }

  /** Keeps what the status says, where one file says it all. */
  keep(observation: Observation): void {
    if (this.stations.length === 1 && this.vehicles.length === 0) this.repeated.keep(observation, this);
  }

  get information(): Information {
    return valueOf(this.#information);
  }

  /** Docks that a station is built for, as far as its information says. Bound, so that it can be handed over. */
  readonly capacityOf = (stationId: string): number | null =>
    this.information.get(stationId)?.capacity ?? null;

  get types(): ReadonlyMap<string, Propulsion> {
    return valueOf(this.#types);
  }

  get regionNames(): ReadonlyMap<string, string> {
    return valueOf(this.#regions);
  }

  get alerts(): readonly SystemAlert[] {
    return valueOf(this.#alerts);
  }

  /** Asks who the system is, now. @returns null when it does not say */
  async askSystem(
    signal?: AbortSignal,
  ): Promise<{ said: SaidOfSystem | null; failure: FetchFailure | null }> {
    for (const file of this.#system.files) file.demand();
    await refreshed(this.#system, signal);
    return { said: valueOf(this.#system), failure: failureOfAny(this.#system) };
  }

  /** Oddities of the information, and of it and the status together. */
  oddities(stationIds: Iterable<string>): Readonly<Record<string, number>> {
    const { information } = this;
    if (information.size === 0) return this.#oddities;
    let [known, unknown] = [0, 0];
    for (const stationId of stationIds) {
      if (information.has(stationId)) known += 1;
      else unknown += 1;
    }
    return {
      ...this.#oddities,
      ...(unknown > 0 ? { station_without_information: unknown } : {}),
      ...(known < information.size ? { station_without_status: information.size - known } : {}),
    };
  }

  /** Every file that areas depend on has answered once (or does not exist). */
  get settled(): boolean {
    return [this.#information, this.#regions].every(({ files }) => files.every(({ settled }) => settled));
  }

  /** Why a file that is not settled failed. */
  get failure(): FetchFailure | null {
    return failureOfAny(this.#information) ?? failureOfAny(this.#regions);
  }

  /** What is due of the files that areas depend on; never rejects. */
  async refreshPlaces(signal?: AbortSignal): Promise<void> {
    await Promise.all([refreshed(this.#information, signal), refreshed(this.#regions, signal)]);
  }

  /** Refreshes what is due of the rest; never rejects. */
  async refreshRest(signal?: AbortSignal): Promise<void> {
    // Who the system is was asked before the first poll; only what failed is asked again.
    const system = this.#system.files.some(({ trouble }) => trouble !== null);
    await Promise.all([
      refreshed(this.#types, signal),
      refreshed(this.#alerts, signal),
      system ? refreshed(this.#system, signal) : null,
    ]);
  }

  /**
   * Stations that the information does not know have it read again at once, before they are counted: they may be known
   * ones under other ids. Each unknown station does so once; often in vain makes it seldom.
   */
  async explain(
    stationIds: Iterable<string>,
    { now, patienceMs }: { readonly now: () => number; readonly patienceMs: number },
    signal?: AbortSignal,
  ): Promise<void> {
    const files = this.#information.files.filter(({ trouble }) => trouble === null);
    if (files.length === 0 || this.information.size === 0) return;
    const unknown = [...stationIds].filter((id) => !this.information.has(id));
    const fresh = unknown.some((id) => !this.#sought.has(id));
    // What a file that has just been read for the first time does not know is not in it.
    const first = this.#soughtAtMs === -Infinity;
    if (!first && fresh && now() - this.#soughtAtMs < this.#seekEveryMs) return;
    if (!first && fresh) {
      this.#soughtAtMs = now();
      for (const file of files) file.demand(FRESH_MS);
      await atMost(patienceMs, refreshed(this.#information, signal));
      const inVain = unknown.every((id) => !this.information.has(id));
      this.#seekEveryMs = inVain ? Math.min(2 * this.#seekEveryMs, INFORMATION_PACE.leastMs) : SEEK_EVERY_MS;
    }
    if (first) this.#soughtAtMs = now() - SEEK_EVERY_MS;
    this.#sought = new Set(unknown);
  }

  /** A station is in the status that the information does not know. */
  hastenInformation(): void {
    for (const file of this.#information.files) file.hasten();
  }

  takeRejects(): readonly Reject[] {
    return this.#rejects.splice(0);
  }

  /** Nothing of them is kept any longer. */
  close(): void {
    this.repeated.forget();
    for (const { file } of [...this.stations, ...this.vehicles, ...this.spareVehicles]) file.close();
    for (const { files } of [this.#information, this.#types, this.#regions, this.#alerts, this.#system])
      for (const file of files) file.close();
  }

  /** Files that the feed lists and that cannot be had. */
  problems(nowMs: number): readonly FeedProblem[] {
    const { guessed } = this.found;
    const slow = [this.#information, this.#types, this.#regions, this.#alerts, this.#system].flatMap(
      ({ name, files }) => files.map(({ trouble, url }) => ({ name, trouble, url })),
    );
    const vehicles = this.spareVehicles.some(({ trouble }) => trouble === null) ? [] : this.vehicles;
    const polled = [...this.stations, ...vehicles].map(({ name, trouble, file }) => ({
      name,
      trouble,
      url: file.url,
    }));
    return [...polled, ...slow].flatMap(({ name, trouble, url }) => {
      if (trouble === null) return [];
      // What was only looked for may be missing.
      if (guessed && trouble.failure.outcome.startsWith("http_4")) return [];
      return [fileProblem(name, url, trouble, nowMs)];
    });
  }

  #decodeInformation(body: unknown): Decoded<Information> | null {
    const decoded = decodeStationInformation(enveloped(body, "stations"));
    if (decoded === null) return null;
    // Only the rejects of the newest file: a file that is never read on must not pile them up.
    this.#rejects.splice(0, this.#rejects.length, ...decoded.rejects);
    this.#oddities = decoded.oddities;
    const byId = new Map(decoded.stations.map((station) => [station.stationId, station]));
    return { value: byId, ttlSeconds: decoded.ttlSeconds };
  }
}

/** A file's parts: nearly always one. */
interface SlowFiles<T> {
  readonly name: string;
  readonly files: readonly SlowFile<T>[];
  readonly merge: (values: readonly T[]) => T;
  /** Of no file: always the same, for who looks whether it is another. */
  readonly nothing: T;
}

function valueOf<T>({ files, merge, nothing }: SlowFiles<T>): T {
  const [only, ...more] = files;
  if (only === undefined) return nothing;
  return more.length === 0 ? only.value : merge(files.map(({ value }) => value));
}

function failureOfAny<T>({ files }: SlowFiles<T>): FetchFailure | null {
  return files.find(({ settled }) => !settled)?.failure ?? null;
}

async function refreshed<T>({ files }: SlowFiles<T>, signal?: AbortSignal): Promise<void> {
  await Promise.all(files.map((file) => file.refresh(signal)));
}

function mergeMaps<V>(maps: readonly ReadonlyMap<string, V>[]): ReadonlyMap<string, V> {
  return new Map(maps.flatMap((map) => [...map]));
}

function decodeSystem(body: unknown): Decoded<SaidOfSystem | null> | null {
  const decoded = decodeSystemInformation(body);
  if (decoded === null) return null;
  return { value: { ...decoded, simulated: asObject(body)?.["simulated"] === true }, ttlSeconds: null };
}

/** Decodes a file that must have its list. */
function whole<T>(body: unknown, list: string, decode: (body: unknown) => T): Decoded<T> | null {
  const file = asObject(enveloped(body, list));
  if (file === null || !Array.isArray(asObject(file["data"])?.[list])) return null;
  return { value: decode(file), ttlSeconds: header(file).ttlSeconds };
}
