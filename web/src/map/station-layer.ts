/**
 * Keeps the map's stations in step with the live state by small diffs: only what changed travels to the worker, at most
 * one diff is under way, and what changes meanwhile waits for the next. The old picture stays until the new one is
 * ready, so nothing flickers. A diff is made in the frame after that of the change, which belongs to the table.
 *
 *   changed() ─▶ waiting ──next frame──▶ diff (STATIONS_PER_DIFF at most) ──▶ worker ──drawn, rest──▶ next diff
 */
import type { GeoJSONSource, GeoJSONSourceDiff } from "maplibre-gl";
import type { LiveStore } from "../live/live-store.ts";
import { stationFeature, type StationFeature, type StationProperties } from "./station-features.ts";

/** Making a diff and handing it over costs the main thread about 3 ms for a thousand stations. */
const STATIONS_PER_DIFF = 2_000;
/** Between two diffs: several a second are seen as live; more only cost battery. */
const REST_MS = 150;
/** With very many stations the worker needs longer for each diff than this, and is given longer rests. */
const MANY_STATIONS = 10_000;
const LONG_REST_MS = 1_000;

export type Bounds = [[west: number, south: number], [east: number, north: number]];

export class StationLayer {
  readonly #store: LiveStore;
  readonly #source: () => GeoJSONSource | null;
  /** What the worker holds. */
  #drawn = new Map<string, StationFeature>();
  #waiting: "all" | Set<string> = new Set();
  #busy = false;
  #frame = 0;
  #stopped = false;

  constructor(store: LiveStore, source: () => GeoJSONSource | null) {
    this.#store = store;
    this.#source = source;
  }

  changed(keys: "all" | ReadonlySet<string>): void {
    if (keys === "all") this.#waiting = "all";
    else if (this.#waiting !== "all") for (const key of keys) this.#waiting.add(key);
    if (this.#frame === 0 && !this.#busy) this.#flushInNextFrame();
  }

  stop(): void {
    this.#stopped = true;
    cancelAnimationFrame(this.#frame);
  }

  /** The box around all stations, or those of one area; null when none has a place. */
  bounds(areaKey?: string): Bounds | null {
    const box: Bounds = [
      [Infinity, Infinity],
      [-Infinity, -Infinity],
    ];
    for (const { lat, lon, area_key } of this.#store.state.stations.values()) {
      if (lat === null || lon === null || (areaKey !== undefined && area_key !== areaKey)) continue;
      box[0] = [Math.min(box[0][0], lon), Math.min(box[0][1], lat)];
      box[1] = [Math.max(box[1][0], lon), Math.max(box[1][1], lat)];
    }
    return Number.isFinite(box[0][0]) ? box : null;
  }

  #flushInNextFrame(): void {
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      void this.#flush();
    });
  }

  async #flush(): Promise<void> {
    const source = this.#source();
    if (this.#busy || this.#stopped || source === null || !this.#hasWaiting()) return;
    this.#busy = true;
    if (this.#waiting === "all") {
      this.#waiting = new Set();
      await this.#replace(source);
    } else await source.updateData(this.#diff(taken(this.#waiting, STATIONS_PER_DIFF)));
    const restMs = this.#drawn.size > MANY_STATIONS ? LONG_REST_MS : REST_MS;
    await new Promise((resolve) => setTimeout(resolve, restMs));
    this.#busy = false;
    if (this.#hasWaiting()) this.#flushInNextFrame();
  }

  #hasWaiting(): boolean {
    return this.#waiting === "all" || this.#waiting.size > 0;
  }

  async #replace(source: GeoJSONSource): Promise<void> {
    this.#drawn = new Map();
    for (const station of this.#store.state.stations.values()) {
      const feature = stationFeature(station);
      if (feature !== null) this.#drawn.set(station.key, feature);
    }
    await source.setData({ type: "FeatureCollection", features: [...this.#drawn.values()] });
  }

  #diff(keys: ReadonlySet<string>): GeoJSONSourceDiff {
    const diff = {
      add: [] as StationFeature[],
      remove: [] as string[],
      update: [] as NonNullable<GeoJSONSourceDiff["update"]>,
    };
    for (const key of keys) {
      const station = this.#store.state.stations.get(key);
      const before = this.#drawn.get(key);
      const after = station === undefined ? null : stationFeature(station);
      if (station === undefined || after === null) {
        if (this.#drawn.delete(key)) diff.remove.push(key);
        continue;
      }
      this.#drawn.set(key, after);
      if (before === undefined) {
        diff.add.push(after);
        continue;
      }
      const changed = changedProperties(before.properties, after.properties);
      const [wasLon, wasLat] = before.geometry.coordinates;
      const [lon, lat] = after.geometry.coordinates;
      const moved = wasLon !== lon || wasLat !== lat;
      if (changed.length === 0 && !moved) continue;
      diff.update.push({
        id: key,
        ...(moved ? { newGeometry: after.geometry } : {}),
        addOrUpdateProperties: changed,
      });
    }
    return diff;
  }
}

/** The first `most` keys, taken out of `waiting`. */
function taken(waiting: Set<string>, most: number): ReadonlySet<string> {
  const keys = new Set<string>();
  for (const key of waiting) {
    if (keys.size === most) break;
    keys.add(key);
    waiting.delete(key);
  }
  return keys;
}

function changedProperties(
  before: StationProperties,
  after: StationProperties,
): { key: string; value: string | number | null }[] {
  const changed: { key: string; value: string | number | null }[] = [];
  for (const key of Object.keys(after) as (keyof StationProperties)[]) {
    if (before[key] !== after[key]) changed.push({ key, value: after[key] });
  }
  return changed;
}
