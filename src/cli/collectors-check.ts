/** What `doctor` reads in the topic of feeds: which feeds are collected, by whoever collects them, and how they are doing. */
import type { SystemStatus } from "../ports.ts";
import { follow } from "../stages/follow.ts";
import { FeedsStage } from "../stages/feeds/feeds.ts";
import { createMetrics } from "../telemetry/metrics.ts";
import type { CommandContext } from "./command.ts";
import { counted } from "../telemetry/counted.ts";
import type { Finding } from "./finding.ts";
import { formatAge } from "../stages/print/live-table.ts";
import { presentTopics, topicNames } from "../session/open-log.ts";

/** Feeds that are named; the rest is a number. */
const MOST_NAMED = 5;

export async function checkCollectors(context: CommandContext): Promise<Finding> {
  const { settings, clock, logger, signal } = context;
  // Loaded only where it is used: Kafka's client takes 50 MB.
  const { withKafka } = await import("./kafka-briefly.ts");
  return withKafka(context, async (log) => {
    const { feeds } = await presentTopics(log, topicNames(settings));
    if (feeds === undefined)
      return {
        ok: false,
        says: `There is no topic ${settings["feeds-topic"]}, so nobody can tell how the feeds are doing. Make it with "velostream topics create".`,
      };
    const sink = new FeedsStage();
    const metrics = createMetrics({ process: false });
    const opened = { log, topics: { ...topicNames(settings), feeds }, clock, logger, metrics };
    await sink.open({ ...opened, stop: signal, fail: () => {}, checks: () => [] });
    // To its end as it is now.
    await follow({ sink, ...opened }, signal, AbortSignal.abort());
    return describeCollectors(sink.statuses(), clock.now());
  });
}

/** Not ok when a feed fails, or when nobody tells of it any more. */
export function describeCollectors(statuses: readonly SystemStatus[], nowMs: number): Finding {
  if (statuses.length === 0)
    return { ok: true, says: 'No collector has told of a feed yet; "velostream collect" starts one.' };
  const unwell = statuses.filter(
    ({ state, lastPoll }) =>
      state === "failing" || state === "unknown" || (state === "stopped" && lastPoll?.message),
  );
  const told = (unwell.length > 0 ? unwell : statuses)
    .slice(0, MOST_NAMED)
    .map((status) => sentence(status, nowMs));
  const more = (unwell.length > 0 ? unwell : statuses).length - told.length;
  const says = [
    `${counted(statuses.length, "feed")}${unwell.length > 0 ? `, ${unwell.length} unwell` : ""}`,
    ...told,
    ...(more > 0 ? [`and ${more} more`] : []),
  ].join("; ");
  const silent = unwell.some(({ state }) => state === "unknown");
  return {
    ok: unwell.length === 0,
    says: `${says.replace(/\.$/, "")}.${silent ? ' Start its collector again with "velostream collect".' : ""}`,
  };
}

function sentence({ description, state, lastPoll, content, flags }: SystemStatus, nowMs: number): string {
  const age = (atMs: number): string => formatAge(nowMs - atMs);
  const words = [
    state === "unknown" ? "told of by nobody any more" : state,
    ...(lastPoll === null ? [] : [`checked ${age(lastPoll.atMs)} ago`]),
    ...(content?.atMs === undefined || content.atMs === null ? [] : [`content ${age(content.atMs)} old`]),
    ...flags.filter(({ flag }) => flag !== "collector_silent").map(({ flag }) => flag),
    ...(lastPoll?.message ? [lastPoll.message] : []),
  ];
  return `${description.systemId}: ${words.join(", ")}`;
}
