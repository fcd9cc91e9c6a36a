/** One live system, ready for the collector: its source, its area rules, its pace. */
import type { AreaLookup, GeocodedPostcodes } from "../domain/areas.ts";
import { AreaResolver } from "../domain/areas.ts";
import { PollSchedule } from "../domain/poll-schedule.ts";
import type { CollectionOptions } from "../domain/collection.ts";
import type { Clock, SystemDescription } from "../ports.ts";
import type { FeedTarget } from "./feed-target.ts";
import type { HttpClient } from "./http-client.ts";
import { HttpFeed } from "./http-feed.ts";
import { velibPostcodes } from "./velib-communes.ts";

export interface LiveFeedOptions {
  readonly target: FeedTarget;
  readonly client: HttpClient;
  readonly clock: Pick<Clock, "now">;
  readonly intervalMs: number | "auto";
  /** `--areas`, read by readAreasFile. */
  readonly areasFile?: AreaLookup | null;
  /** Reverse geocoding, for Vélib' only and only when asked for. */
  readonly geocoded?: GeocodedPostcodes | null;
}

export interface LiveFeed {
  readonly source: HttpFeed;
  readonly areasFor: (system: SystemDescription) => CollectionOptions["resolveArea"];
  readonly pacerFor: (system: SystemDescription) => PollSchedule;
}

/** Vélib' says an hour and changes every minute (docs/decisions/0050-ttl.md). */
const VELIB_PACE = { minMs: 10_000, maxMs: 60_000, respectTtl: false } as const;
const PACE = { minMs: 10_000, maxMs: 300_000, respectTtl: true } as const;

export function liveFeed(options: LiveFeedOptions): LiveFeed {
  const { target, client, clock, intervalMs } = options;
  const source = new HttpFeed({ target, client, clock });
  return {
    source,
    areasFor: ({ systemId }) => {
      const isVelib = systemId === "velib";
      const areas = new AreaResolver({
        systemId,
        areasFile: options.areasFile ?? null,
        geocoded: isVelib ? (options.geocoded ?? null) : null,
        postcodeOfCommune: isVelib ? velibPostcodes() : null,
        regionNames: () => source.regionNames(),
      });
      source.placeVehicles(areas.resolvePosition);
      return areas.resolve;
    },
    pacerFor: ({ systemId }) =>
      // Until a feed has said who it is, an outage is what its pace matters for: it is looked at every minute.
      new PollSchedule({
        intervalMs,
        ...(systemId === "velib" || systemId === "unknown" ? VELIB_PACE : PACE),
      }),
  };
}
