/**
 * Serving, as a stage of a process: makes the server, listens, feeds it the follower's commits, drains and stops.
 *
 *   startServing ─▶ listening ──follower caught up──▶ live ──stop()──▶ draining ──2 s──▶ closed
 */
import { randomBytes } from "node:crypto";
import type { FastifyInstance } from "fastify";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { PACKAGE_VERSION } from "../package-version.ts";
import { ConfigError, HttpError } from "../errors.ts";
import type { LiveFollower } from "../ports.ts";
import { createServer, type ServerOptions } from "./server.ts";

/** How long clients may take to read what is in hand once the server stops. */
const DRAIN_MS = 2_000;
const WEB_ROOT = fileURLToPath(new URL("../../web/dist", import.meta.url));

export interface ServeOptions extends Omit<ServerOptions, "version" | "epoch" | "webRoot"> {
  /** Keeps `view` in step with the log; run by the caller. */
  readonly follower: LiveFollower;
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** How many ports after it are tried while each is taken, for a port that nobody asked for. @default 0 */
  readonly morePorts?: number;
  /** @default web/dist of the checkout */
  readonly webRoot?: string;
}

export interface Serving {
  /** What people open in a browser. */
  readonly url: string;
  /** The port that was wanted and is taken; null: it is the one. */
  readonly takenPort: number | null;
  /** Tells clients, finishes answers in hand, lets go. Safe to call twice. */
  stop(): Promise<void>;
}

/**
 * Starts to serve; answers 503 on /readyz until the follower has caught up.
 * @throws HttpError when the port is taken, ConfigError when the host is not ours
 */
export async function startServing(options: ServeOptions): Promise<Serving> {
  const { follower, view, metrics, host, port } = options;
  const { app, hub } = await createServer({
    ...options,
    version: PACKAGE_VERSION,
    epoch: randomBytes(6).toString("base64url"),
    webRoot: options.webRoot ?? WEB_ROOT,
  });
  const unsubscribe = follower.subscribe((delta) => {
    hub.publish(delta);
    metrics.set("velostream_view_stations", {}, view.stationCount);
    metrics.set("velostream_view_areas", {}, view.areaCount);
  });
  void follower.whenCaughtUp.then(() => hub.goLive());
  try {
    await listenOnFree(app, host, port, options.morePorts ?? 0);
  } catch (error) {
    unsubscribe();
    await app.close();
    throw listenError(error, host, port);
  }
  const bound = boundPort(app.server.address(), port);
  let stopped: Promise<void> | null = null;
  return {
    url: `${urlOf(host, bound)}${options.basePath === "" ? "" : `${options.basePath}/`}`,
    takenPort: port === 0 || bound === port ? null : port,
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };

  async function stop(): Promise<void> {
    unsubscribe();
    const closed = app.close();
    const waited = new AbortController();
    await Promise.race([closed, options.clock.sleep(DRAIN_MS, waited.signal)]);
    waited.abort();
    app.server.closeAllConnections();
    await closed;
  }
}

/** Listens on the first of these ports that no other program has. @throws the last port's error */
async function listenOnFree(
  app: FastifyInstance,
  host: string,
  port: number,
  morePorts: number,
): Promise<void> {
  try {
    await app.listen({ host, port });
  } catch (error) {
    const isTaken = (error as { code?: unknown }).code === "EADDRINUSE";
    if (!isTaken || morePorts === 0 || port === 65_535) throw error;
    await listenOnFree(app, host, port + 1, morePorts - 1);
  }
}

function boundPort(address: AddressInfo | string | null, asked: number): number {
  return typeof address === "object" && address !== null ? address.port : asked;
}

/** An address people can open: every interface is reached by localhost too. */
function urlOf(host: string, port: number): string {
  if (host === "0.0.0.0" || host === "::") return `http://localhost:${port}`;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function listenError(error: unknown, host: string, port: number): unknown {
  const code = (error as { code?: unknown }).code;
  if (code === "EADDRINUSE") {
    return new HttpError(
      "VELOSTREAM_HTTP_PORT",
      `Port ${port} of ${host} is taken by another program. Choose another with --port, or --port 0 for any free one.`,
      { cause: error },
    );
  }
  if (code === "EACCES") {
    return new HttpError(
      "VELOSTREAM_HTTP_PORT",
      `Port ${port} of ${host} is reserved for the system. Choose one above 1023 with --port.`,
      { cause: error },
    );
  }
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND" || code === "EAI_AGAIN") {
    return new ConfigError(
      `${host} is not an address of this machine. Choose one with --host, e.g. 127.0.0.1.`,
      {
        cause: error,
      },
    );
  }
  return error;
}
