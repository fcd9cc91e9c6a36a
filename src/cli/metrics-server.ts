/** `/metrics` for a process without the page and the API: nothing else is served, and only where it is told to. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { HttpError } from "../errors.ts";
import type { PrometheusMetrics } from "../telemetry/metrics.ts";

export interface MetricsServer {
  readonly url: string;
  close(): Promise<void>;
}

/** @throws HttpError when the port cannot be had */
export async function serveMetrics(
  metrics: PrometheusMetrics,
  host: string,
  port: number,
): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    if (request.method !== "GET" || request.url?.split("?")[0] !== "/metrics") {
      response.writeHead(404, { "content-type": "text/plain" }).end("Only /metrics is here.\n");
      return;
    }
    void metrics.registry.metrics().then((text) => {
      response.writeHead(200, { "content-type": metrics.registry.contentType }).end(text);
      return text.length;
    });
  });
  server.requestTimeout = 10_000;
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
