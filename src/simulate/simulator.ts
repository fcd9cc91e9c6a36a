/**
 * A GBFS server on loopback over a simulated city: validators, gzip, and faults on demand.
 *
 *   request ─▶ city moved on to now ─▶ fault? ─▶ 304 / 200 (gzip)
 *
 * Nothing runs between requests: there is no timer, and a test's clock decides what time it is.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { ConfigError, HttpError } from "../errors.ts";
import type { Clock } from "../ports.ts";
import type { CityModel } from "./city-model.ts";
import {
  MAINTENANCE_PAGE,
  NO_FAULT,
  RETRY_AFTER_SECONDS,
  SLOW_MS,
  type Fault,
  type FaultState,
} from "./faults.ts";
import { FILE_NAMES, filesOf, type Dialect, type FileName } from "./feed-files.ts";
import { SimulatedFeed, type Representation } from "./simulated-feed.ts";

export const DEFAULT_STATIONS = 1500;
/** A hundred thousand: about 30 MB a poll. */
const MOST_STATIONS = 100_000;
/** A day of the city every 24 s: faster, and no rhythm is left to see. */
const MOST_SPEED = 3600;
/** How often Vélib's content really changes, ms. */
const DEFAULT_CHANGE_PERIOD_MS = 60_000;

export interface SimulatorOptions {
  readonly clock: Clock;
  /** @default 1500 */
  readonly stations?: number;
  /** The same seed and start give the same bytes. @default 1 */
  readonly seed?: number;
  /** @default "velib" */
  readonly dialect?: Dialect;
  /** @default "velib" */
  readonly systemId?: string;
  /** How often the content changes, ms. @default 60_000 */
  readonly changePeriodMs?: number;
  /** City time passes this many times faster than the clock. @default 1 */
  readonly speed?: number;
  /** City time at the start, epoch ms: decides hour and weekday. @default the clock's now */
  readonly cityStartsAtMs?: number;
  /** @default null */
  readonly fault?: Fault | null;
  /** @default "127.0.0.1" */
  readonly host?: string;
  /** 0 picks one. @default 0 */
  readonly port?: number;
}

export interface Simulator {
  /** Its `gbfs.json`. */
  readonly url: string;
  readonly port: number;
  readonly model: CityModel;
  /** Requests answered so far, faults and 304 included. */
  readonly requests: number;
  /** Shows a fault from the next request on, in `files`; null heals. @param files @default only station_status */
  setFault(fault: Fault | null, files?: readonly FileName[]): void;
  /** Lets time pass for the simulator alone, on top of its clock. */
  advance(durationMs: number): void;
  stop(): Promise<void>;
}

/**
 * @throws ConfigError when an option is out of its range
 * @throws HttpError when the port is taken
 */
