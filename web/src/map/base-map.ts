/**
 * The operator's base map (`--tiles`), under the stations: shown only once a tile has really come, taken away when they
 * stop coming. With no network there is the plain ground, never a torn picture.
 *
 *   none ──tiles named──▶ trying ──first tile comes──▶ shown ──tiles fail──▶ none (tried again a minute later)
 */
import type { Map as MapLibreMap } from "maplibre-gl";
import type { SystemAnswer } from "../../../src/http/api-types.ts";

export type Tiles = NonNullable<SystemAnswer["tiles"]>;

const SOURCE = "base-map";
const LAYER = "base-map";
/** Longer than this, and the reader is better off without. */
const FIRST_TILE_MS = 5_000;
const TRY_AGAIN_MS = 60_000;
/** Tiles that fail in a row before the base map is taken away; a sea may lack some. */
const FAILURES = 4;

export class BaseMap {
  readonly #map: MapLibreMap;
  readonly #onShown: (attribution: string | null) => void;
  #tiles: Tiles | null = null;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;

  /** @param onShown is told whom to credit while the base map is shown, and null when it is not */
  constructor(map: MapLibreMap, onShown: (attribution: string | null) => void) {
    this.#map = map;
    this.#onShown = onShown;
    map.on("error", (event) => {
      if ((event as { sourceId?: string }).sourceId === SOURCE) this.#failed();
    });
    map.on("data", (event) => {
      if ((event as { sourceId?: string; tile?: unknown }).sourceId === SOURCE) this.#failures = 0;
    });
  }

  use(tiles: Tiles | null): void {
    if (tiles?.url === this.#tiles?.url) return;
    this.#hide();
    this.#tiles = tiles;
    if (tiles !== null) void this.#try(tiles);
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#tiles = null;
  }

  async #try(tiles: Tiles): Promise<void> {
    const reachable = await answers(tileAddress(tiles.url, this.#map.getZoom(), this.#map.getCenter()));
    if (this.#tiles !== tiles) return;
    if (reachable) this.#show(tiles);
    else this.#tryLater(tiles);
  }

  #tryLater(tiles: Tiles): void {
    this.#timer = setTimeout(() => void this.#try(tiles), TRY_AGAIN_MS);
  }

  #show(tiles: Tiles): void {
    this.#failures = 0;
    this.#map.addSource(SOURCE, { type: "raster", tiles: [tiles.url], tileSize: 256, maxzoom: 19 });
    this.#map.addLayer(
      {
        id: LAYER,
        type: "raster",
        source: SOURCE,
        paint: { "raster-saturation": -0.7, "raster-opacity": 0.75 },
      },
      "area-line",
    );
    this.#map.setLayoutProperty("area-line", "visibility", "visible");
    this.#onShown(tiles.attribution ?? new URL(tiles.url.replaceAll(/[{}]/g, "")).host);
  }

  #failed(): void {
    this.#failures += 1;
    const tiles = this.#tiles;
    if (this.#failures < FAILURES || tiles === null) return;
    this.#hide();
    this.#tryLater(tiles);
  }

  #hide(): void {
    if (this.#map.getLayer(LAYER) === undefined) return;
    this.#map.removeLayer(LAYER);
    this.#map.removeSource(SOURCE);
    this.#map.setLayoutProperty("area-line", "visibility", "none");
    this.#onShown(null);
  }
}

/** The address of the tile at `center`. */
export function tileAddress(
  template: string,
  zoom: number,
  center: { readonly lng: number; readonly lat: number },
): string {
  const z = Math.max(0, Math.min(19, Math.floor(zoom)));
  const count = 2 ** z;
  const latitude = (center.lat * Math.PI) / 180;
  const x = Math.floor(((center.lng + 180) / 360) * count);
  const y = Math.floor(((1 - Math.asinh(Math.tan(latitude)) / Math.PI) / 2) * count);
  return template.replace("{z}", String(z)).replace("{x}", String(x)).replace("{y}", String(y));
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(FIRST_TILE_MS), credentials: "omit" });
    return response.ok;
  } catch {
    return false;
  }
}
