/** A Vélib'-shaped feed that the test controls: every request sees some stations change, until it is frozen. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export interface Counts {
  mechanical: number;
  electric: number;
  docks: number;
}

/** Numbers from a seed: a failing run can be repeated. */
export function seededRandom(seed: number): () => number {
  // Mulberry32.
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const AREAS = 20;

export class ControlledFeed {
  /** By station code. */
  readonly stations = new Map<string, Counts>();
  readonly #random: () => number;
  readonly #server: Server;
  #frozen = false;

  constructor(stationCount: number, random: () => number) {
    this.#random = random;
    for (let index = 0; index < stationCount; index += 1)
      // Codes 1001… are in the first arrondissement, 2001… in the second (DESIGN: station code rule).
      this.stations.set(String(1000 * (1 + (index % AREAS)) + 1 + Math.floor(index / AREAS)), {
        mechanical: 5,
        electric: 5,
        docks: 20,
      });
    this.#server = createServer((request, response) => {
      response.setHeader("content-type", "application/json");
      if (request.url === "/station_status.json") response.end(JSON.stringify(this.#status()));
      else if (request.url === "/station_information.json") response.end(JSON.stringify(this.#information()));
      else {
        response.statusCode = 404;
        response.end("{}");
      }
    });
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/station_status.json`;
  }

  freeze(): void {
    this.#frozen = true;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** What every area must come to: `total,electric,mechanical,stations`. */
  truth(): ReadonlyMap<string, string> {
    const sums = new Map<string, [number, number, number, number]>();
    for (const [code, { mechanical, electric }] of this.stations) {
      const area = `750${String(Math.floor(Number(code) / 1000)).padStart(2, "0")}`;
      const [total, elec, meca, count] = sums.get(area) ?? [0, 0, 0, 0];
      sums.set(area, [total + mechanical + electric, elec + electric, meca + mechanical, count + 1]);
    }
    return new Map([...sums].map(([area, sum]) => [area, sum.join(",")]));
  }

  #status(): unknown {
    if (!this.#frozen)
      for (const counts of this.stations.values())
        if (this.#random() < 0.2) {
          counts.mechanical = Math.floor(this.#random() * 20);
          counts.electric = Math.floor(this.#random() * 20);
          counts.docks = Math.floor(this.#random() * 20);
        }
    return {
      lastUpdatedOther: Math.floor(Date.now() / 1000),
      ttl: 3600,
      data: {
        stations: [...this.stations].map(([code, { mechanical, electric, docks }]) => ({
          stationCode: code,
          station_id: Number(code),
          num_bikes_available: mechanical + electric,
          numBikesAvailable: mechanical + electric,
          num_bikes_available_types: [{ mechanical }, { ebike: electric }],
          num_docks_available: docks,
          numDocksAvailable: docks,
          is_installed: 1,
          is_returning: 1,
          is_renting: 1,
          last_reported: 1_700_000_000,
        })),
      },
    };
  }

  #information(): unknown {
    return {
      lastUpdatedOther: Math.floor(Date.now() / 1000),
      ttl: 3600,
      data: {
        stations: [...this.stations.keys()].map((code) => ({
          stationCode: code,
          station_id: Number(code),
          name: `Station ${code}`,
          lat: 48.86,
          lon: 2.35,
          capacity: 40,
        })),
      },
    };
  }
}
