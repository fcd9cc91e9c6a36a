/**
 * Serves the built page with an API that says what a test wants it to say (docs/api.md), for the states that the real
 * server shows only on bad days. Loopback only, with the strict policy the page must live under.
 */
import { readFile } from "node:fs/promises";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import type {
  DeltaEvent,
  HistoryAnswer,
  Station,
  StationPatch,
  System,
  SystemAnswer,
} from "../../src/http/api-types.ts";
import { areasOf, type City } from "./invented-city.ts";

const DIST = join(import.meta.dirname, "../../web/dist");
const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
};
/** One grey pixel. */
const TILE = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAMAAAAoyzS7AAAABGdBTUEAALGPC/xhBQAAACBjSFJNAAB6JgAAgIQAAPoAAACA6AAAdTAAAOpgAAA6mAAAF3CculE8AAAAA1BMVEXY0sQL5/hmAAAAB3RJTUUH6gsZEQwKcE7UFQAAAApJREFUCNdjYAAAAAIAAeIhvDMAAAAldEVYdGRhdGU6Y3JlYXRlADIwMjYtMTEtMjVUMTc6MTI6MTArMDA6MDCLICLwAAAAJXRFWHRkYXRlOm1vZGlmeQAyMDI2LTExLTI1VDE3OjEyOjEwKzAwOjAw+n2aTAAAAABJRU5ErkJggg==",
  "base64",
);
/** The port that the tests' dead tile server would have is allowed: the policy must not be what stops it. */
export const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self' http://127.0.0.1:9; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export class PageServer {
  /** False: no snapshot is sent, as before the server has read the log. */
  live = true;
  /** Answers history questions, with invented numbers. */
  archive = false;
  tiles: SystemAnswer["tiles"] = null;
  systems: Map<string, System>;
  readonly stations: Map<string, Station>;
  readonly asked: string[] = [];
  #server: Server | null = null;
  #port = 0;
  #sequence = 0;
  readonly #streams = new Set<ServerResponse>();

  constructor(...cities: readonly City[]) {
    this.systems = new Map(cities.map(({ system }) => [system.system_id, system]));
    this.stations = new Map(cities.flatMap(({ stations }) => [...stations]));
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async start(): Promise<void> {
    this.#server = createServer((request, response) => {
      this.asked.push(request.url ?? "");
      this.#answer(request.url ?? "/", response).catch(() => response.writeHead(404).end());
    });
    await new Promise<void>((resolve) => this.#server?.listen(this.#port, "127.0.0.1", resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Stops answering, and cuts every open line. The same port is taken again by `start`. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server === null) return;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
    this.#streams.clear();
  }

  /** Changes stations as a poll would. */
  change(patches: readonly (Partial<Station> & { readonly key: string })[], nowMs = Date.now()): void {
    const touched = new Set<string>();
    for (const patch of patches) {
      const station = this.stations.get(patch.key);
      if (station === undefined) continue;
      this.stations.set(patch.key, { ...station, ...patch, observed_at: nowMs });
      touched.add(station.area_key);
    }
    const delta: DeltaEvent = {
      areas: areasOf(this.stations.values()).filter((area) => touched.has(area.key)),
      areas_removed: [],
      stations: patches.flatMap(({ key }) => this.stations.get(key) ?? []).map(countsOf),
      stations_removed: [],
    };
    this.#sequence += 1;
    this.#toAll(`id: ${this.#sequence}\nevent: delta\ndata: ${JSON.stringify(delta)}\n\n`);
  }

  /** Says something else about the systems. */
  tell(patch: Partial<System>): void {
    this.systems = new Map([...this.systems].map(([id, system]) => [id, { ...system, ...patch }]));
    this.#toAll(this.#systemsEvent());
  }

  resync(reason: "slow" | "draining"): void {
    this.#toAll(`id:\nevent: resync\ndata: ${JSON.stringify({ reason })}\n\n`);
    for (const stream of this.#streams) stream.end();
    this.#streams.clear();
  }

  #systemsEvent(): string {
    return `event: systems\ndata: ${JSON.stringify({ now: Date.now(), systems: [...this.systems.values()] })}\n\n`;
  }

  #toAll(text: string): void {
    for (const stream of this.#streams) stream.write(text);
  }

  async #answer(target: string, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(target, "http://localhost");
    response.setHeader("content-security-policy", POLICY);
    if (pathname === "/api/v1/events") return this.#events(response);
    if (pathname === "/api/v1/system") {
      const { live, archive, tiles } = this;
      return json(response, {
        now: Date.now(),
        version: "0.1.0",
        live,
        archive,
        tiles,
        systems: [...this.systems.values()],
      });
    }
    if (pathname.endsWith("/history"))
      return json(response, inventHistory(new URL(target, "http://localhost")));
    if (pathname.startsWith("/tiles/")) {
      response.setHeader("content-type", "image/png");
      response.end(TILE);
      return;
    }
    const path = pathname === "/" ? "/index.html" : normalize(pathname);
    const body = await readFile(join(DIST, path));
    response.setHeader("content-type", TYPES[extname(path)] ?? "application/octet-stream");
    response.end(body);
  }

  #events(response: ServerResponse): void {
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    response.write("retry: 2000\n\n");
    this.#streams.add(response);
    response.on("close", () => this.#streams.delete(response));
    if (!this.live) return;
    response.write(this.#systemsEvent());
    const stations = [...this.stations.values()];
    const parts = Math.max(1, Math.ceil(stations.length / 5000));
    for (let part = 1; part <= parts; part += 1) {
      const data = {
        part,
        parts,
        areas: part === 1 ? areasOf(stations) : [],
        stations: stations.slice((part - 1) * 5000, part * 5000),
      };
      const id = part === parts ? `id: ${this.#sequence}\n` : "";
      response.write(`${id}event: snapshot\ndata: ${JSON.stringify(data)}\n\n`);
    }
  }
}

/** What the product sends of a station whose place stays the same. */
function countsOf(station: Station): StationPatch {
  const { key, nbr_total, nbr_elec, nbr_meca, nbr_docks, last_reported, observed_at } = station;
  const { is_installed, is_renting, is_returning } = station;
  const counts = { nbr_total, nbr_elec, nbr_meca, nbr_docks, last_reported, observed_at };
  return { key, ...counts, is_installed, is_renting, is_returning };
}

function json(response: ServerResponse, body: unknown): void {
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(body));
}

/** A day that goes up and down, with one gap. */
function inventHistory(url: URL): HistoryAnswer {
  const from = Number(url.searchParams.get("from"));
  const to = Number(url.searchParams.get("to"));
  const step = Math.round((to - from) / 60);
  const at = Array.from({ length: 60 }, (_, index) => from + index * step);
  const wave = (height: number): (number | null)[] =>
    at.map((_, index) =>
      index > 20 && index < 25 ? null : Math.round(height * (1.2 + Math.sin(index / 7))),
    );
  return {
    key: "",
    system_id: "velib",
    from,
    to,
    step_ms: step,
    at,
    aggregate: "mean",
    nbr_total: wave(200),
    nbr_elec: wave(70),
    nbr_meca: wave(130),
    docks: wave(150),
    gaps: [],
  };
}
