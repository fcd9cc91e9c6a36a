/** The operator's routes: liveness, readiness, metrics. */
import { z } from "zod";
import { publicText } from "../../telemetry/public-text.ts";
import { apiRoute, type ApiContext, type ApiRoute } from "../api-route.ts";
import { HealthAnswer } from "../api-schemas.ts";
import type { HealthAnswer as Health } from "../api-types.ts";

export function operationRoutes(context: ApiContext): ApiRoute[] {
  return [
    apiRoute({
      path: "/healthz",
      operationId: "getHealth",
      summary: "200 while the process runs",
      params: null,
      query: z.strictObject({}),
      answer: HealthAnswer,
      limited: false,
      handle: ({ reply }) => {
        reply.header("cache-control", "no-store");
        return { status: "ok" as const, checks: [] };
      },
    }),
    apiRoute({
      path: "/readyz",
      operationId: "getReadiness",
      summary: "200 when it can serve; 503 with the reasons when not",
      params: null,
      query: z.strictObject({}),
      answer: HealthAnswer,
      limited: false,
      handle: ({ reply }) => {
        const answer = readiness(context);
        reply.header("cache-control", "no-store");
        if (answer.status !== "ok") reply.code(503);
        return answer;
      },
    }),
    apiRoute({
      path: "/metrics",
      operationId: "getMetrics",
      summary: "Prometheus text",
      params: null,
      query: null,
      answer: null,
      mediaType: "text/plain",
      limited: false,
      handle: async ({ reply }) => {
        const { text, contentType } = await context.metrics();
        reply.header("cache-control", "no-store").type(contentType);
        return text;
      },
    }),
  ];
}

function readiness(context: ApiContext): Health {
  const checks = [
    {
      name: "server",
      ok: !context.isDraining(),
      reason: context.isDraining() ? "The server is stopping." : null,
    },
    {
      name: "log",
      ok: context.hub.isLive,
      reason: context.hub.isLive ? null : "The log is still being read up to its present.",
    },
    ...(context.hub.isLive ? [feedCheck(context)] : []),
    ...context.checks.map((check) => ({ name: check.name, ...check.check() })),
  ];
  const told = checks.map((check) => ({
    ...check,
    reason: check.reason === null ? null : publicText(check.reason),
  }));
  return { status: checks.every(({ ok }) => ok) ? "ok" : "unavailable", checks: told };
}

/** Nothing has been observed yet: no poll has succeeded, or no collector writes to this log. */
function feedCheck(context: ApiContext): Health["checks"][number] {
  const observed = context.systems().some((system) => system.observed_at !== null);
  const failing = context.systems().find(({ last_poll: poll }) => poll !== null && poll.message !== null);
  return {
    name: "feed",
    ok: observed,
    reason: observed ? null : (failing?.last_poll?.message ?? "No station has been observed yet."),
  };
}
