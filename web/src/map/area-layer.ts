/** Outlines and names of the areas, made anew only when stations come, go or move. */
import type { Feature, FeatureCollection } from "geojson";
import type { GeoJSONSource } from "maplibre-gl";
import type { Station } from "../../../src/http/api-types.ts";
import type { Change } from "../live/live-state.ts";
import type { LiveStore } from "../live/live-store.ts";
import { outline, type Place } from "./area-shapes.ts";
import type { AreaShape, Ground } from "./ground.ts";

interface Sources {
  /** Where the outlines are drawn over a base map. */
  readonly shapes: GeoJSONSource | null;
  readonly labels: GeoJSONSource | null;
}

/** Outlines wait a moment for more changes: at the start stations come in parts. */
const REST_MS = 300;

export class AreaLayer {
  readonly #store: LiveStore;
  readonly #sources: () => Sources;
  readonly #ground: Ground;
  #overBaseMap = false;
  #selected: string | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;
  /** The stations as they were when the outlines were drawn. */
  #drawn = new Map<string, Station>();
  #shapes: readonly AreaShape[] = [];

  constructor(store: LiveStore, ground: Ground, sources: () => Sources) {
    this.#store = store;
    this.#ground = ground;
    this.#sources = sources;
  }

  changed(change: Change): void {
    const places = change.stations === "all" || this.#placesChanged(change.stations);
    if (!places || this.#timer !== null) return;
    // The first picture does not wait.
    this.#timer = setTimeout(() => this.#redraw(), this.#drawn.size === 0 ? 0 : REST_MS);
  }

  select(area: string | null): void {
    if (area === this.#selected) return;
    this.#selected = area;
    this.#ground.select(area);
    if (this.#overBaseMap) this.#drawOverBaseMap();
  }

  /** Outlines lie on the ground, or over the base map while there is one. */
  useBaseMap(shown: boolean): void {
    this.#overBaseMap = shown;
    this.#ground.cover(shown);
    if (shown) this.#drawOverBaseMap();
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #placesChanged(keys: ReadonlySet<string>): boolean {
    for (const key of keys) {
      const before = this.#drawn.get(key);
      const after = this.#store.state.stations.get(key);
      if (before?.lat !== after?.lat || before?.lon !== after?.lon || before?.area_key !== after?.area_key)
        return true;
    }
    return false;
  }

  #redraw(): void {
    this.#timer = null;
    const { stations } = this.#store.state;
    const byArea = new Map<string, Place[]>();
    this.#drawn = new Map(stations);
    for (const { area_key: area, lat, lon } of stations.values()) {
      if (lat === null || lon === null) continue;
      const places = byArea.get(area);
      if (places === undefined) byArea.set(area, [{ lat, lon }]);
      else places.push({ lat, lon });
    }
    this.#shapes = [...byArea].flatMap(([key, places]) => {
      const ring = outline(places);
      return ring === null ? [] : [{ key, ring }];
    });
    this.#ground.show(this.#shapes);
    if (this.#overBaseMap) this.#drawOverBaseMap();
    void this.#sources().labels?.setData(this.#labels());
  }

  #drawOverBaseMap(): void {
    void this.#sources().shapes?.setData({
      type: "FeatureCollection",
      features: this.#shapes.map(({ key, ring }) => ({
        type: "Feature",
        properties: { key, selected: key === this.#selected },
        geometry: { type: "Polygon", coordinates: [ring.map(([lon, lat]) => [lon, lat])] },
      })),
    });
  }

  #labels(): FeatureCollection {
    const features: Feature[] = [];
    for (const { postcode: name, lat, lon, stations } of this.#store.state.areas.values()) {
      if (lat === null || lon === null) continue;
      features.push({
        type: "Feature",
        properties: { name, stations },
        geometry: { type: "Point", coordinates: [lon, lat] },
      });
    }
    return { type: "FeatureCollection", features };
  }
}
