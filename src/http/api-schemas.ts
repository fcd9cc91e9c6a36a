/**
 * Every JSON body of the API as a zod schema: the one source of the TypeScript types (api-types.ts), of
 * /openapi.json and of the tests that hold docs/api.md. Names are those of the topics' records (docs/contracts.md);
 * times are epoch milliseconds, durations end in `_ms`.
 */
import { z } from "zod";
import {
  OBSERVATION_FIELDS,
  PLACE_FIELDS,
  type ServedObservation,
  type ServedPlace,
} from "../record/station-parts.ts";
import { stationShape, sumsShape, totalsShape } from "./field-shapes.ts";

const timeMs = z.int().nonnegative().describe("Epoch milliseconds.");
const count = z.int().nonnegative();
const maybeCount = count.nullable();

/** A reason to distrust a system's feed. */
export const SystemFlag = z.object({
  flag: z.string().describe("Stable word, e.g. header_moves_content_does_not."),
  since: timeMs,
  message: z.string().describe("One sentence for people."),
});

/** Records of a system's last poll that could not be used. */
export const RejectCount = z.object({
  reason: z.string().describe("Stable word, as in the rejects topic."),
  count,
  first_path: z.string().describe("Where the first of them is in the feed's file."),
});

/** A publisher's notice to riders. */
const SystemAlert = z.object({
  alert_id: z.string(),
  type: z.string().nullable().describe("As served: system_closure, station_closure, station_move, other."),
  summary: z.string().nullable(),
  station_ids: z.array(z.string()),
  region_ids: z.array(z.string()),
  start: timeMs.nullable(),
  end: timeMs.nullable(),
});

/** One bike-share system. */
export const System = z.object({
  system_id: z.string(),
  name: z.string().nullable(),
  timezone: z.string().nullable().describe("IANA name."),
  attribution: z.string().nullable().describe("To be shown beside the data."),
  license_url: z.string().nullable(),
  simulated: z.boolean().describe("True: the data is synthetic; say so wherever it shows."),
  state: z
    .enum(["waiting", "live", "failing", "stopped", "unknown"])
    .describe("How polling goes; unknown when nobody tells (no more)."),
  stations: count,
  areas: count,
  ...sumsShape(),
  observed_at: timeMs.nullable().describe("The newest observation: when the feed was last checked."),
  stations_misplaced: count.describe("Of the stations, those whose position contradicts their area."),
  stale_after_ms: z
    .int()
    .positive()
    .describe("Not checked for longer than this, the data is stale and must look it."),
  content_at: timeMs
    .nullable()
    .describe(
      "Of when the content is, by its header, its newest change, its reports; null when nothing tells.",
    ),
  content_stale_after_ms: z
    .int()
    .nonnegative()
    .nullable()
    .describe(
      "Content older than this is stale, though checked just now: longer than is usual at this hour.",
    ),
  stale: z.boolean().describe("Whether it was, when this was written."),
  change_period_ms: z.number().positive().nullable().describe("How often the content really changes."),
  poll_interval_ms: z.number().positive().nullable(),
  next_poll_at: timeMs.nullable(),
  traffic: z
    .object({
      requests: count.describe("For any file of the system."),
      not_modified: count.describe(
        "Of the requests, those answered with 304: bodies the publisher need not send.",
      ),
      transferred_bytes: count.describe("As compressed on the wire."),
      saved_bytes: count.describe("Bytes of bodies that a 304 or compression did not transfer."),
    })
    .nullable()
    .describe(
      "What polling has cost the publisher since this process began; null when another process polls.",
    ),
  last_poll: z
    .object({
      at: timeMs,
      outcome: z.string().describe("changed, unchanged, or why it failed, e.g. http_503, timeout."),
      message: z.string().nullable(),
    })
    .nullable(),
  flags: z.array(SystemFlag),
  alerts: z
    .array(SystemAlert)
    .optional()
    .describe("The publisher's notices to riders; absent when there is none."),
  rejects: z
    .array(RejectCount)
    .describe(
      "What the last poll brought that could not be used, by reason; each is kept in the rejects topic.",
    ),
});

/** GET /api/v1/system */
export const SystemAnswer = z.object({
  now: timeMs.describe("The server's clock."),
  version: z.string().describe("velostream's version."),
  live: z.boolean().describe("False while the log is still being read up to its present."),
  archive: z.boolean().describe("Whether the history endpoints can answer."),
  tiles: z
    .object({
      url: z.string().describe("Raster tiles, with {z}, {x} and {y}."),
      attribution: z.string().nullable(),
    })
    .nullable()
    .describe("The base map that the operator chose; null: none."),
  systems: z.array(System),
});

