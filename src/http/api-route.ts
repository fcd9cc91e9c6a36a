/** What a route of the API is: its schemas validate the request and write OpenAPI; its function answers. */
import type { FastifyReply, FastifyRequest } from "fastify";
import type { z } from "zod";
import type { LiveView } from "../domain/live-view.ts";
import type { ErrorCode } from "../errors.ts";
import type { Clock, HealthCheck, HistoryQueries } from "../ports.ts";
import type { System } from "./api-types.ts";
import type { EventHub } from "./event-hub.ts";
import type { HistoryGate } from "./history-gate.ts";
import type { Misplaced } from "./misplaced.ts";
import { readParameters } from "./api-query.ts";

/** What the routes answer from. */
export interface ApiContext {
  readonly view: LiveView;
  readonly hub: EventHub;
  readonly systems: () => readonly System[];
  readonly misplaced: Misplaced;
  readonly clock: Clock;
  readonly version: string;
  readonly history: HistoryQueries | undefined;
  readonly checks: readonly HealthCheck[];
  readonly tiles: { readonly url: string; readonly attribution: string | null } | null;
  /** Prometheus text and its media type. */
  readonly metrics: () => Promise<{ readonly text: string; readonly contentType: string }>;
  readonly maxStreams: number;
  /** Of one address, or /64 of IPv6; null: no limit. */
  readonly maxStreamsOfClient: number | null;
  readonly historyGate: HistoryGate;
  readonly isDraining: () => boolean;
}

export interface ApiRequest<P, Q> {
  readonly params: P;
  readonly query: Q;
  readonly raw: FastifyRequest;
  readonly reply: FastifyReply;
}

export interface ApiRoute {
  /** OpenAPI's form: `/api/v1/areas/{area}`. */
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly params: z.ZodObject | null;
  readonly query: z.ZodObject | null;
  /** The 200 answer's schema; null: not JSON. */
  readonly answer: z.ZodType | null;
  readonly mediaType: string;
  /** Beside those that every route may give. */
  readonly errors: readonly ErrorCode[];
  /** Counted against the rate limit. */
  readonly limited: boolean;
  answerTo(request: FastifyRequest, reply: FastifyReply): unknown;
}

type Output<S extends z.ZodObject | null> = S extends z.ZodObject ? z.output<S> : null;
type Input<S extends z.ZodType | null> = S extends z.ZodType ? z.input<S> : unknown;

/** Makes a route whose function gets its parameters parsed, and must answer what its schema says. */
export function apiRoute<
  P extends z.ZodObject | null,
  Q extends z.ZodObject | null,
  A extends z.ZodType | null,
>(route: {
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly params: P;
  readonly query: Q;
  readonly answer: A;
  readonly mediaType?: string;
  readonly errors?: readonly ErrorCode[];
  readonly limited?: boolean;
  readonly handle: (request: ApiRequest<Output<P>, Output<Q>>) => Input<A> | Promise<Input<A>>;
}): ApiRoute {
  return {
    path: route.path,
    operationId: route.operationId,
    summary: route.summary,
    ...(route.description === undefined ? {} : { description: route.description }),
    params: route.params,
    query: route.query,
    answer: route.answer,
    mediaType: route.mediaType ?? "application/json",
    errors: route.errors ?? [],
    limited: route.limited ?? true,
    answerTo: (raw, reply) =>
      route.handle({
        params: (route.params === null
          ? null
          : readParameters(route.params, raw.params, "Path")) as Output<P>,
        query: (route.query === null ? null : readParameters(route.query, raw.query, "Query")) as Output<Q>,
        raw,
        reply,
      }),
  };
}
