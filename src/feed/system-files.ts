/** The files of one discovered system, each with its own pace, and what they say together. */
import { decodeStationInformation } from "../domain/gbfs/station-information.ts";
import { decodeSystemAlerts, decodeSystemRegions, type SystemAlert } from "../domain/gbfs/system-files.ts";
import { asObject, header } from "../domain/gbfs/fields.ts";
import { decodeVehicleTypes, type Propulsion } from "../domain/gbfs/propulsion.ts";
import type { Reject, StationInformation } from "../domain/station.ts";
import type { Clock } from "../ports.ts";
import { FeedFile, type Traffic } from "./feed-file.ts";
import type { FeedUrls } from "./discovery.ts";
import type { FetchFailure } from "./failures.ts";
import type { Fetcher } from "./http-client.ts";
import { INFORMATION_PACE, RARE_PACE, SlowFile, type Decoded } from "./slow-file.ts";

type Information = ReadonlyMap<string, StationInformation>;

export class SystemFiles {
  readonly status: FeedFile | null;
  readonly vehicles: FeedFile | null;
  readonly #information: SlowFile<Information> | null;
  readonly #types: SlowFile<ReadonlyMap<string, Propulsion>> | null;
  readonly #regions: SlowFile<ReadonlyMap<string, string>> | null;
  readonly #alerts: SlowFile<readonly SystemAlert[]> | null;
  readonly #rejects: Reject[] = [];
  #oddities: Readonly<Record<string, number>> = {};

  constructor(client: Fetcher, found: FeedUrls, traffic: Traffic, clock: Pick<Clock, "now">) {
    const file = (keeps: boolean, ...names: string[]): FeedFile | null => {
      const url = names.map((name) => found.urls.get(name)).find((listed) => listed !== undefined);
      return url === undefined ? null : new FeedFile(client, url, traffic, keeps);
    };
    const slow = <T>(
      name: string,
      empty: T,
      pace: typeof RARE_PACE,
      decode: (body: unknown) => Decoded<T> | null,
    ): SlowFile<T> | null => {
      const listed = file(false, name);
      return listed === null ? null : new SlowFile({ file: listed, decode, empty, clock, pace });
    };
    this.status = file(true, "station_status");
    this.vehicles = file(true, "vehicle_status", "free_bike_status");
    this.#information = slow<Information>("station_information", EMPTY, INFORMATION_PACE, (body) =>
      this.#decodeInformation(body),
    );
    this.#types = slow<ReadonlyMap<string, Propulsion>>("vehicle_types", EMPTY, RARE_PACE, (body) =>
      whole(body, decodeVehicleTypes),
    );
    this.#regions = slow<ReadonlyMap<string, string>>("system_regions", EMPTY, RARE_PACE, (body) =>
      whole(body, decodeSystemRegions),
    );
    this.#alerts = slow<readonly SystemAlert[]>("system_alerts", NO_ALERTS, INFORMATION_PACE, (body) =>
      whole(body, decodeSystemAlerts),
    );
  }

  get information(): Information {
    return this.#information?.value ?? EMPTY;
  }

  /** Docks that a station is built for, as far as its information says. Bound, so that it can be handed over. */
  readonly capacityOf = (stationId: string): number | null =>
    this.information.get(stationId)?.capacity ?? null;

  get types(): ReadonlyMap<string, Propulsion> {
    return this.#types?.value ?? EMPTY;
  }

  get regionNames(): ReadonlyMap<string, string> {
    return this.#regions?.value ?? EMPTY;
  }

  get alerts(): readonly SystemAlert[] {
    return this.#alerts?.value ?? NO_ALERTS;
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

  /** Every file that areas and splits depend on has answered once (or does not exist). */
  get settled(): boolean {
    return [this.#information, this.#types, this.#regions].every((file) => file?.settled ?? true);
  }

  /** Why a file that is not settled failed. */
  get failure(): FetchFailure | null {
    const failed = [this.#information, this.#types, this.#regions].find(
      (file) => file !== null && !file.settled,
    );
    return failed?.failure ?? null;
  }

  /** Refreshes what is due; never rejects. */
  async refresh(signal?: AbortSignal): Promise<void> {
    await Promise.all([
      this.#information?.refresh(signal),
      this.#types?.refresh(signal),
      this.#regions?.refresh(signal),
      this.#alerts?.refresh(signal),
    ]);
  }

  /** A station is in the status that the information does not know. */
  hastenInformation(): void {
    this.#information?.hasten();
  }

  takeRejects(): readonly Reject[] {
    return this.#rejects.splice(0);
  }

  #decodeInformation(body: unknown): Decoded<Information> | null {
    const decoded = decodeStationInformation(body);
    if (decoded === null) return null;
    // Only the rejects of the newest file: a file that is never read on must not pile them up.
    this.#rejects.splice(0, this.#rejects.length, ...decoded.rejects);
    this.#oddities = decoded.oddities;
    const byId = new Map(decoded.stations.map((station) => [station.stationId, station]));
    return { value: byId, ttlSeconds: decoded.ttlSeconds };
  }
}

const EMPTY: ReadonlyMap<string, never> = new Map<string, never>();
const NO_ALERTS: readonly SystemAlert[] = [];

/** Decodes a file whose data must at least be an object. */
function whole<T>(body: unknown, decode: (body: unknown) => T): Decoded<T> | null {
  const file = asObject(body);
  if (file === null || asObject(file["data"]) === null) return null;
  return { value: decode(body), ttlSeconds: header(file).ttlSeconds };
}
