/**
 * The HTTP server as one factory: API, event stream, documentation, health, metrics and the page.
 *
 *   request ─▶ limits ─▶ headers, Host, CORS, rate ─▶ route (zod in, JSON out) ─▶ ETag ─▶ compression
 *                                                 └ /api/v1/events leaves here: no buffer after it
 */
import fastifyCompress from "@fastify/compress";
import fastifyEtag from "@fastify/etag";
import Fastify, { type FastifyInstance } from "fastify";
import { Readable } from "node:stream";
import { constants } from "node:zlib";
import type { LiveView } from "../domain/live-view.ts";
import { HttpError } from "../errors.ts";
import type { Clock, HealthCheck, HistoryQueries, Logger, SystemStatusSource } from "../ports.ts";
import type { PrometheusMetrics } from "../telemetry/metrics.ts";
import type { ApiContext, ApiRoute } from "./api-route.ts";
import { DOCS_STYLE, docsPage } from "./docs-page.ts";
import { redirectFor, withoutBasePath } from "./base-path.ts";
import { capConnections } from "./connection-caps.ts";
import { answerEarly, answerTheRest, GUARDS } from "./early-errors.ts";
import { EventHub } from "./event-hub.ts";
import { HistoryGate } from "./history-gate.ts";
import { openApi } from "./openapi.ts";
import { sendProblem } from "./problem.ts";
import { eventRoutes } from "./routes/events.ts";
import { historyRoutes } from "./routes/history.ts";
import { liveRoutes } from "./routes/live.ts";
import { operationRoutes } from "./routes/operations.ts";
import { isAmong, secure, SERVER_LIMITS, LIMITS, type SecurityOptions } from "./security.ts";
import { Misplaced } from "./misplaced.ts";
import { presentSystems } from "./systems.ts";
import { serveWeb } from "./web.ts";

/** Methods that are answered: the API is read only. */
const ALLOWED = "GET, HEAD, OPTIONS";

export interface ServerOptions extends Omit<SecurityOptions, "tilesOrigin"> {
  readonly view: LiveView;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: PrometheusMetrics;
  readonly version: string;
  /** Differs between any two processes: event ids begin with it. */
  readonly epoch: string;
  /** The collector of this process. */
  readonly statuses?: SystemStatusSource | undefined;
  readonly history?: HistoryQueries | undefined;
  readonly checks: readonly HealthCheck[];
  /** Folder of the built page; null, or one without index.html: a small page says how to build it. */
  readonly webRoot: string | null;
  readonly tiles: ApiContext["tiles"];
  /** What every path begins with behind a proxy, as `/bikes`; "" for nothing. */
  readonly basePath: string;
  readonly maxStreams: number;
  /** Event streams of one address, or /64 of IPv6; null: no limit. */
  readonly maxStreamsOfClient: number | null;
  /** Addresses and networks of the proxies whose X-Forwarded-For says who asks. */
  readonly trustProxies: readonly string[];
  /** Bytes an event stream's client may leave unread. @default 1 MiB */
  readonly maxUnreadBytes?: number;
}

export interface Server {
  readonly app: FastifyInstance;
  readonly hub: EventHub;
}

