/**
 * The state of a feed, as it stands in topic `velib-projet-feeds` (docs/contracts.md): how polling goes, and what there
 * is to know of the publisher that no station's record can say. Whoever collects writes it, everybody else reads it.
 */
import { asObject, type Json } from "../record/feed-values.ts";
import type { SystemAlert } from "./gbfs/system-files.ts";

export const FEED_STATES = ["waiting", "live", "failing", "stopped"] as const;

/** One feed, as its collector tells of it. */
export interface FeedState {
  readonly systemId: string;
  readonly state: (typeof FEED_STATES)[number];
  /** Why it fails or was stopped; null where nothing is wrong. */
  readonly reason: string | null;
  readonly flags: readonly { readonly flag: string; readonly sinceMs: number; readonly message: string }[];
  /** When the feed was last polled, answered or not; null before the first poll. */
  readonly checkedAtMs: number | null;
  /** Of when the content is, by what the feed tells. */
  readonly contentAtMs: number | null;
  /** Which rule gave most stations their area. */
  readonly areaRule: string | null;
  /** `changed`, `unchanged`, or the failure's stable word. */
  readonly outcome: string | null;
  /** When a poll last succeeded. */
  readonly observedAtMs: number | null;
  readonly contentStaleAfterMs: number | null;
  readonly pollIntervalMs: number | null;
  readonly changePeriodMs: number | null;
  readonly name: string;
  readonly timezone: string | null;
  readonly attribution: string | null;
  readonly licenseUrl: string | null;
  readonly simulated: boolean;
  /** Of the last poll that was answered. */
  readonly rejects: readonly {
    readonly reason: string;
    readonly count: number;
    readonly firstPath: string;
  }[];
  readonly alerts: readonly SystemAlert[];
}

/** Notices beyond so many are left out: a record has to fit into the log. */
const MOST_ALERTS = 100;
const MOST_NAMED = 200;

/** The JSON value; the first seven fields are the contract's and stay first. */
export function encodeFeedState(state: FeedState): string {
  return JSON.stringify({
    system_id: state.systemId,
    state: state.state,
    reason: state.reason,
    flags: state.flags.map(({ flag, sinceMs, message }) => ({ flag, since: sinceMs, message })),
    checked_at: state.checkedAtMs,
    content_at: state.contentAtMs,
    area_rule: state.areaRule,
    outcome: state.outcome,
    observed_at: state.observedAtMs,
    content_stale_after_ms: state.contentStaleAfterMs,
    poll_interval_ms: state.pollIntervalMs,
    change_period_ms: state.changePeriodMs,
    name: state.name,
    timezone: state.timezone,
    attribution: state.attribution,
    license_url: state.licenseUrl,
    ...(state.simulated ? { simulated: true } : {}),
    rejects: state.rejects.map(({ reason, count, firstPath }) => ({ reason, count, first_path: firstPath })),
    alerts: state.alerts.slice(0, MOST_ALERTS).map((alert) => ({
      alert_id: alert.alertId,
      type: alert.type,
      summary: alert.summary,
      station_ids: alert.stationIds.slice(0, MOST_NAMED),
      region_ids: alert.regionIds.slice(0, MOST_NAMED),
      start: alert.startMs,
      end: alert.endMs,
    })),
  });
}

/** Reads a value; null when it is not the state of a feed. Never throws. */
export function decodeFeedState(text: string): FeedState | null {
  let value: Json | null;
  try {
    value = asObject(JSON.parse(text));
  } catch {
    return null;
  }
  const systemId = value?.["system_id"];
  const state = FEED_STATES.find((known) => known === value?.["state"]);
  if (value === null || typeof systemId !== "string" || systemId === "" || state === undefined) return null;
  return {
    systemId,
    state,
    reason: textOf(value["reason"]),
    flags: listOf(value["flags"]).flatMap((item) => {
      const flag = textOf(item["flag"]);
      if (flag === null) return [];
      return [{ flag, sinceMs: numberOf(item["since"]) ?? 0, message: textOf(item["message"]) ?? flag }];
    }),
    checkedAtMs: numberOf(value["checked_at"]),
    contentAtMs: numberOf(value["content_at"]),
    areaRule: textOf(value["area_rule"]),
    outcome: textOf(value["outcome"]),
    observedAtMs: numberOf(value["observed_at"]),
    contentStaleAfterMs: numberOf(value["content_stale_after_ms"]),
    pollIntervalMs: numberOf(value["poll_interval_ms"]),
    changePeriodMs: numberOf(value["change_period_ms"]),
    name: textOf(value["name"]) ?? systemId,
    timezone: textOf(value["timezone"]),
    attribution: textOf(value["attribution"]),
    licenseUrl: textOf(value["license_url"]),
    simulated: value["simulated"] === true,
    rejects: listOf(value["rejects"]).flatMap((item) => {
      const [reason, count] = [textOf(item["reason"]), numberOf(item["count"])];
      if (reason === null || count === null) return [];
      return [{ reason, count, firstPath: textOf(item["first_path"]) ?? "$" }];
    }),
    alerts: listOf(value["alerts"]).flatMap((item): SystemAlert[] => {
      const alertId = textOf(item["alert_id"]);
      if (alertId === null) return [];
      return [
        {
          alertId,
          type: textOf(item["type"]),
          summary: textOf(item["summary"]),
          stationIds: textsOf(item["station_ids"]),
          regionIds: textsOf(item["region_ids"]),
          startMs: numberOf(item["start"]),
          endMs: numberOf(item["end"]),
        },
      ];
    }),
  };
}

/** What a change of is news at once; the rest moves with every poll, and is told once a minute. */
export function isFeedNews(before: FeedState, after: FeedState): boolean {
  return steady(before) !== steady(after);
}

function steady(state: FeedState): string {
  const { rejects, alerts, flags } = state;
  return JSON.stringify([
    state.systemId,
    state.state,
    state.reason,
    flags.map(({ flag, sinceMs }) => [flag, sinceMs]),
    state.areaRule,
    // Changed or not: both are an answer.
    state.outcome === "unchanged" ? "changed" : state.outcome,
    state.name,
    state.simulated,
    rejects.map(({ reason }) => reason),
    alerts.map(({ alertId }) => alertId),
  ]);
}

function textOf(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

/** A time or a duration that is none would become a date that nobody can show. */
function numberOf(value: unknown): number | null {
  return typeof value === "number" && value >= 0 && value <= 8.64e15 ? value : null;
}

function listOf(value: unknown): Json[] {
  const items: readonly unknown[] = Array.isArray(value) ? value : [];
  return items.map(asObject).filter((item) => item !== null);
}
