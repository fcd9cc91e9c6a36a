/** The TypeScript types of the API's JSON, for the server, the page and anyone else: `import type` only. */
import type { z } from "zod";
import type * as schemas from "./api-schemas.ts";

export type System = z.infer<typeof schemas.System>;
/** @public */
export type SystemFlag = z.infer<typeof schemas.SystemFlag>;
export type Area = z.infer<typeof schemas.Area>;
export type StationCounts = z.infer<typeof schemas.StationCounts>;
export type Station = z.infer<typeof schemas.Station>;

export type SystemAnswer = z.infer<typeof schemas.SystemAnswer>;
export type AreasAnswer = z.infer<typeof schemas.AreasAnswer>;
/** @public */
export type AreaAnswer = z.infer<typeof schemas.AreaAnswer>;
export type StationsAnswer = z.infer<typeof schemas.StationsAnswer>;
export type StationAnswer = z.infer<typeof schemas.StationAnswer>;
export type HistoryAnswer = z.infer<typeof schemas.HistoryAnswer>;
export type TypicalAnswer = z.infer<typeof schemas.TypicalAnswer>;
export type HealthAnswer = z.infer<typeof schemas.HealthAnswer>;
export type Problem = z.infer<typeof schemas.Problem>;

export type SnapshotEvent = z.infer<typeof schemas.SnapshotEvent>;
/** A station of a delta: the counts always, the rest only when it changed or the station is new. */
export type StationPatch = DeltaEvent["stations"][number];
export type DeltaEvent = z.infer<typeof schemas.DeltaEvent>;
export type SystemsEvent = z.infer<typeof schemas.SystemsEvent>;
export type HeartbeatEvent = z.infer<typeof schemas.HeartbeatEvent>;
/** @public */
export type ResyncEvent = z.infer<typeof schemas.ResyncEvent>;
