/**
 * A process that serves many simulated systems on loopback, every file labelled simulated: sizes and versions as in
 * the catalogue, content that changes once a ttl. Counts requests that come before a file has expired.
 *
 * Forked by many-systems-run.ts, which it tells its ports; at the message `count` it answers with its counts.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { seeded } from "../../test/support/fuzz/target.ts";

interface System {
  readonly stations: number;
  readonly version: "1.1" | "2.3" | "3.0";
  readonly ttlSeconds: number;
  /** Publishers do not all write at the full minute. */
  readonly phaseSeconds: number;
  /** Window (now / ttl) of the last status request. */
  lastWindow: number;
  cached: { window: number; body: Buffer; etag: string } | null;
  information: Buffer | null;
}

const SYSTEMS = Number(process.env["SYSTEMS"] ?? 1520);
const STATIONS = Number(process.env["STATIONS"] ?? 300_000);
/** Added to the machine's clock. */
const SHIFT_MS = Number(process.env["SHIFT_MS"] ?? 0);
/** The catalogue's systems share about as many hosts. */
const HOSTS = 150;
const random = seeded(7);
const systems = sizes().map((stations, n): System => {
  // Of the catalogue: 30 % offer 3.0, 3 % are 1.x, the rest 2.x; ttls as publishers set them.
  const version = n % 100 < 30 ? "3.0" : n % 100 < 33 ? "1.1" : "2.3";
  const ttlSeconds = n % 10 < 3 ? 30 : n % 10 < 8 ? 60 : 300;
  const phaseSeconds = Math.floor(random() * ttlSeconds);
  return { stations, version, ttlSeconds, phaseSeconds, lastWindow: -1, cached: null, information: null };
});
const counts = { requests: 0, early: 0, notModified: 0 };

/** Log-normal with a median of 30 stations, scaled to the wanted sum. */
function sizes(): number[] {
  const raw = Array.from({ length: SYSTEMS }, () => {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return Math.min(6_000, 30 * Math.exp(1.9 * normal));
  });
  const sum = raw.reduce((total, size) => total + size, 0);
  return raw.map((size) => Math.max(1, Math.round((size * STATIONS) / sum)));
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  counts.requests += 1;
  const [, id = "", file = ""] = (request.url ?? "").split("/");
  const system = systems[Number(id)];
  if (system === undefined) return void response.writeHead(404).end();
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (file !== "station_status.json") {
    const body =
      file === "station_information.json"
        ? (system.information ??= information(system))
        : small(file, id, system, request);
    if (file === "station_information.json") headers["content-encoding"] = "gzip";
    return void response.writeHead(200, headers).end(body);
  }
  const nowMs = Date.now() + SHIFT_MS;
  const window = Math.floor((nowMs / 1000 - system.phaseSeconds) / system.ttlSeconds);
  if (window === system.lastWindow) counts.early += 1;
  system.lastWindow = window;
  if (system.cached?.window !== window) {
    system.cached = { window, body: status(system, window), etag: `"${id}-${window}"` };
  }
  headers["etag"] = system.cached.etag;
  if (request.headers["if-none-match"] === system.cached.etag) {
    counts.notModified += 1;
    return void response.writeHead(304, headers).end();
  }
  headers["content-encoding"] = "gzip";
  response.writeHead(200, headers).end(system.cached.body);
}

function head(system: System, seconds: number): Record<string, unknown> {
  const lastUpdated = system.version === "3.0" ? new Date(seconds * 1000).toISOString() : seconds;
  return { last_updated: lastUpdated, ttl: system.ttlSeconds, version: system.version, simulated: true };
}

/** About one station in ten changes from window to window. */
function status(system: System, window: number): Buffer {
  const seconds = window * system.ttlSeconds + system.phaseSeconds;
  const v3 = system.version === "3.0";
  const stations = Array.from({ length: system.stations }, (_, n) => {
    const bikes = (n * 7 + Math.floor((window + n) / 10)) % 20;
    return {
      station_id: `station-${n}`,
      [v3 ? "num_vehicles_available" : "num_bikes_available"]: bikes,
      num_docks_available: 20 - bikes,
      is_installed: true,
      is_renting: true,
      is_returning: true,
      last_reported: v3 ? new Date(seconds * 1000).toISOString() : seconds,
      ...(system.version === "1.1"
        ? {}
        : { vehicle_types_available: [{ vehicle_type_id: "bike", count: bikes }] }),
    };
  });
  return gzipSync(JSON.stringify({ ...head(system, seconds), data: { stations } }), { level: 1 });
}

function information(system: System): Buffer {
  const v3 = system.version === "3.0";
  const stations = Array.from({ length: system.stations }, (_, n) => ({
    station_id: `station-${n}`,
    name: v3 ? [{ text: `Station ${n}`, language: "en" }] : `Station ${n}`,
    lat: 45 + (n % 100) / 1000,
    lon: 5 + Math.floor(n / 100) / 1000,
    capacity: 20,
    region_id: String(n % 7),
  }));
  return gzipSync(JSON.stringify({ ...head(system, 1_760_000_000), ttl: 3600, data: { stations } }), {
    level: 1,
  });
}

function small(file: string, id: string, system: System, request: IncomingMessage): string {
  const base = `http://${request.headers.host ?? ""}/${id}`;
  const names = [
    "system_information",
    "station_information",
    "station_status",
    ...(system.version === "1.1" ? [] : ["vehicle_types"]),
  ];
  const feeds = names.map((name) => ({ name, url: `${base}/${name}.json` }));
  const v3 = system.version === "3.0";
  const data: Record<string, unknown> = {
    "gbfs.json": v3 ? { feeds } : { en: { feeds } },
    "system_information.json": {
      system_id: `system-${id}`,
      name: v3 ? [{ text: `System ${id} (simulated)`, language: "en" }] : `System ${id} (simulated)`,
      timezone: "Europe/Paris",
    },
    "vehicle_types.json": { vehicle_types: [{ vehicle_type_id: "bike", propulsion_type: "human" }] },
  };
  return JSON.stringify({ ...head(system, 1_760_000_000), ttl: 3600, data: data[file] ?? {} });
}

const ports = await Promise.all(
  Array.from(
    { length: HOSTS },
    () =>
      new Promise<number>((resolve) => {
        const server = createServer(answer);
        server.keepAliveTimeout = 120_000;
        server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
      }),
  ),
);
const urls = systems.map((_, n) => `http://127.0.0.1:${ports[n % HOSTS] ?? 0}/${n}/gbfs.json`);
process.on("message", (message) => {
  if (message === "count") process.send?.({ counts });
  if (message === "reset") Object.assign(counts, { requests: 0, early: 0, notModified: 0 });
});
process.on("disconnect", () => process.exit());
process.send?.({ urls, stations: systems.reduce((sum, { stations }) => sum + stations, 0) });
