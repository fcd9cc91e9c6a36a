/**
 * What a system's vehicle files say from poll to poll (invariant 9): a complete file is the whole truth for vehicles at
 * its instant, area by area; a vehicle at a station is counted there and nowhere else.
 *
 *   listed ─▶ fewer than half of before, by a hundred or more? ── no ──▶ believed: areas without a vehicle are empty now
 *               │ yes: cut short as a whole                        ▲
 *               └─▶ not seen: every count stands ─── three polls and two minutes later ─┘
 */
import { countFreeFloating } from "./free-floating.ts";
import type { Propulsion } from "./gbfs/propulsion.ts";
import type { FreeVehicle } from "./gbfs/vehicle-status.ts";
import type { StationArea, StationStatus } from "../record/station.ts";

/** A file with fewer than this share of the vehicles of the last one … */
const COMPLETE_SHARE = 0.5;
/** … and at least so many fewer is cut short: nobody rents as many between two polls. */
const LEAST_MISSING = 100;
/** It is believed when it stays so small for so many polls and so long: fleets are taken in for the night. */
const BELIEVE_AFTER_POLLS = 3;
const BELIEVE_AFTER_MS = 120_000;
/** Over a longer pause anything may have happened. */
const PAUSE_MS = 15 * 60_000;

/** One complete vehicle file, and what it is to be read with. */
export interface VehiclesSeen {
  readonly atMs: number;
  readonly vehicles: readonly FreeVehicle[];
  readonly types: ReadonlyMap<string, Propulsion>;
  /** The system's stations as far as this poll tells; null when its status could not be had. */
  readonly stationIds: ReadonlySet<string> | null;
  readonly resolvePosition: (lat: number | null, lon: number | null) => StationArea;
}

export interface VehiclesTold {
  /** One pseudo-station per area; null when the file was cut short, and what was known stands. */
  readonly freeFloating: readonly StationStatus[] | null;
  readonly oddities: Readonly<Record<string, number>>;
}

export class VehicleTruth {
  /** The system has listed a station: from then on who names one stands at it. */
  #hasStations = false;
  /** Of the last file that was believed. */
  #listed: { readonly vehicles: number; readonly atMs: number } | null = null;
  #short: { polls: number; readonly sinceMs: number } | null = null;

  /** Takes the vehicle files of one poll. */
  observe({ atMs, vehicles, types, stationIds, resolvePosition }: VehiclesSeen): VehiclesTold {
    if (stationIds !== null && stationIds.size > 0) this.#hasStations = true;
    if (this.#cutShort(vehicles.length, atMs))
      return { freeFloating: null, oddities: { vehicles_cut_short: 1 } };
    this.#listed = { vehicles: vehicles.length, atMs };
    const free: FreeVehicle[] = [];
    let [elsewhere, unexplained] = [0, 0];
    for (const vehicle of vehicles) {
      const { stationId, typeId } = vehicle;
      if (this.#hasStations && stationId !== null) {
        if (stationIds !== null && !stationIds.has(stationId)) elsewhere += 1;
        continue;
      }
      free.push(vehicle);
      if (typeId !== null && (types.get(typeId) ?? "unknown") === "unknown") unexplained += 1;
    }
    return {
      freeFloating: countFreeFloating(free, types, resolvePosition),
      oddities: {
        ...(elsewhere > 0 ? { vehicle_at_unlisted_station: elsewhere } : {}),
        ...(unexplained > 0 ? { unexplained_vehicle_type: unexplained } : {}),
      },
    };
  }

  #cutShort(listed: number, atMs: number): boolean {
    const before = this.#listed;
    const missing = before === null || atMs - before.atMs >= PAUSE_MS ? 0 : before.vehicles - listed;
    if (before === null || missing < LEAST_MISSING || listed >= before.vehicles * COMPLETE_SHARE) {
      this.#short = null;
      return false;
    }
    this.#short ??= { polls: 0, sinceMs: atMs };
    this.#short.polls += 1;
    const lasts = this.#short.polls >= BELIEVE_AFTER_POLLS && atMs - this.#short.sinceMs >= BELIEVE_AFTER_MS;
    if (lasts) this.#short = null;
    return !lasts;
  }
}