/** One area's totals: the record of the totals topic, plus what the area's stations add. */
export const Area = z.object({
  key: z.string().describe("The area's name in this API: the postcode, or system:area."),
  ...totalsShape(),
  stations_renting: count.describe("Of the stations, those that are not closed for renting."),
  capacity: maybeCount.describe("Docks built, over the stations that say; null when none does."),
  lat: z.number().nullable().describe("Mean position of the stations, for a label."),
  lon: z.number().nullable().describe("As `lat`."),
});

/** The part of a station that every change carries. */
export const StationCounts = z.object({
  key: z.string().describe("system_id:station_id."),
  ...stationShape<ServedObservation>(OBSERVATION_FIELDS),
});

/** One station. */
export const Station = StationCounts.extend({
  ...stationShape<ServedPlace>(PLACE_FIELDS),
  area_key: z.string().describe("The area, as a key of /areas."),
});

/** GET /api/v1/areas */
export const AreasAnswer = z.object({ areas: z.array(Area) });

/** GET /api/v1/areas/{area} */
export const AreaAnswer = z.object({ area: Area, stations: z.array(Station) });

/** GET /api/v1/stations */
export const StationsAnswer = z.object({
  stations: z.array(Station),
  matched: count.describe("How many stations match the filters, over all pages."),
  next: z.string().nullable().describe("The `after` of the next page; null on the last."),
});

/** GET /api/v1/stations/{id} */
export const StationAnswer = z.object({ station: Station });

const series = z.array(z.number().nullable());

const HistoryHead = z.object({
  key: z.string(),
  system_id: z.string(),
  from: timeMs,
  to: timeMs,
  step_ms: z.int().positive(),
  at: z.array(timeMs).describe("The start of each step; every series is as long."),
});

/** GET /api/v1/areas/{area}/history and /stations/{id}/history */
export const HistoryAnswer = HistoryHead.extend({
  aggregate: z.enum(["mean", "min", "max", "last"]),
  nbr_total: series,
  nbr_elec: series,
  nbr_meca: series,
  docks: series,
  gaps: z.array(z.object({ from: timeMs, to: timeMs, reason: z.string() })),
});

const band = z.object({ p10: series, median: series, p90: series });

/** GET /api/v1/areas/{area}/typical */
export const TypicalAnswer = HistoryHead.extend({
  timezone: z.string(),
  weeks: z.int().positive(),
  weeks_found: z.array(count).describe("How many of the past weeks have data for the step."),
  nbr_total: band,
  nbr_elec: band,
  nbr_meca: band,
  docks: band,
});

/** `application/problem+json` (RFC 9457). */
export const Problem = z.object({
  type: z.string().describe("A relative URI that explains the code."),
  title: z.string(),
  status: z.int(),
  code: z.string().describe("A code of docs/errors.md."),
  detail: z.string().describe("What, where, and one remedy."),
  instance: z.string().describe("The path asked for."),
});

/** SSE `snapshot`: one part of everything. Part 1 replaces what the client held. */
export const SnapshotEvent = z.object({
  part: z.int().positive(),
  parts: z.int().positive(),
  areas: z.array(Area),
  stations: z.array(Station),
});

/** SSE `delta`: what changed. Fields present replace, fields absent stay; null is a value. */
export const DeltaEvent = z.object({
  areas: z.array(Area),
  areas_removed: z.array(z.string()),
  stations: z.array(Station.partial().extend(StationCounts.shape)),
  stations_removed: z.array(z.string()),
});

/** SSE `systems`: whole objects, each replacing the one of its `system_id`. */
export const SystemsEvent = z.object({ now: timeMs, systems: z.array(System) });

/** SSE `heartbeat`. */
export const HeartbeatEvent = z.object({ now: timeMs });

/** SSE `resync`: the stream ends; connect anew for a snapshot. */
export const ResyncEvent = z.object({ reason: z.enum(["slow", "draining"]) });

/** GET /healthz and /readyz */
export const HealthAnswer = z.object({
  status: z.enum(["ok", "unavailable"]),
  checks: z.array(z.object({ name: z.string(), ok: z.boolean(), reason: z.string().nullable() })),
});
