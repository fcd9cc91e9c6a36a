/** What keeps the server and its readers safe: headers, whom requests mean, limits of size and time, rate limit, CORS. */
import fastifyCors from "@fastify/cors";
import fastifyHelmet from "@fastify/helmet";
import fastifyRateLimit from "@fastify/rate-limit";
import type { FastifyInstance } from "fastify";
import ipaddr from "ipaddr.js";
import { HttpError } from "../errors.ts";
import { clientOf } from "./client-address.ts";
import { hostCheck, type HostCheckOptions } from "./host-check.ts";

/** Limits of every connection, against clients that send or read slowly, or too much. */
export const LIMITS = {
  /** All headers within this, from the first byte on (slow loris). */
  headersTimeoutMs: 10_000,
  /** The whole request within this. */
  requestTimeoutMs: 15_000,
  /** A connection on which nothing moves (event streams are exempt: they beat). */
  idleTimeoutMs: 60_000,
  keepAliveTimeoutMs: 20_000,
  maxHeaderBytes: 8_192,
  /** No route reads a body. */
  bodyBytes: 1_024,
  /** Longest part of a path: an area or a station key. */
  pathPartLength: 300,
  /** Connections beside the event streams. */
  otherConnections: 1_000,
  /** Connections of one client beside its event streams. */
  otherConnectionsOfClient: 100,
} as const;

export const SERVER_LIMITS = {
  bodyLimit: LIMITS.bodyBytes,
  connectionTimeout: LIMITS.idleTimeoutMs,
  requestTimeout: LIMITS.requestTimeoutMs,
  keepAliveTimeout: LIMITS.keepAliveTimeoutMs,
  // /docs/ is /docs: people and proxies add the slash.
  routerOptions: { maxParamLength: LIMITS.pathPartLength, ignoreTrailingSlash: true },
  http: {
    headersTimeout: LIMITS.headersTimeoutMs,
    connectionsCheckingInterval: 1_000,
    maxHeaderSize: LIMITS.maxHeaderBytes,
    // Our own check answers what names no host.
    requireHostHeader: false,
  },
} as const;

export interface SecurityOptions extends HostCheckOptions {
  /** Origins that may read the API: exact, or `*` for all. Empty: none but our own. */
  readonly corsOrigins: readonly string[];
  /** API requests per minute and address; 0: no limit. */
  readonly requestsPerMinute: number;
  /** Origins whose pages may show ours in a frame: exact, or `*` for all. Empty: none. */
  readonly frameAncestors: readonly string[];
  /** Origin that the operator's base map comes from; null: none. */
  readonly tilesOrigin: string | null;
}

/** C0, DEL and C1, as they are or percent-encoded in UTF-8: a NUL ends a text for some, a line feed a line of a log. */
const HAS_CONTROL = /\p{Cc}|%(?:[01][\da-f]|7f|c2%[89][\da-f])/iu;

/** Whether an address is one of these addresses and networks. */
export function isAmong(proxies: readonly string[]): (address: string) => boolean {
  const networks = proxies.map((proxy) => {
    if (!proxy.includes("/")) return [ipaddr.process(proxy), null] as const;
    const [address, bits] = ipaddr.parseCIDR(proxy);
    return [address, bits] as const;
  });
  return (text) => {
    if (!ipaddr.isValid(text)) return false;
    const address = ipaddr.process(text);
    return networks.some(([network, bits]) => {
      if (network.kind() !== address.kind()) return false;
      return address.match(network, bits ?? (network.kind() === "ipv4" ? 32 : 128));
    });
  };
}

declare module "fastify" {
  interface FastifyContextConfig {
    /** Counted against the rate limit. */
    limited?: boolean;
  }
}

export async function secure(app: FastifyInstance, options: SecurityOptions): Promise<void> {
  const tiles = options.tilesOrigin === null ? [] : [options.tilesOrigin];
  await app.register(fastifyHelmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        // MapLibre turns tiles and icons into blob: and data: images; its worker is a file of ours.
        imgSrc: ["'self'", "data:", "blob:", ...tiles],
        connectSrc: ["'self'", ...tiles],
        fontSrc: ["'self'"],
        workerSrc: ["'self'"],
        manifestSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: options.frameAncestors.length === 0 ? ["'none'"] : [...options.frameAncestors],
      },
    },
    // The older header knows no list of origins; where the policy above allows some, browsers go by that alone.
    xFrameOptions: options.frameAncestors.length === 0 ? { action: "deny" } : false,
    // The server speaks plain HTTP; whoever puts TLS before it sets HSTS there.
    strictTransportSecurity: false,
    referrerPolicy: { policy: "no-referrer" },
    // Would forbid the tiles of another origin.
    crossOriginEmbedderPolicy: false,
    // The API is for other origins too, where --cors allows them.
    crossOriginResourcePolicy: { policy: options.corsOrigins.length > 0 ? "cross-origin" : "same-origin" },
  });
  const checkHost = hostCheck(options);
  app.addHook("onRequest", (request, _reply, done) => {
    checkHost(request.raw);
    if (HAS_CONTROL.test(request.raw.url ?? ""))
      throw new HttpError(
        "VELOSTREAM_HTTP_BAD_REQUEST",
        "There is a control character in the address. Leave it out; no name here has one.",
      );
    done();
  });
  if (options.corsOrigins.length > 0) {
    await app.register(fastifyCors, {
      origin: options.corsOrigins.includes("*") ? "*" : [...options.corsOrigins],
      methods: ["GET", "HEAD"],
      exposedHeaders: ["etag", "retry-after"],
      maxAge: 86_400,
    });
  }
  if (options.requestsPerMinute > 0) {
    await app.register(fastifyRateLimit, {
      max: options.requestsPerMinute,
      timeWindow: 60_000,
      // Addresses remembered; the least recently seen is forgotten.
      cache: 10_000,
      keyGenerator: (request) => clientOf(request.ip),
      allowList: (request) => request.routeOptions.config.limited !== true,
      errorResponseBuilder: (_request, context) =>
        new HttpError(
          "VELOSTREAM_HTTP_RATE_LIMITED",
          `More than ${context.max} requests in a minute. Wait ${Math.ceil(context.ttl / 1000)} s, or follow /api/v1/events instead of polling.`,
        ),
    });
  }
}
