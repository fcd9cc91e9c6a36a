/** The systems as the API shows them: what the log tells, completed by the collector of this process where there is one. */
import { NO_SUMS, type LiveSystem } from "../domain/live-system.ts";
import { SUMS, type ServedSums, type Sums } from "../record/totals-fields.ts";
import { VELIB_SYSTEM } from "../velib/velib-system.ts";
import type { FeedTraffic, SystemStatus, SystemStatusSource } from "../ports.ts";
import type { System } from "./api-types.ts";
import { publicText } from "../telemetry/public-text.ts";
import { knownTimezone, webAddress } from "./publisher-text.ts";
import { DEFAULT_SYSTEM_ID } from "../record/keys.ts";

/** Data younger than this is never called stale, however fast the feed is. */
const LEAST_STALE_AFTER_MS = 300_000;
/** Change periods (or poll intervals) without an observation after which data is stale. */
const STALE_AFTER_PERIODS = 5;

/** What the simulator calls itself: nobody published its data, so nobody is credited for it. */
const SIMULATED_SYSTEM = {
  name: `${VELIB_SYSTEM.name} (simulated)`,
  timezone: VELIB_SYSTEM.timezone,
  attribution: null,
  licenseUrl: null,
};

/** What is known of a system whose collector is another process. */
function describedElsewhere({ systemId, simulated }: LiveSystem) {
  if (systemId !== DEFAULT_SYSTEM_ID) return undefined;
  return simulated ? SIMULATED_SYSTEM : VELIB_SYSTEM;
}

/** All systems, those of the log first, sorted by id. */
export function presentSystems(
  live: Iterable<LiveSystem>,
  source: SystemStatusSource | undefined,
  nowMs: number,
  misplacedOf: (systemId: string) => ReadonlySet<string> = () => new Set(),
): System[] {
  const statuses = new Map(source?.statuses().map((status) => [status.description.systemId, status]));
  const systems: System[] = [];
  for (const system of live) {
    systems.push(
      presentSystem(system, statuses.get(system.systemId), nowMs, misplacedOf(system.systemId).size),
    );
    statuses.delete(system.systemId);
  }
  for (const [systemId, status] of statuses) {
    systems.push(presentSystem({ ...NOTHING_LIVE, systemId }, status, nowMs, 0));
  }
  return systems.sort((a, b) => (a.system_id < b.system_id ? -1 : a.system_id > b.system_id ? 1 : 0));
}

const NOTHING_LIVE: Omit<LiveSystem, "systemId"> = {
  stations: 0,
  areas: 0,
  sums: NO_SUMS,
  observedAtMs: null,
  changePeriodMs: null,
  simulated: false,
};

function presentSystem(
  live: LiveSystem,
  status: SystemStatus | undefined,
  nowMs: number,
  misplaced: number,
): System {
  const known = status?.description ?? describedElsewhere(live);
  const observedAtMs = newest(live.observedAtMs, status?.observedAtMs ?? null);
  const contentAtMs = status?.content?.atMs ?? null;
  const contentStaleAfterMs = contentAtMs === null ? null : Math.ceil(status?.content?.staleAfterMs ?? 0);
  const changePeriodMs = status?.changePeriodMs ?? live.changePeriodMs;
  const periodMs = Math.max(changePeriodMs ?? 0, status?.pollIntervalMs ?? 0);
  const staleAfterMs = Math.max(LEAST_STALE_AFTER_MS, Math.ceil(STALE_AFTER_PERIODS * periodMs));
  return {
    system_id: live.systemId,
    name: known?.name ?? null,
    timezone: knownTimezone(known?.timezone),
    attribution: known?.attribution ?? null,
    license_url: webAddress(known?.licenseUrl),
    simulated: live.simulated || status?.description.simulated === true,
    state: status?.state ?? "unknown",
    stations: live.stations,
    areas: live.areas,
    ...presentSums(live.sums),
    observed_at: observedAtMs,
    stations_misplaced: misplaced,
    stale_after_ms: staleAfterMs,
    content_at: contentAtMs,
    content_stale_after_ms: contentStaleAfterMs,
    stale:
      (observedAtMs !== null && nowMs - observedAtMs > staleAfterMs) ||
      (contentAtMs !== null && contentStaleAfterMs !== null && nowMs - contentAtMs > contentStaleAfterMs),
    change_period_ms: changePeriodMs,
    poll_interval_ms: status?.pollIntervalMs ?? null,
    next_poll_at: status?.nextPollAtMs ?? null,
    traffic: presentTraffic(status?.traffic ?? null),
    last_poll:
      status === undefined || status.lastPoll === null
        ? null
        : {
            at: status.lastPoll.atMs,
            outcome: status.lastPoll.outcome,
            message: status.lastPoll.message === null ? null : publicText(status.lastPoll.message),
          },
    flags: (status?.flags ?? []).map((flag) => ({
      flag: flag.flag,
      since: flag.sinceMs,
      message: publicText(flag.message),
    })),
    ...(status?.alerts === undefined || status.alerts.length === 0
      ? {}
      : {
          alerts: status.alerts.map((alert) => ({
            alert_id: alert.alertId,
            type: alert.type,
            summary: alert.summary,
            station_ids: [...alert.stationIds],
            region_ids: [...alert.regionIds],
            start: alert.startMs,
            end: alert.endMs,
          })),
        }),
    rejects: (status?.rejects ?? []).map(({ reason, count, firstPath }) => ({
      reason,
      count,
      first_path: firstPath,
    })),
  };
}

/** As an area has them. */
function presentSums(sums: Sums): ServedSums {
  return Object.fromEntries(SUMS.map(({ key, name }) => [key, sums[name]])) as unknown as ServedSums;
}

function presentTraffic(traffic: FeedTraffic | null): System["traffic"] {
  if (traffic === null) return null;
  const { requests, notModified, transferredBytes, savedBytes } = traffic;
  return {
    requests,
    not_modified: notModified,
    transferred_bytes: transferredBytes,
    saved_bytes: savedBytes,
  };
}

function newest(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.max(a, b);
}
