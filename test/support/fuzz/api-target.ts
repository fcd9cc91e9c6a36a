/** Attacks the server: addresses, queries and headers through the routes, and bytes on the socket. */
import assert from "node:assert/strict";
import { connect } from "node:net";
import { exampleServer } from "../api-server.ts";
import { bentBytes, below, oddText, pick, type FuzzTarget, type OpenTarget, type Random } from "./target.ts";

const PATHS = [
  "/",
  "/docs",
  "/openapi.json",
  "/healthz",
  "/readyz",
  "/metrics",
  "/api/v1/system",
  "/api/v1/areas",
  "/api/v1/areas/75016",
  "/api/v1/areas/75016/history",
  "/api/v1/areas/75016/typical",
  "/api/v1/stations",
  "/api/v1/stations/16107",
  "/api/v1/stations/16107/history",
  "/api/v1/events",
];
const QUERIES = [
  "system",
  "area",
  "q",
  "bbox",
  "limit",
  "after",
  "from",
  "to",
  "step",
  "aggregate",
  "weeks",
  "include",
  "last_event_id",
  "__proto__",
];
const VALUES = [
  "velib",
  "75016",
  "1",
  "0",
  "-1",
  "1,2,3,4",
  "5m",
  "1s",
  "52",
  "mean",
  "2026-11-20T08:00:00Z",
  "1795163400000",
  "areas",
];
const ANSWERED_MS = 2_000;

export const apiTarget: FuzzTarget = { name: "api", open };

async function open(): Promise<OpenTarget> {
  const { app } = await exampleServer();
  await app.listen({ host: "127.0.0.1", port: 0 });
  const { port } = app.server.address() as { port: number };
  return {
    once: async (random) => {
      for (let n = 0; n < 5; n += 1) await ask(app, random);
      await sayBytes(port, random);
    },
    close: async () => {
      app.server.closeAllConnections();
      await app.close();
    },
  };
}

async function ask(app: Awaited<ReturnType<typeof exampleServer>>["app"], random: Random): Promise<void> {
  const query = Array.from({ length: below(random, 4) }, () => {
    const value = random() < 0.5 ? pick(random, VALUES) : oddText(random).toWellFormed();
    return `${pick(random, QUERIES)}=${encodeURIComponent(value)}`;
  }).join("&");
  let path = pick(random, PATHS.slice(0, -1));
  if (random() < 0.4)
    path = path.replace(/75016|16107|docs/, encodeURIComponent(oddText(random).toWellFormed()));
  const url = `${path}${query === "" ? "" : `?${query}`}`;
  const headers = {
    ...(random() < 0.2 ? { "if-none-match": printable(oddText(random)) } : {}),
    ...(random() < 0.2 ? { range: `bytes=${below(random, 99)}-` } : {}),
    ...(random() < 0.2 ? { "accept-encoding": pick(random, ["gzip", "br", "*;q=0", "x"]) } : {}),
    ...(random() < 0.1 ? { host: printable(oddText(random)) } : {}),
  };
  const answer = await app.inject({
    method: pick(random, ["GET", "GET", "GET", "HEAD", "OPTIONS", "POST"] as const),
    url,
    headers,
  });
  assert.ok(answer.statusCode < 500 || path === "/readyz", `${answer.statusCode} for ${url}: ${answer.body}`);
  assert.match(String(answer.headers["content-security-policy"]), /default-src 'none'/, url);
  assert.equal(answer.headers["x-content-type-options"], "nosniff", url);
}

function printable(text: string): string {
  return text.replaceAll(/[^\u0020-\u007E]/g, "");
}

/** A request in bytes, bent. The server answers or hangs up, and answers the next one. */
async function sayBytes(port: number, random: Random): Promise<void> {
  const request = `${pick(random, ["GET", "POST", "HEAD", "BREW"])} ${pick(random, PATHS.slice(0, -1))} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc`;
  const bytes = bentBytes(Buffer.from(request), random);
  let answer = "";
  await new Promise<void>((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.end(bytes));
    socket.setTimeout(ANSWERED_MS, () => socket.destroy());
    socket.on("data", (chunk) => (answer += chunk.toString("latin1")));
    socket.on("error", () => {});
    socket.on("close", () => resolve());
  });
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);
  if (status >= 400) assert.match(answer, /content-security-policy: default-src 'none'/i);
  assert.ok(status < 500 || /readyz/.test(bytes.toString("latin1")), answer);
}
