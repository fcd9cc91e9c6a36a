/**
 * The areas: their cells, made anew only when stations come, go or move; their colours and numbers, when their counts change.
 */
import type { Feature, FeatureCollection } from "geojson";
import type { GeoJSONSource } from "maplibre-gl";
import type { Station } from "../../../src/http/api-types.ts";
import type { Change } from "../live/live-state.ts";
import type { LiveStore } from "../live/live-store.ts";
import type { Measure } from "../address/address.ts";
import { areaShapes, type AreaShape, type Placed } from "./area-cells.ts";
import { countOf, shareClass } from "./area-share.ts";
import type { Ground } from "./ground.ts";

interface Sources {
  /** Where the outlines are drawn over a base map. */
  readonly shapes: GeoJSONSource | null;
  readonly labels: GeoJSONSource | null;
}

/** Cells wait a moment for more changes: at the start stations come in parts. */
const REST_MS = 300;
/** Numbers are for reading: once a second is as often as anybody can. */
const NUMBERS_MS = 1_000;

export class AreaLayer {
  readonly #store: LiveStore;
  readonly #sources: () => Sources;
  readonly #ground: Ground;
  #overBaseMap = false;
  #measure: Measure;
  /** What the ground shows, by area. */
  #classes = new Map<string, number | null>();
  #numbersTimer: ReturnType<typeof setTimeout> | null = null;
  #selected: string | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;
  /** The stations as they were when the outlines were drawn. */
  #drawn = new Map<string, Station>();
  #shapes: readonly AreaShape[] = [];

  constructor(store: LiveStore, ground: Ground, measure: Measure, sources: () => Sources) {
    this.#measure = measure;
    this.#store = store;
    this.#ground = ground;
    this.#sources = sources;
  }

  changed(change: Change): void {
    if (change.areas === "all" || change.areas.size > 0)
      this.#numbersTimer ??= setTimeout(() => this.#renumber(), this.#drawn.size === 0 ? 0 : NUMBERS_MS);
    const places = change.stations === "all" || this.#placesChanged(change.stations);
    if (!places || this.#timer !== null) return;
    // The first picture does not wait.
    this.#timer = setTimeout(() => this.#redraw(), this.#drawn.size === 0 ? 0 : REST_MS);
  }

  /** Shows another measure. */
  show(measure: Measure): void {
    this.#measure = measure;
    this.#renumber();
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
    if (this.#numbersTimer !== null) clearTimeout(this.#numbersTimer);
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
    this.#drawn = new Map(stations);
    const places: Placed[] = [];
    for (const { area_key: area, lat, lon } of stations.values())
      if (lat !== null && lon !== null) places.push({ area, lat, lon });
    this.#shapes = areaShapes(places);
    this.#ground.show(this.#shapes);
    if (this.#overBaseMap) this.#drawOverBaseMap();
    this.#renumber();
  }

  /** Colours and numbers as the counts are now; the ground is drawn anew only where a colour changes. */
  #renumber(): void {
    if (this.#numbersTimer !== null) clearTimeout(this.#numbersTimer);
    this.#numbersTimer = null;
    const { areas } = this.#store.state;
    const classes = new Map<string, number | null>();
    for (const [key, area] of areas) classes.set(key, shareClass(area, this.#measure));
    const isSame =
      classes.size === this.#classes.size &&
      [...classes].every(([key, one]) => this.#classes.get(key) === one);
    this.#classes = classes;
    if (!isSame) this.#ground.shade((area) => classes.get(area) ?? null);
    void this.#sources().labels?.setData(this.#labels());
  }

  #drawOverBaseMap(): void {
    void this.#sources().shapes?.setData({
      type: "FeatureCollection",
      features: this.#shapes.map(({ key, borders }) => ({
        type: "Feature",
        properties: { key, selected: key === this.#selected },
        geometry: {
          type: "MultiLineString",
          coordinates: borders.map((ends) => ends.map(([lon, lat]) => [lon, lat])),
        },
      })),
    });
  }

  #labels(): FeatureCollection {
    const features: Feature[] = [];
    for (const area of this.#store.state.areas.values()) {
      const { postcode: name, lat, lon, stations } = area;
      if (lat === null || lon === null) continue;
      const count = countOf(area, this.#measure);
      features.push({
        type: "Feature",
        properties: { name, stations, count: count === null ? "–" : String(count) },
        geometry: { type: "Point", coordinates: [lon, lat] },
      });
    }
    return { type: "FeatureCollection", features };
  }
}
