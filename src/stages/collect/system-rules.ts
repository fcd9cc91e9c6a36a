/** The area rules and the pace of polling that the settings ask for, per system. */
import { AreaResolver, type GeocodedPostcodes } from "../../domain/areas.ts";
import type { CollectionOptions } from "../../domain/collection.ts";
import { PollSchedule } from "../../domain/poll-schedule.ts";
import { readAreasFile } from "../../feed/areas-file.ts";
import { areaOfVelibCode, normalisePostcode } from "../../velib/velib-areas.ts";
import { VELIB_PACE } from "../../velib/velib-system.ts";
import type { Pacer } from "./describe-system.ts";
import type { FeedSource, Logger, SystemDescription } from "../../ports.ts";
import { DEFAULT_SYSTEM_ID } from "../../record/keys.ts";

const NO_NAMES: ReadonlyMap<string, string> = new Map<string, never>();
/** `auto` polls no source more often than this, ms. */
const FASTEST_MS = 10_000;
/** GBFS asks that real-time data be no older than five minutes. */
const SLOWEST_MS = 300_000;

/**
 * @param path the `--areas` file
 * @param property the property of its features that names an area
 * @param logger told how the file was understood, and what of it was left out
 * @throws ConfigError when the file cannot be used
 */
export function areaRules(
  path: string | null,
  property: string | null,
  { geocoded = null, logger }: { geocoded?: GeocodedPostcodes | null; logger?: Logger } = {},
): (system: SystemDescription, source: FeedSource) => CollectionOptions["resolveArea"] {
  const areasFile = path === null ? null : readAreasFile(path, property);
  if (areasFile !== null) logger?.info("areas.read", areasFile.summary);
  if (areasFile?.warning) logger?.warn("areas.left_out", areasFile.warning);
  return ({ systemId }, source) => {
    const velib = systemId === DEFAULT_SYSTEM_ID || source.usesVelibCodes === true;
    const areas = new AreaResolver({
      systemId,
      areasFile,
      geocoded: velib ? geocoded : null,
      areaOfStationCode: velib ? areaOfVelibCode : null,
      normalisePostcode,
      regionNames: () => source.regionNames?.() ?? NO_NAMES,
    });
    source.placeVehicles?.(areas.resolvePosition);
    return areas.resolve;
  };
}

/** A recording sets its own pace: its source waits, the collector does not. */
export function pacerRules(
  intervalMs: number | "auto",
  recording: boolean,
): (system: SystemDescription) => Pacer {
  if (recording) return () => ({ next: ({ atMs }) => atMs, changePeriodMs: null });
  return ({ systemId }) => {
    const velib = systemId === DEFAULT_SYSTEM_ID;
    return new PollSchedule({
      intervalMs,
      minMs: FASTEST_MS,
      maxMs: velib ? VELIB_PACE.slowestMs : SLOWEST_MS,
      respectTtl: !velib || VELIB_PACE.respectTtl,
    });
  };
}
