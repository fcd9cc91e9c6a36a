/**
 * The map: draws stations, areas and a graticule, follows data and address, and says what was clicked.
 *
 *   LiveStore ──changes──▶ StationLayer, AreaLayer ──parcels──▶ MapLibre's worker ──▶ screen
 *   Navigation ──address──▶ follow()                    click, drag ──▶ onStation, onArea, onView
 */
import type { Point } from "geojson";
import {
  Map as MapLibreMap,
  ScaleControl,
  setWorkerUrl,
  type AllPaintProperties,
  type GeoJSONSource,
  type MapMouseEvent,
} from "maplibre-gl";
import "maplibre-gl/dist/maplibre-gl.css";
import { sameView, type Address, type MapView } from "../address/address.ts";
import { inNextPause, takeNextFrame } from "../live/frame-share.ts";
import type { LiveStore } from "../live/live-store.ts";
import type { Words } from "../text/format.ts";
import { AreaLayer } from "./area-layer.ts";
import { BaseMap } from "./base-map.ts";
import { Ground } from "./ground.ts";
import { CLUSTERS_TO_ZOOM, layers, mapStyle, SOURCES } from "./map-style.ts";
import { supplyPlate } from "./label-plate.ts";
// oxlint-disable-next-line import/default -- with ?url, Vite makes the file's address its default export
import workerUrl from "./map-worker.ts?worker&url";
import { nearestStations } from "./nearest-stations.ts";
import { readPalette } from "./palette.ts";
import { StationLayer } from "./station-layer.ts";
import { systemNames, type SystemNames } from "./system-names.ts";
import { drawNoSky } from "./no-sky.ts";
import { Tooltip } from "./tooltip.ts";
import { drawWhole } from "./whole-picture.ts";

// A file of our own origin, so that the policy needs no blob:.
setWorkerUrl(workerUrl);

export interface StationMapOptions {
  readonly element: HTMLElement;
  readonly store: LiveStore;
  readonly address: Address;
  readonly words: Words;
  readonly onStation: (key: string) => void;
  readonly onArea: (key: string) => void;
  readonly onView: (view: MapView) => void;
  /** Whom to credit for the base map while there is one. */
  readonly onBaseMap: (attribution: string | null) => void;
}

/** Room for what floats on the map. */
const PADDING = { top: 64, bottom: 44, left: 44, right: 52 };
const STATION_ZOOM = 14.5;

export class StationMap {
  /** Settles when the first frame is drawn; rejects when the browser cannot. */
  readonly ready: Promise<void>;
  readonly #map: MapLibreMap;
  readonly #options: StationMapOptions;
  readonly #stations: StationLayer;
  readonly #areas: AreaLayer;
  readonly #ground: Ground;
  readonly #tooltip: Tooltip;
  readonly #baseMap: BaseMap;
  readonly #unsubscribe: () => void;
  #address: Address;
  #systems: SystemNames | null;
  /** The view that the address says and the camera shows. */
  #view: MapView | null;
  /** True once the camera has been put somewhere. */
  #placed = false;

