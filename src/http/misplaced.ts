/** Which stations of the live view contradict their area by their position: looked at again when stations come or go. */
import type { LiveView } from "../domain/live-view.ts";
import { misplacedStations, type PlacedStation } from "../domain/misplaced.ts";
import type { Clock, Metrics } from "../ports.ts";

/** Stations come and go for minutes at a start; positions change a few times a year. */
const LEAST_MS = 60_000;
const MOST_MS = 600_000;
const NONE: ReadonlySet<string> = new Set();

export class Misplaced {
  readonly #view: LiveView;
  readonly #clock: Pick<Clock, "now">;
  readonly #metrics: Metrics;
  #bySystem = new Map<string, ReadonlySet<string>>();
  #atMs = -Infinity;
  #stations = -1;

  constructor(view: LiveView, clock: Pick<Clock, "now">, metrics: Metrics) {
    this.#view = view;
    this.#clock = clock;
    this.#metrics = metrics;
  }

  /** Keys of the misplaced stations of a system. */
  of(systemId: string): ReadonlySet<string> {
    const nowMs = this.#clock.now();
    const ageMs = nowMs - this.#atMs;
    const changed = this.#stations !== this.#view.stationCount;
    if (ageMs > MOST_MS || (changed && ageMs > LEAST_MS)) this.#look(nowMs);
    return this.#bySystem.get(systemId) ?? NONE;
  }

  #look(nowMs: number): void {
    this.#atMs = nowMs;
    this.#stations = this.#view.stationCount;
    const placed = new Map<string, PlacedStation[]>();
    for (const { place } of this.#view.stations()) {
      const { key, systemId, area, areaRule, lat, lon } = place;
      if (lat === null || lon === null || areaRule === "system" || areaRule === "unknown") continue;
      const stations = placed.get(systemId) ?? [];
      if (stations.length === 0) placed.set(systemId, stations);
      stations.push({ key, area, lat, lon });
    }
    for (const system of this.#bySystem.keys())
      if (!placed.has(system)) this.#metrics.forget("velostream_stations_misplaced", { system });
    this.#bySystem = new Map();
    for (const [system, stations] of placed) {
      const misplaced = misplacedStations(stations);
      this.#bySystem.set(system, misplaced);
      this.#metrics.set("velostream_stations_misplaced", { system }, misplaced.size);
    }
  }
}
