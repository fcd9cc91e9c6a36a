/** A FeedSource that answers what the test wrote down, one poll after the other. */
import { decodeStationStatus } from "../../src/domain/gbfs/station-status.ts";
import type { StationInformation, SystemPart } from "../../src/record/station.ts";
import type { Clock, FeedSource, Poll, SystemDescription } from "../../src/ports.ts";

export interface ScriptedStation {
  readonly id: number;
  readonly code: string;
  readonly mechanical: number;
  readonly electric: number;
}

export type ScriptedPoll =
  | {
      readonly kind: "stations";
      readonly stations: readonly (ScriptedStation | Record<string, unknown>)[];
      readonly unobserved?: readonly SystemPart[];
    }
  | { readonly kind: "failed"; readonly outcome: string };

export const SYSTEM: SystemDescription = {
  systemId: "velib",
  name: "Vélib' (written for a test)",
  timezone: "Europe/Paris",
  attribution: null,
  licenseUrl: null,
  simulated: false,
};

/** The station object as Vélib' serves it. */
export function velibStation(station: ScriptedStation): Record<string, unknown> {
  const bikes = station.mechanical + station.electric;
  return {
    stationCode: station.code,
    station_id: station.id,
    num_bikes_available: bikes,
    numBikesAvailable: bikes,
    num_bikes_available_types: [{ mechanical: station.mechanical }, { ebike: station.electric }],
    num_docks_available: 20,
    numDocksAvailable: 20,
    is_installed: 1,
    is_returning: 1,
    is_renting: 1,
    last_reported: 1_760_778_000,
  };
}

export interface ScriptedFeed extends FeedSource {
  /** Polls made so far. */
  readonly polls: number;
}

/** Answers each poll in turn, then `ended`; the poll's time is the clock's. */
export function scriptedFeed(
  clock: Pick<Clock, "now">,
  script: readonly ScriptedPoll[],
  describe: () => Promise<SystemDescription> = () => Promise.resolve(SYSTEM),
): ScriptedFeed {
  const information = new Map<string, StationInformation>();
  let polls = 0;
  return {
    get polls() {
      return polls;
    },
    describe,
    information: () => information,
    takeInformationRejects: () => [],
    poll: (): Promise<Poll> => {
      const next = script[polls];
      polls += 1;
      const observedAtMs = clock.now();
      if (next === undefined) return Promise.resolve({ kind: "ended" });
      if (next.kind === "failed") {
        const { outcome } = next;
        return Promise.resolve({
          kind: "failed",
          observedAtMs,
          outcome,
          message: `Failed on purpose (${outcome}). Wait.`,
          retryAfterMs: null,
          durationMs: 1,
        });
      }
      const stations = next.stations.map((station) =>
        "code" in station ? velibStation(station as ScriptedStation) : station,
      );
      const decoded = decodeStationStatus({ ttl: 3600, data: { stations } }, new Map());
      if (decoded === null) throw new Error("the script is no station_status");
      const { unobserved = [] } = next;
      const status = { ...decoded, unobserved };
      return Promise.resolve({ kind: "changed", observedAtMs, status, transferredBytes: 1, durationMs: 1 });
    },
    close: () => Promise.resolve(),
  };
}