export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  const { clock, dialect = "velib", host = "127.0.0.1", port = 0 } = options;
  checkRanges(options);
  const startedAtMs = clock.now();
  const feed = new SimulatedFeed({
    stations: options.stations ?? DEFAULT_STATIONS,
    seed: options.seed ?? 1,
    dialect,
    systemId: options.systemId ?? "velib",
    changePeriodMs: options.changePeriodMs ?? DEFAULT_CHANGE_PERIOD_MS,
    speed: options.speed ?? 1,
    startedAtMs,
    cityStartsAtMs: options.cityStartsAtMs ?? startedAtMs,
  });
  const stopping = new AbortController();
  let aheadMs = 0;
  let requests = 0;
  let fault: FaultState =
    options.fault === undefined || options.fault === null ? NO_FAULT : faultOf(options.fault);

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    requests += 1;
    const name = fileName(request.url ?? "/", dialect);
    if (request.method !== "GET" && request.method !== "HEAD")
      return send(response, 405, { allow: "GET, HEAD" }, "Only GET and HEAD.\n");
    if (name === null)
      return send(response, 404, {}, "Nothing here. The feed (simulated) is at /gbfs.json.\n");
    feed.moveTo(clock.now() + aheadMs);
    const shown = fault.files.has(name) ? fault.fault : null;
    const representation = feed.representation(
      name,
      `http://${request.headers.host ?? `${host}:${request.socket.localPort ?? port}`}`,
      shown === "missing-stations",
    );
    switch (shown) {
      case "5xx":
        return send(
          response,
          503,
          { "retry-after": String(RETRY_AFTER_SECONDS) },
          "Unavailable: a simulated fault.\n",
        );
      case "html":
        return send(response, 200, { "content-type": "text/html; charset=utf-8" }, MAINTENANCE_PAGE);
      case "truncated":
        return send(
          response,
          200,
          JSON_TYPE,
          representation.body.subarray(0, representation.body.length / 2),
        );
      case "stalled":
        response.writeHead(200, { ...JSON_TYPE, "content-length": representation.body.length });
        response.write(representation.body.subarray(0, 100));
        return;
      case "slow":
        await clock.sleep(SLOW_MS, AbortSignal.any([stopping.signal, gone(response)]));
        break;
      case "missing-stations":
      case null:
        break;
    }
    await sendRepresentation(request, response, representation, options.changePeriodMs);
  };

  const server = createServer((request, response) => {
    response.on("error", () => {});
    answer(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(
        new HttpError(
          "VELOSTREAM_HTTP_PORT",
          `The simulator cannot listen on ${host}:${port} (${error.code ?? error.message}). Choose another with --port, or 0 to pick one.`,
          { cause: error },
        ),
      ),
    );
    server.listen(port, host, () => resolve());
  });
  const bound = (server.address() as AddressInfo).port;

  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${bound}/gbfs.json`,
    port: bound,
    model: feed.model,
    get requests() {
      return requests;
    },
    setFault: (next, files) => {
      fault = next === null ? NO_FAULT : faultOf(next, files);
    },
    advance: (durationMs) => {
      aheadMs += durationMs;
      feed.moveTo(clock.now() + aheadMs);
    },
    stop: async () => {
      stopping.abort();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

const JSON_TYPE = { "content-type": "application/json" } as const;

function checkRanges({ stations = 1, seed = 1, changePeriodMs = 1000, speed = 1 }: SimulatorOptions): void {
  const range = (name: string, value: number, least: number, most: number): void => {
    if (!(value >= least && value <= most))
      throw new ConfigError(`${name} is ${value}. Choose a number from ${least} to ${most}.`);
  };
  range("The number of simulated stations", stations, 1, MOST_STATIONS);
  range("The seed", seed, 0, Number.MAX_SAFE_INTEGER);
  range("The change period in ms", changePeriodMs, 100, 86_400_000);
  range("The speed of a simulated city", speed, 0.001, MOST_SPEED);
}

function faultOf(fault: Fault, files: readonly FileName[] = ["station_status"]): FaultState {
  return { fault, files: new Set(files) };
}

function fileName(url: string, dialect: Dialect): FileName | null {
  const path = url.split("?", 1)[0];
  const name = FILE_NAMES.find((candidate) => path === `/${candidate}.json`);
  return name !== undefined && filesOf(dialect).includes(name) ? name : null;
}

async function sendRepresentation(
  request: IncomingMessage,
  response: ServerResponse,
  representation: Representation,
  changePeriodMs = DEFAULT_CHANGE_PERIOD_MS,
): Promise<void> {
  const headers: Record<string, string> = {
    ...JSON_TYPE,
    etag: representation.etag,
    vary: "accept-encoding",
    "cache-control": "no-cache",
  };
  // Last-Modified counts seconds: a faster feed could change unseen.
  const dated = changePeriodMs >= 1000;
  if (dated) headers["last-modified"] = new Date(representation.modifiedAtMs).toUTCString();
  if (isUnchanged(request, representation, dated)) {
    response.writeHead(304, headers).end();
    return;
  }
  const encoded = /\bgzip\b/.test(request.headers["accept-encoding"] ?? "")
    ? await representation.gzip()
    : null;
  if (encoded !== null) headers["content-encoding"] = "gzip";
  send(response, 200, headers, encoded ?? representation.body, request.method === "HEAD");
}

function isUnchanged(request: IncomingMessage, representation: Representation, dated: boolean): boolean {
  const match = request.headers["if-none-match"];
  if (match !== undefined)
    return match.split(",").some((tag) => tag.trim().replace(/^W\//, "") === representation.etag);
  const since = Date.parse(request.headers["if-modified-since"] ?? "");
  return dated && since >= Math.floor(representation.modifiedAtMs / 1000) * 1000;
}

function send(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string | Buffer,
  headOnly = false,
): void {
  if (response.destroyed) return;
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  response.writeHead(status, {
    ...(typeof body === "string" && { "content-type": "text/plain; charset=utf-8" }),
    ...headers,
    "content-length": bytes.length,
  });
  response.end(headOnly ? undefined : bytes);
}

function gone(response: ServerResponse): AbortSignal {
  const left = new AbortController();
  response.once("close", () => left.abort());
  return left.signal;
}
