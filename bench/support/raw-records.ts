/** Raw records as the collector writes them from a Vélib' feed, poll after poll: for benches of what reads them. */
import { AreaResolver } from "../../src/domain/areas.ts";
import type { PlannedRecord } from "../../src/domain/collection-plan.ts";
import { Collection } from "../../src/domain/collection.ts";
import { decodeStationStatus } from "../../src/domain/gbfs/station-status.ts";
import type { StationInformation } from "../../src/record/station.ts";
import { areaOfVelibCode } from "../../src/velib/velib-areas.ts";
import { velibBody } from "./velib-body.ts";

const NO_TYPES = new Map<string, never>();
const FIRST_POLL_MS = 1_760_000_000_000;
const POLL_MS = 60_000;

/** Every station changes at every poll: the most records that a feed can make. */
export function* rawRecords(
  stations: number,
  polls: number,
  partitionCount: number,
): Generator<{ readonly observedAtMs: number; readonly records: readonly PlannedRecord[] }> {
  const collection = new Collection({
    systemId: "velib",
    mode: "changes",
    simulated: true,
    resolveArea: new AreaResolver({ systemId: "velib", areaOfStationCode: areaOfVelibCode }).resolve,
  });
  let information: ReadonlyMap<string, StationInformation> | null = null;
  for (let poll = 0; poll < polls; poll += 1) {
    const status = decodeStationStatus(JSON.parse(velibBody(stations, poll % 9).toString("utf8")), NO_TYPES);
    if (status === null) throw new Error("the body is no station_status");
    information ??= new Map(
      status.stations.map((station, index) => [station.stationId, informationOf(station.stationId, index)]),
    );
    const observedAtMs = FIRST_POLL_MS + poll * POLL_MS;
    const plan = collection.plan({
      observedAtMs,
      stations: status.stations,
      unreadable: new Set(),
      information,
      partitionCount,
    });
    collection.acknowledge(plan);
    yield { observedAtMs, records: plan.records };
  }
}

function informationOf(stationId: string, index: number): StationInformation {
  return {
    stationId,
    stationCode: null,
    name: `Place de la République - Métro n° ${index}`,
    lat: 48.8 + (index % 997) / 10_000,
    lon: 2.3 + (index % 991) / 10_000,
    capacity: 20 + (index % 40),
    postCode: null,
    regionId: null,
  };
}