  constructor(options: StationMapOptions) {
    const { element, store, address, words } = options;
    this.#options = options;
    this.#address = address;
    this.#systems = systemNames(store.state.systems);
    const view = address.view;
    this.#view = view;
    const palette = readPalette(address.measure);
    this.#map = new MapLibreMap({
      container: element,
      style: mapStyle(palette, address.measure, this.#systems),
      center: view === null ? [2.35, 48.86] : [view.lon, view.lat],
      zoom: view === null ? 3 : view.zoom,
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      maxPitch: 0,
      renderWorldCopies: false,
      // Labels that fade out and in at every update would flicker.
      fadeDuration: 0,
      transformRequest: (url) => this.#stations.request(url),
    });
    drawNoSky(this.#map);
    supplyPlate(this.#map);
    this.#ground = new Ground(this.#map, palette);
    this.#map.touchZoomRotate.disableRotation();
    this.#map.keyboard.disableRotation();
    this.#map.addControl(new ScaleControl({ maxWidth: 90 }), "bottom-right");
    this.#tooltip = new Tooltip(element, words);
    this.#baseMap = new BaseMap(this.#map, (attribution) => {
      this.#areas.useBaseMap(attribution !== null);
      options.onBaseMap(attribution);
    });
    this.#stations = new StationLayer(store, () => this.#source(SOURCES.stations));
    this.#areas = new AreaLayer(store, this.#ground, address.measure, () => ({
      shapes: this.#source(SOURCES.areas),
      labels: this.#source(SOURCES.labels),
    }));
    this.ready = new Promise((resolve, reject) => {
      this.#map.once("load", () => {
        this.#start();
        resolve();
      });
      this.#map.once("error", ({ error }) => {
        if (!this.#map.loaded()) reject(error);
      });
    });
    this.speak(words);
    this.#unsubscribe = store.subscribe((change) => {
      this.#stations.changed(change.stations);
      this.#areas.changed(change);
      this.#place();
      if (change.systems) {
        this.#useBaseMap();
        this.#nameSystems();
      }
    });
    this.#listen();
  }

  /** Shows what the address says. */
  follow(address: Address): void {
    const before = this.#address;
    this.#address = address;
    if (address.measure !== before.measure) {
      this.repaint();
      this.#areas.show(address.measure);
    }
    if (address.station !== before.station || address.area !== before.area) this.#select();
    const opened = address.station !== before.station || address.area !== before.area;
    if (address.view !== null && !sameView(address.view, this.#view)) {
      this.#map.jumpTo({ center: [address.view.lon, address.view.lat], zoom: address.view.zoom });
    } else if (opened && (address.station !== null || address.area !== null)) {
      this.#show();
    } else if (address.view === null && before.view !== null) {
      this.fitAll();
    }
    this.#view = address.view;
  }

  /** Colours anew: another measure, another appearance. */
  repaint(): void {
    if (!this.#map.isStyleLoaded() && this.#map.getLayer("stations") === undefined) return;
    const { measure } = this.#address;
    const palette = readPalette(measure);
    this.#ground.colour(palette);
    for (const layer of layers(palette, measure, this.#systems)) {
      for (const [name, value] of Object.entries(layer.paint ?? {})) {
        const property = name as keyof AllPaintProperties;
        this.#map.setPaintProperty(layer.id, property, value as never, { validate: false });
      }
      const text = (layer.layout as { "text-field"?: unknown } | undefined)?.["text-field"];
      if (text !== undefined)
        this.#map.setLayoutProperty(layer.id, "text-field", text as never, { validate: false });
    }
  }

  speak(words: Words): void {
    this.#tooltip.speak(words);
    const canvas = this.#map.getCanvas();
    canvas.setAttribute("aria-label", words.text.map);
    canvas.setAttribute("role", "application");
  }

  zoomBy(steps: number): void {
    this.#map.easeTo(
      { zoom: this.#map.getZoom() + steps, duration: 250 },
      { originalEvent: new Event("click") },
    );
  }

  fitAll(): void {
    const bounds = this.#stations.bounds();
    if (bounds !== null)
      this.#map.fitBounds(bounds, { padding: PADDING, duration: 400, maxZoom: STATION_ZOOM });
  }

  remove(): void {
    this.#unsubscribe();
    this.#stations.stop();
    this.#areas.stop();
    this.#baseMap.stop();
    this.#map.remove();
  }

  #source(id: string): GeoJSONSource | null {
    return this.#map.getSource<GeoJSONSource>(id) ?? null;
  }

  #start(): void {
    drawWhole(this.#map, SOURCES.stations, { inNextPause, takeNextFrame });
    this.repaint();
    this.#stations.changed("all");
    this.#areas.changed({ stations: "all", areas: "all", systems: true });
    this.#select();
    this.#place();
    this.#useBaseMap();
  }

  /** Clusters are named anew when a system comes, goes or grows; that draws the whole map anew. */
  #nameSystems(): void {
    const systems = systemNames(this.#options.store.state.systems);
    if (JSON.stringify(systems) === JSON.stringify(this.#systems)) return;
    this.#systems = systems;
    this.repaint();
  }

  #useBaseMap(): void {
    if (this.#map.getLayer("area-line") !== undefined)
      this.#baseMap.use(this.#options.store.server?.tiles ?? null);
  }

  /** Puts the camera where it belongs, once there is something to look at. */
  #place(): void {
    if (this.#placed || !this.#options.store.state.loaded) return;
    this.#placed = true;
    if (this.#view !== null) return;
    const bounds = this.#stations.bounds();
    if (bounds !== null)
      this.#map.fitBounds(bounds, { padding: PADDING, duration: 0, maxZoom: STATION_ZOOM });
    if (this.#address.area !== null || this.#address.station !== null) this.#show(0);
  }

  /** Brings the open area or station into sight. */
  #show(duration = 500): void {
    const { state } = this.#options.store;
    const { station: stationKey, area: areaKey } = this.#address;
    const station = stationKey === null ? undefined : state.stations.get(stationKey);
    if (station !== undefined && station.lat !== null && station.lon !== null) {
      const zoom = Math.max(this.#map.getZoom(), STATION_ZOOM);
      this.#map.easeTo({ center: [station.lon, station.lat], zoom, duration });
      return;
    }
    const bounds = areaKey === null ? null : this.#stations.bounds(areaKey);
    if (bounds !== null) this.#map.fitBounds(bounds, { padding: PADDING, duration, maxZoom: STATION_ZOOM });
  }

  #select(): void {
    const { station, area } = this.#address;
    const open = station === null ? undefined : this.#options.store.state.stations.get(station);
    this.#areas.select(area ?? open?.area_key ?? null);
    if (this.#map.getLayer("selected-station") !== undefined) {
      this.#map.setFilter("selected-station", ["==", ["get", "key"], station ?? ""]);
    }
  }

  #listen(): void {
    const map = this.#map;
    map.on("click", (event) => void this.#click(event));
    map.on("mousemove", (event) => this.#hover(event));
    map.on("mouseout", () => this.#tooltip.hide());
    map.on("moveend", (event) => {
      // Only what the reader did goes into the address; the page's own moves follow from it.
      if ((event as { originalEvent?: unknown }).originalEvent === undefined) return;
      const { lng, lat } = map.getCenter();
      this.#view = { zoom: map.getZoom(), lat, lon: lng };
      this.#options.onView(this.#view);
    });
  }

  async #click(event: MapMouseEvent): Promise<void> {
    const [nearest] = nearestStations(this.#map, event);
    if (nearest === undefined) {
      const area = this.#ground.areaAt(event.point.x, event.point.y);
      if (area !== null) this.#options.onArea(area);
      return;
    }
    const { key, cluster_id: cluster } = nearest.properties as { key?: string; cluster_id?: number };
    if (cluster === undefined) return this.#options.onStation(String(key));
    const [lng, lat] = (nearest.geometry as Point).coordinates as [number, number];
    const zoom = await this.#source(SOURCES.stations)?.getClusterExpansionZoom(cluster);
    this.#map.easeTo(
      { center: [lng, lat], zoom: Math.min(zoom ?? CLUSTERS_TO_ZOOM + 1, CLUSTERS_TO_ZOOM + 1) },
      { originalEvent: event.originalEvent },
    );
  }

  #hover(event: MapMouseEvent): void {
    const [nearest] = nearestStations(this.#map, event);
    this.#map.getCanvas().style.cursor = nearest === undefined ? "" : "pointer";
    const key = (nearest?.properties as { key?: string } | undefined)?.key;
    const station = key === undefined ? undefined : this.#options.store.state.stations.get(key);
    if (station !== undefined) this.#tooltip.show(station, event.point);
    else this.#tooltip.hide();
  }
}