/** Makes the server; it listens when the caller says so. */
export async function createServer(options: ServerOptions): Promise<Server> {
  const { view, clock, logger, metrics } = options;
  let draining = false;
  const misplaced = new Misplaced(view, clock, metrics);
  const systems = (): ReturnType<typeof presentSystems> =>
    presentSystems(view.systems(), options.statuses, clock.now(), (systemId) => misplaced.of(systemId));
  const hub = new EventHub({
    view,
    systems,
    clock,
    logger,
    metrics,
    epoch: options.epoch,
    ...(options.maxUnreadBytes === undefined ? {} : { maxUnreadBytes: options.maxUnreadBytes }),
  });
  const isProxy = isAmong(options.trustProxies);
  const app = Fastify({
    ...SERVER_LIMITS,
    // Whom we do not trust says nothing about who asks: the last address that is not a proxy's counts.
    trustProxy: options.trustProxies.length > 0 && isProxy,
    logger: false,
    rewriteUrl: (request) => withoutBasePath(request.url ?? "/", options.basePath),
    forceCloseConnections: "idle",
    // Malformed and over-long addresses, before any route.
    frameworkErrors: (error, request, reply) =>
      void sendProblem(error, request, reply.headers({ ...GUARDS }), logger),
    clientErrorHandler: answerEarly,
  });
  answerTheRest(app.server);
  const mostConnections = options.maxStreams + LIMITS.otherConnections;
  capConnections(app.server, {
    most: mostConnections,
    mostOfClient:
      options.maxStreamsOfClient === null
        ? null
        : options.maxStreamsOfClient + LIMITS.otherConnectionsOfClient,
    isProxy,
    onClosed: (why) => metrics.count("velostream_http_connections_closed_total", { why }),
  });
  // What is closed to make room takes a moment to be gone.
  app.server.maxConnections = mostConnections + LIMITS.otherConnections;

  await secure(app, {
    host: options.host,
    allowHosts: options.allowHosts,
    corsOrigins: options.corsOrigins,
    frameAncestors: options.frameAncestors,
    requestsPerMinute: options.requestsPerMinute,
    tilesOrigin: options.tiles === null ? null : new URL(options.tiles.url).origin,
  });
  app.addHook("onRequest", (request, reply, done) => {
    const elsewhere = redirectFor(request.originalUrl, options.basePath);
    if (elsewhere === null) done();
    else void reply.redirect(elsewhere, 308);
  });
  await app.register(fastifyEtag, { weak: true });
  // The plugin knows one tag alone; caches between us and a client send all that they hold (RFC 9110, section 13.1.2).
  app.addHook("onSend", async (request, reply, payload) => {
    const asked = request.headers["if-none-match"];
    if (asked === undefined || reply.statusCode !== 200 || !namesTag(asked, reply.getHeader("etag")))
      return payload;
    reply.code(304).removeHeader("content-length");
    return null;
  });
  await app.register(fastifyCompress, {
    globalDecompression: false,
    threshold: 1_024,
    // Node's default, 11, takes a hundred times as long for a tenth less.
    brotliOptions: { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } },
  });

  app.setErrorHandler((error, request, reply) => sendProblem(error, request, reply, logger));
  app.setNotFoundHandler((request, reply) => {
    if (request.method === "OPTIONS") return reply.code(204).header("allow", ALLOWED).send();
    if (request.method !== "GET" && request.method !== "HEAD") {
      reply.header("allow", ALLOWED);
      throw new HttpError("VELOSTREAM_HTTP_METHOD", `${request.method} is not answered. Use GET.`);
    }
    const path = request.url.split("?")[0] ?? "";
    // The router takes a star for a pattern, and refuses to look for one that goes on behind it.
    if (request.method === "HEAD" && !path.includes("*") && app.hasRoute({ method: "GET", url: path })) {
      reply.header("allow", "GET");
      throw new HttpError("VELOSTREAM_HTTP_METHOD", "A stream has no head of its own. Use GET.");
    }
    throw new HttpError(
      "VELOSTREAM_HTTP_NOT_FOUND",
      "There is nothing at this path. See /docs for what there is.",
    );
  });
  // An answer without a body has no length of one either (RFC 9110, section 8.6).
  app.addHook("onSend", async (request, reply, payload) => {
    if (reply.statusCode !== 304) return payload;
    // The framework's own hook for HEAD takes a stream, and no null: a text would be given a length.
    return request.method === "HEAD" ? Readable.from([]) : null;
  });
  app.addHook("preClose", () => {
    draining = true;
    hub.close();
  });
  app.addHook("onResponse", (request, reply, done) => {
    const route = request.routeOptions.url ?? "none";
    metrics.count("velostream_http_requests_total", { route, status: reply.statusCode });
    if (route !== "/api/v1/events") {
      metrics.observe("velostream_http_request_duration_seconds", { route }, reply.elapsedTime / 1000);
    }
    done();
  });

  const context: ApiContext = {
    view,
    hub,
    systems,
    clock,
    version: options.version,
    history: options.history,
    checks: options.checks,
    tiles: options.tiles,
    metrics: async () => ({
      text: await metrics.registry.metrics(),
      contentType: metrics.registry.contentType,
    }),
    maxStreams: options.maxStreams,
    maxStreamsOfClient: options.maxStreamsOfClient,
    historyGate: new HistoryGate(clock),
    misplaced,
    isDraining: () => draining,
  };
  const routes = [
    ...liveRoutes(context),
    ...historyRoutes(context),
    ...eventRoutes(context),
    ...operationRoutes(context),
  ];
  for (const route of routes) addRoute(app, route);
  addDocumentation(app, routes, options);
  await serveWeb(app, options.webRoot);
  return { app, hub };
}

/** Whether a list of tags, or `*`, names this one; weak and strong are alike here. */
function namesTag(list: string, tag: unknown): boolean {
  if (typeof tag !== "string") return false;
  const strong = (text: string): string => text.trim().replace(/^W\//, "");
  return list.split(",").some((one) => one.trim() === "*" || strong(one) === strong(tag));
}

function addRoute(app: FastifyInstance, route: ApiRoute): void {
  app.route({
    method: "GET",
    url: route.path.replaceAll(/\{(\w+)\}/g, ":$1"),
    exposeHeadRoute: route.mediaType !== "text/event-stream",
    config: { limited: route.limited },
    handler: async (request, reply) => {
      const answer = await route.answerTo(request, reply);
      if (route.mediaType !== "application/json") return answer;
      // Browsers ask again each time, and are told 304 while nothing has changed.
      if (!reply.hasHeader("cache-control")) reply.header("cache-control", "no-cache");
      return reply.type("application/json; charset=utf-8").send(JSON.stringify(answer));
    },
  });
}

function addDocumentation(
  app: FastifyInstance,
  routes: readonly ApiRoute[],
  { version, basePath }: Pick<ServerOptions, "version" | "basePath">,
): void {
  const api = openApi(routes, version, basePath);
  const files = [
    { url: "/openapi.json", type: "application/json; charset=utf-8", body: JSON.stringify(api) },
    { url: "/docs", type: "text/html; charset=utf-8", body: docsPage(api) },
    { url: "/docs/style.css", type: "text/css; charset=utf-8", body: DOCS_STYLE },
  ];
  for (const { url, type, body } of files) {
    app.get(url, (_request, reply) => reply.type(type).header("cache-control", "no-cache").send(body));
  }
}
