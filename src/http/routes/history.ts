/** The routes that answer from the archive, where there is one. */
import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { HttpError } from "../../errors.ts";
import type { HistoryGap, HistoryQueries, HistorySeries } from "../../ports.ts";
import { HistoryParameters, rangeOf, SystemId, wholeNumber, type Range } from "../api-query.ts";
import { clientOf } from "../client-address.ts";
import { apiRoute, type ApiContext, type ApiRoute } from "../api-route.ts";
import { HistoryAnswer, TypicalAnswer } from "../api-schemas.ts";
import type { HistoryAnswer as History } from "../api-types.ts";
import { findArea, noArea, requireStation } from "./live.ts";
import { areasNamed, DEFAULT_SYSTEM_ID, stationKey, stationsNamed } from "../../record/keys.ts";

const Aggregate = z
  .enum(["mean", "min", "max", "last"])
  .default("mean")
  .describe("How a step's values become one; the mean is weighted by time.");
const AreaPath = z.strictObject({ area: z.string().max(300).describe("An area's key.") });
/** Steps of all weeks together: what one question about the usual may cost. */
const MOST_TYPICAL_STEPS = 100_000;
const ERRORS = [
  "VELOSTREAM_HTTP_NOT_FOUND",
  "VELOSTREAM_HTTP_NO_ARCHIVE",
  "VELOSTREAM_HTTP_UNAVAILABLE",
] as const;

export function historyRoutes(context: ApiContext): ApiRoute[] {
  return [
    apiRoute({
      path: "/api/v1/areas/{area}/history",
      operationId: "getAreaHistory",
      summary: "An area's totals over time",
      params: AreaPath,
      query: HistoryParameters.extend({ aggregate: Aggregate }),
      answer: HistoryAnswer,
      errors: ERRORS,
      handle: async ({ params, query, raw, reply }) => {
        const history = archive(context);
        const range = rangeOf(query, context.clock.now());
        const { systemId, area } = areaOf(context, params.area);
        const asked = { systemId, area, ...range, aggregate: query.aggregate };
        const series = await ask(context, raw, reply, async (signal) => history.areaHistory(asked, signal));
        if (series === null) throw noArea(params.area);
        return presentHistory({ key: params.area, systemId }, range, query.aggregate, series);
      },
    }),
    apiRoute({
      path: "/api/v1/stations/{id}/history",
      operationId: "getStationHistory",
      summary: "A station's counts over time",
      params: z.strictObject({ id: z.string().max(300).describe("As in /stations/{id}.") }),
      query: HistoryParameters.extend({
        aggregate: Aggregate,
        system: SystemId.optional().describe("As in /stations/{id}."),
      }),
      answer: HistoryAnswer,
      errors: ERRORS,
      handle: async ({ params, query, raw, reply }) => {
        const history = archive(context);
        const range = rangeOf(query, context.clock.now());
        const { systemId, stationId } = stationOf(context, params.id, query.system);
        const asked = { systemId, stationId, ...range, aggregate: query.aggregate };
        const series = await ask(context, raw, reply, async (signal) =>
          history.stationHistory(asked, signal),
        );
        // Never seen by the archive, nor by the view: the sentence of the live route says it.
        if (series === null) requireStation(context, params.id, query.system);
        const key = stationKey(systemId, stationId);
        return presentHistory({ key, systemId }, range, query.aggregate, series ?? nothing(range));
      },
    }),
    apiRoute({
      path: "/api/v1/areas/{area}/typical",
      operationId: "getAreaTypical",
      summary: "What is usual in an area: quantiles at the same weekday and time over the past weeks",
      params: AreaPath,
      query: HistoryParameters.extend({
        weeks: wholeNumber(1, 52).default(8).describe("1 to 52; default 8."),
      }),
      answer: TypicalAnswer,
      errors: ERRORS,
      handle: async ({ params, query, raw, reply }) => {
        const history = archive(context);
        const range = rangeOf(query, context.clock.now());
        const steps = Math.ceil((range.toMs - range.fromMs) / range.stepMs);
        if (steps * query.weeks > MOST_TYPICAL_STEPS)
          throw new HttpError(
            "VELOSTREAM_HTTP_BAD_REQUEST",
            `${steps} steps of ${query.weeks} weeks are asked for; at most ${MOST_TYPICAL_STEPS} together are answered. Ask for a longer "step", or fewer "weeks".`,
          );
        const { systemId, area } = areaOf(context, params.area);
        const timezone = context.systems().find(({ system_id: id }) => id === systemId)?.timezone ?? "UTC";
        const asked = { systemId, area, ...range, weeks: query.weeks, timezone };
        const typical = await ask(context, raw, reply, async (signal) => history.areaTypical(asked, signal));
        if (typical === null) throw noArea(params.area);
        return {
          key: params.area,
          system_id: systemId,
          from: range.fromMs,
          to: range.toMs,
          step_ms: range.stepMs,
          at: [...typical.atMs],
          timezone,
          weeks: query.weeks,
          weeks_found: [...typical.weeksFound],
          nbr_total: band(typical.total),
          nbr_elec: band(typical.electric),
          nbr_meca: band(typical.mechanical),
          docks: band(typical.docks),
        };
      },
    }),
  ];
}

