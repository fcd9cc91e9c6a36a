/**
 * The operator's routes for a process without the page and the API: nothing else is served, and only where it is told to.
 * Paths and answers are those of the server (http/routes/operations.ts), so that probes and scrapers need to know one.
 */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { HttpError } from "../errors.ts";
import { answerEarly, answerTheRest, GUARDS } from "../http/early-errors.ts";
import { hostCheck } from "../http/host-check.ts";
import type { HealthCheck } from "../ports.ts";
import { publicText } from "../telemetry/public-text.ts";
import type { PrometheusMetrics } from "../telemetry/metrics.ts";

export interface MetricsServer {
  /** Of `/metrics`; the other routes are beside it. */
  readonly url: string;
  close(): Promise<void>;
}

export interface MetricsServerOptions {
  readonly metrics: PrometheusMetrics;
  readonly host: string;
  /** Names beside it (--allow-host). */
  readonly allowHosts: readonly string[];
  /** 0 picks one. */
  readonly port: number;
  /** What `/readyz` asks, at every probe: all must be well. */
  readonly checks: () => readonly HealthCheck[];
}

/** @throws HttpError when the port cannot be had */
export async function serveMetrics({
  metrics,
  host,
  allowHosts,
  port,
  checks,
}: MetricsServerOptions): Promise<MetricsServer> {
  const routes: Readonly<Record<string, (response: ServerResponse) => void>> = {
    "/metrics": (response) =>
      void metrics.registry.metrics().then((text) => {
        send(response, 200, metrics.registry.contentType, text);
        return text.length;
      }),
    "/healthz": (response) => sendJson(response, 200, { status: "ok", checks: [] }),
    "/readyz": (response) => {
      const answers = checks().map((asked) => {
        const { ok, reason } = asked.check();
        return { name: asked.name, ok, reason: reason === null ? null : publicText(reason) };
      });
      const ok = answers.every((answer) => answer.ok);
      sendJson(response, ok ? 200 : 503, { status: ok ? "ok" : "unavailable", checks: answers });
    },
  };
  const checkHost = hostCheck({ host, allowHosts });
  const server = createServer((request, response) => {
    try {
      checkHost(request);
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      return send(response, error.code === "VELOSTREAM_HTTP_HOST" ? 421 : 400, TEXT, `${error.message}\n`);
    }
    const route = routes[request.url?.split("?")[0] ?? ""];
    if (route === undefined)
      return send(response, 404, TEXT, `Only ${Object.keys(routes).join(", ")} are here.\n`);
    if (request.method !== "GET" && request.method !== "HEAD")
      return send(response.setHeader("allow", "GET, HEAD"), 405, TEXT, "Use GET.\n");
    route(response);
  });
  server.requestTimeout = 10_000;
  server.headersTimeout = 10_000;
  server.on("clientError", answerEarly);
  answerTheRest(server);
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(
        new HttpError(
          "VELOSTREAM_HTTP_PORT",
          `Port ${port} of ${host} cannot be listened on (${error.code ?? error.message}). Choose another with --metrics-port.`,
          { cause: error },
        ),
      ),
    );
    server.listen(port, host, resolve);
  });
  const address = server.address() as AddressInfo;
  return {
    url: `http://${address.family === "IPv6" ? `[${address.address}]` : address.address}:${address.port}/metrics`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const TEXT = "text/plain; charset=utf-8";

function sendJson(response: ServerResponse, status: number, answer: object): void {
  send(response, status, "application/json; charset=utf-8", JSON.stringify(answer));
}

/** Node leaves the body of an answer to HEAD out. */
function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { ...GUARDS, "content-type": type }).end(body);
}
