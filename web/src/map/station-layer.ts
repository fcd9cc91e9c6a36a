/**
 * Keeps the map's stations in step with the live state: only what changed travels to the worker, at most one parcel is
 * under way, and what changes meanwhile waits for the next. The old picture stays until the new one is ready, so nothing
 * flickers. A parcel is made in the frame after that of the change, which belongs to the table.
 *
 *   changed() ─▶ waiting ──next frame──▶ parcel ──▶ worker ──drawn, rest──▶ next parcel
 */
import type { GeoJSONSource, RequestParameters } from "maplibre-gl";
import type { LiveStore } from "../live/live-store.ts";
import { StationPacker, STATIONS_PROTOCOL } from "./station-parcel.ts";

/** Between two parcels: several a second are seen as live; more only cost battery. */
const REST_MS = 150;
/** With very many stations the worker needs longer for each parcel than this, and is given longer rests. */
const MANY_STATIONS = 10_000;
const LONG_REST_MS = 1_000;

export type Bounds = [[west: number, south: number], [east: number, north: number]];

export class StationLayer {
  readonly #store: LiveStore;
  readonly #source: () => GeoJSONSource | null;
  readonly #packer = new StationPacker();
  #parcel = "";
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

  /** What MapLibre asks the worker for: the parcel, if `url` is the stations'. */
  request(url: string): RequestParameters | undefined {
    return url.startsWith(`${STATIONS_PROTOCOL}:`) ? { url, body: this.#parcel } : undefined;
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
    const { stations } = this.#store.state;
    const waiting = this.#waiting;
    this.#waiting = new Set();
    const parcel = waiting === "all" ? this.#packer.packAll(stations) : this.#packer.pack(waiting, stations);
    if (parcel !== null) {
      this.#parcel = parcel;
      await source.setData(`${STATIONS_PROTOCOL}://changed`);
    }
    const restMs = this.#packer.size > MANY_STATIONS ? LONG_REST_MS : REST_MS;
    await new Promise((resolve) => setTimeout(resolve, restMs));
    this.#busy = false;
    if (this.#hasWaiting()) this.#flushInNextFrame();
  }

  #hasWaiting(): boolean {
    return this.#waiting === "all" || this.#waiting.size > 0;
  }
}