/** Asks the archive when it is this client's turn, for as long as it waits for the answer. */
async function ask<T>(
  { historyGate }: ApiContext,
  request: FastifyRequest,
  reply: FastifyReply,
  question: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const gone = new AbortController();
  const leave = (): void => gone.abort();
  reply.raw.once("close", leave);
  try {
    return await historyGate.ask(clientOf(request.ip), question, gone.signal);
  } finally {
    reply.raw.off("close", leave);
  }
}

function archive(context: ApiContext): HistoryQueries {
  if (context.history !== undefined) return context.history;
  throw new HttpError(
    "VELOSTREAM_HTTP_NO_ARCHIVE",
    "This server keeps no history. Start velostream with --data-dir DIR to keep one.",
  );
}

/** The system and area of a key: as the view knows it, else by the key's form (it may have left the feed). */
function areaOf({ view }: ApiContext, key: string): { systemId: string; area: string } {
  const area = findArea(view, key);
  if (area !== null) return { systemId: area.totals.systemId, area: area.totals.area };
  return areasNamed(key).next().value ?? { systemId: DEFAULT_SYSTEM_ID, area: key };
}

function stationOf(
  context: ApiContext,
  id: string,
  system: string | undefined,
): { systemId: string; stationId: string } {
  try {
    return requireStation(context, id, system).place;
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
  }
  if (system !== undefined) return { systemId: system, stationId: id };
  return stationsNamed(id).next().value ?? { systemId: DEFAULT_SYSTEM_ID, stationId: id };
}

function presentHistory(
  who: { readonly key: string; readonly systemId: string },
  range: Range,
  aggregate: History["aggregate"],
  series: HistorySeries,
): History {
  return {
    key: who.key,
    system_id: who.systemId,
    from: range.fromMs,
    to: range.toMs,
    step_ms: range.stepMs,
    at: [...series.atMs],
    aggregate,
    nbr_total: [...series.total],
    nbr_elec: [...series.electric],
    nbr_meca: [...series.mechanical],
    docks: [...series.docks],
    gaps: series.gaps.map((gap: HistoryGap) => ({ from: gap.fromMs, to: gap.toMs, reason: gap.reason })),
  };
}

/** A station that the view knows and the archive does not yet: one gap. */
function nothing({ fromMs, toMs, stepMs }: Range): HistorySeries {
  const atMs: number[] = [];
  for (let at = fromMs; at < toMs; at += stepMs) atMs.push(at);
  const unknown = atMs.map(() => null);
  return {
    atMs,
    total: unknown,
    electric: unknown,
    mechanical: unknown,
    docks: unknown,
    gaps: [{ fromMs, toMs, reason: "not_collected" }],
  };
}

function band(series: {
  p10: readonly (number | null)[];
  median: readonly (number | null)[];
  p90: readonly (number | null)[];
}): {
  p10: (number | null)[];
  median: (number | null)[];
  p90: (number | null)[];
} {
  return { p10: [...series.p10], median: [...series.median], p90: [...series.p90] };
}
