/** How much there is in one version of a system, so that two of them can be compared. */
import type { StationStatus } from "../record/station.ts";
import { VehicleTruth } from "../domain/vehicle-truth.ts";
import type { FetchFailure } from "./failures.ts";
import { pollSystem, type SystemPollOptions } from "./system-poll.ts";
import type { SystemFiles } from "./system-files.ts";

/** What one version says when it is asked once. */
export interface Weight {
  readonly stations: number;
  /** Vehicles that stand by themselves. */
  readonly vehicles: number;
  /** Stations whose name or place is known. */
  readonly described: number;
  /** Stations whose electric vehicles are known. */
  readonly split: number;
  /** Why it could not be read at all; null when it could. */
  readonly failure: FetchFailure | null;
}

export const NOTHING_THERE = { stations: 0, vehicles: 0, described: 0, split: 0 } as const;

/** A version may lack this share of what another has: the two are asked seconds apart. */
const SLACK = 0.02;
/** Vehicles are rented and returned meanwhile. */
const VEHICLE_SLACK = 0.2;

/** Asks everything of a version that its worth depends on. Never rejects. */
export async function weigh(
  files: SystemFiles,
  options: Pick<SystemPollOptions, "now" | "patienceMs">,
  signal?: AbortSignal,
): Promise<Weight> {
  await Promise.all([files.refreshPlaces(signal), files.refreshRest(signal)]);
  const resolvePosition = () => ({ area: "all", rule: "system" }) as const;
  const vehicles = new VehicleTruth();
  const polled = await pollSystem(files, { ...options, resolvePosition, vehicles }, signal);
  if (!polled.ok) return { ...NOTHING_THERE, failure: polled };
  const { information } = files;
  const free = polled.status.stations.filter(isFree);
  const docked = polled.status.stations.filter((station) => !isFree(station));
  return {
    stations: docked.length,
    vehicles: free.reduce((sum, { total }) => sum + total, 0),
    described: docked.filter(({ stationId }) => information.has(stationId)).length,
    split: docked.filter(({ electric }) => electric !== null).length,
    failure: null,
  };
}

function isFree({ source }: StationStatus): boolean {
  return source["free_floating"] === true;
}

/** In what a version has less than another, in words; null when it has as much. */
export function lacks(one: Weight, other: Weight): string | null {
  const less = (name: keyof typeof NOTHING_THERE, slack: number): boolean =>
    one[name] < other[name] * (1 - slack);
  if (one.failure !== null && other.failure === null)
    return `it cannot be read: ${one.failure.message.split(/\. (?=[A-Z])/)[0] ?? ""}`;
  if (less("stations", SLACK)) return `it has ${one.stations} stations instead of ${other.stations}`;
  if (less("vehicles", VEHICLE_SLACK))
    return `it has ${one.vehicles} vehicles outside stations instead of ${other.vehicles}`;
  if (less("described", SLACK)) return `it describes ${one.described} stations instead of ${other.described}`;
  if (less("split", SLACK))
    return `it tells electric and mechanical of ${one.split} stations instead of ${other.split}`;
  return null;
}

/** Nothing is there to be counted. */
export function isEmpty({ stations, vehicles }: Weight): boolean {
  return stations + vehicles === 0;
}
