/** A feed in Vélib's dialect whose content changes as it is asked for, at a given rate: for benches of latency. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface Rate {
  readonly changesPerSecond: number;
  readonly stations: number;
  /** Between two polls. */
  readonly intervalMs: number;
  readonly seconds: number;
}

export interface PollServed {
  readonly atMs: number;
  /** Changed stations by area. */
  readonly changes: Map<string, number>;
}

export class ChangingFeed {
  readonly polls: PollServed[] = [];
  readonly #rate: Rate;
  readonly #stations: string[];
  readonly #bikes: number[];
  readonly #server = createServer((request, response) => {
    response.setHeader("content-type", "application/json");
    if (request.url === "/station_status.json") response.end(this.#answer());
    else if (request.url === "/station_information.json") response.end(this.#information());
    else response.writeHead(404).end();
  });
  #next = 0;
  #due = 0;
  #body: Buffer;

  constructor(rate: Rate) {
    this.#rate = rate;
    this.#bikes = Array.from({ length: rate.stations }, (_, index) => index % 30);
    this.#stations = this.#bikes.map((_, index) => this.#station(index));
    this.#body = this.#render();
  }

  async listen(): Promise<string> {
    await once(this.#server.listen(0, "127.0.0.1"), "listening");
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/station_status.json`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** The body was made after the last answer: making it is not part of what is measured. */
  #answer(): Buffer {
    const body = this.#body;
    this.polls.push({ atMs: Date.now(), changes: this.#changes });
    setImmediate(() => {
      this.#change();
      this.#body = this.#render();
    });
    return body;
  }

  #changes = new Map<string, number>();
  #change(): void {
    this.#changes = new Map();
    this.#due += (this.#rate.changesPerSecond * this.#rate.intervalMs) / 1000;
    for (; this.#due >= 1; this.#due -= 1) {
      const index = this.#next;
      this.#next = (index + 1) % this.#rate.stations;
      this.#bikes[index] = ((this.#bikes[index] ?? 0) + 1) % 31;
      this.#stations[index] = this.#station(index);
      const area = areaOf(index);
      this.#changes.set(area, (this.#changes.get(area) ?? 0) + 1);
    }
  }

  #station(index: number): string {
    const bikes = this.#bikes[index] ?? 0;
    return JSON.stringify({
      stationCode: codeOf(index),
      station_id: 213_688_169 + index,
      num_bikes_available: bikes,
      numBikesAvailable: bikes,
      num_bikes_available_types: [{ mechanical: bikes }, { ebike: 0 }],
      num_docks_available: 31 - bikes,
      numDocksAvailable: 31 - bikes,
      is_installed: 1,
      is_returning: 1,
      is_renting: 1,
      last_reported: 1_760_778_000,
    });
  }

  #render(): Buffer {
    return Buffer.from(
      `{"lastUpdatedOther":1760778600,"ttl":3600,"data":{"stations":[${this.#stations.join(",")}]}}`,
    );
  }

  #information(): string {
    const stations = this.#bikes.map((_, index) => ({
      stationCode: codeOf(index),
      station_id: 213_688_169 + index,
      name: `Station ${index}`,
      lat: 48.8 + (index % 100) / 1_000,
      lon: 2.3 + (index % 97) / 1_000,
      capacity: 31,
    }));
    return JSON.stringify({ lastUpdatedOther: 1_760_778_600, ttl: 3600, data: { stations } });
  }
}

function codeOf(index: number): string {
  return String((1 + (index % 20)) * 1000 + Math.floor(index / 20) + 1);
}

function areaOf(index: number): string {
  return `750${String(1 + (index % 20)).padStart(2, "0")}`;
}
