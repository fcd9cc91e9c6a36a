/**
 * The map's ground, on a canvas of its own under MapLibre's: a graticule and the areas' outlines. It is drawn when the
 * camera or an area moves. Stations change much more often, and what lies under them would be most of drawing them.
 *
 *   MapLibre has drawn: camera elsewhere? ──▶ draw, in the same frame, so that ground and stations never part
 *   areas, colours, choice, base map ───────▶ draw
 */
import { MercatorCoordinate, type Map as MapLibreMap } from "maplibre-gl";
import type { AreaShape, Point } from "./area-cells.ts";
import { graticule } from "./graticule.ts";

/** Which colour an area has: an index into `areaShares`; null: its share is not known. */
export type ShareClassOf = (area: string) => number | null;

/** Colours as the style sheet gives them. */
export interface GroundColours {
  readonly graticule: string;
  readonly areaFill: string;
  readonly areaLine: string;
  /** From empty to full. */
  readonly areaShares: readonly string[];
  readonly selected: string;
}

/** Where on the canvas a place is, in its pixels: Mercator, straight up. */
interface Camera {
  readonly width: number;
  readonly height: number;
  readonly ratio: number;
  /** Of the whole world at this zoom. */
  readonly worldSize: number;
  /** Of the upper left corner, from the world's. */
  readonly left: number;
  readonly top: number;
}

interface DrawnShape {
  readonly key: string;
  /** In pixels of `PATH_WORLD`, from `x`, `y`: browsers keep paths in single precision. */
  readonly path: Path2D;
  readonly border: Path2D;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** MapLibre's world is this wide at zoom 0. */
const WORLD = 512;
const PATH_WORLD = WORLD * 2 ** 16;

export class Ground {
  readonly #map: MapLibreMap;
  readonly #canvas = document.createElement("canvas");
  readonly #context = this.#canvas.getContext("2d");
  #shapes: readonly DrawnShape[] = [];
  #colours: GroundColours;
  #shareClassOf: ShareClassOf = () => null;
  #selected: string | null = null;
  /** A base map covers the areas. */
  #covered = false;
  #drawn: Camera | null = null;

  /** Puts itself under everything in the map's element. */
  constructor(map: MapLibreMap, colours: GroundColours) {
    this.#map = map;
    this.#colours = colours;
    this.#canvas.className = "ground";
    this.#canvas.setAttribute("aria-hidden", "true");
    map.getContainer().prepend(this.#canvas);
    map.on("render", () => {
      const camera = this.#camera();
      if (!sameCamera(camera, this.#drawn)) this.#draw(camera);
    });
  }

  colour(colours: GroundColours): void {
    this.#colours = colours;
    this.#draw();
  }

  show(shapes: readonly AreaShape[]): void {
    this.#shapes = shapes.filter(({ cells }) => cells.length > 0).map(drawnShape);
    this.#draw();
  }

  /** Colours the areas by their shares. */
  shade(shareClassOf: ShareClassOf): void {
    this.#shareClassOf = shareClassOf;
    this.#draw();
  }

  select(area: string | null): void {
    if (area === this.#selected) return;
    this.#selected = area;
    this.#draw();
  }

  cover(covered: boolean): void {
    this.#covered = covered;
    this.#draw();
  }

  /** The area at a place on the map, in pixels of the page. */
  areaAt(x: number, y: number): string | null {
    const context = this.#context;
    if (context === null) return null;
    const camera = this.#camera();
    const hit = this.#shapes.findLast((shape) => {
      place(context, camera, shape);
      return context.isPointInPath(shape.path, x * camera.ratio, y * camera.ratio);
    });
    return hit?.key ?? null;
  }

  #camera(): Camera {
    const { clientWidth, clientHeight } = this.#map.getContainer();
    const ratio = this.#map.getPixelRatio();
    const worldSize = WORLD * 2 ** this.#map.getZoom() * ratio;
    const centre = MercatorCoordinate.fromLngLat(this.#map.getCenter());
    const width = Math.round(clientWidth * ratio);
    const height = Math.round(clientHeight * ratio);
    const left = centre.x * worldSize - width / 2;
    const top = centre.y * worldSize - height / 2;
    return { width, height, ratio, worldSize, left, top };
  }

  #draw(camera = this.#camera()): void {
    const context = this.#context;
    if (context === null) return;
    this.#drawn = camera;
    const { width, height } = camera;
    if (this.#canvas.width !== width) this.#canvas.width = width;
    if (this.#canvas.height !== height) this.#canvas.height = height;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, width, height);
    this.#drawGraticule(context, camera);
    if (this.#covered) return;
    context.lineJoin = "round";
    for (const shape of this.#shapes)
      if (shape.key !== this.#selected) this.#drawShape(context, camera, shape, false);
    for (const shape of this.#shapes)
      if (shape.key === this.#selected) this.#drawShape(context, camera, shape, true);
  }

  #drawGraticule(context: CanvasRenderingContext2D, { width, height, ...camera }: Camera): void {
    const bounds = this.#map.getBounds();
    const { meridians, parallels } = graticule({
      west: bounds.getWest(),
      south: bounds.getSouth(),
      east: bounds.getEast(),
      north: bounds.getNorth(),
    });
    context.beginPath();
    for (const lng of meridians) {
      const x = MercatorCoordinate.fromLngLat({ lng, lat: 0 }).x * camera.worldSize - camera.left;
      context.moveTo(x, 0);
      context.lineTo(x, height);
    }
    for (const lat of parallels) {
      const y = MercatorCoordinate.fromLngLat({ lng: 0, lat }).y * camera.worldSize - camera.top;
      context.moveTo(0, y);
      context.lineTo(width, y);
    }
    context.lineWidth = camera.ratio;
    context.strokeStyle = this.#colours.graticule;
    context.stroke();
  }

  #drawShape(context: CanvasRenderingContext2D, camera: Camera, shape: DrawnShape, selected: boolean): void {
    const scale = place(context, camera, shape);
    if (scale === null) return;
    const shareClass = this.#shareClassOf(shape.key);
    context.fillStyle =
      (shareClass === null ? undefined : this.#colours.areaShares[shareClass]) ?? this.#colours.areaFill;
    context.fill(shape.path);
    context.lineWidth = ((selected ? 3 : 1) * camera.ratio) / scale;
    context.strokeStyle = selected ? this.#colours.selected : this.#colours.areaLine;
    context.stroke(shape.border);
  }
}

function drawnShape({ key, cells, borders }: AreaShape): DrawnShape {
  const spot = ([lng, lat]: Point): MercatorCoordinate => MercatorCoordinate.fromLngLat({ lng, lat });
  const rings = cells.map((cell) => cell.map(spot));
  let [x, y, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const point of rings.flat()) {
    [x, y] = [Math.min(x, point.x), Math.min(y, point.y)];
    [right, bottom] = [Math.max(right, point.x), Math.max(bottom, point.y)];
  }
  const onPath = (point: MercatorCoordinate): [number, number] => [
    (point.x - x) * PATH_WORLD,
    (point.y - y) * PATH_WORLD,
  ];
  const path = new Path2D();
  for (const ring of rings) {
    for (const [index, point] of ring.entries()) {
      if (index === 0) path.moveTo(...onPath(point));
      else path.lineTo(...onPath(point));
    }
    path.closePath();
  }
  const border = new Path2D();
  for (const [from, to] of borders) {
    border.moveTo(...onPath(spot(from)));
    border.lineTo(...onPath(spot(to)));
  }
  return { key, path, border, x, y, width: right - x, height: bottom - y };
}

/** Lets `context` draw `shape` where it belongs; how much larger than its path, or null when it is out of sight. */
function place(context: CanvasRenderingContext2D, camera: Camera, shape: DrawnShape): number | null {
  const { worldSize, left, top } = camera;
  const x = shape.x * worldSize - left;
  const y = shape.y * worldSize - top;
  const scale = worldSize / PATH_WORLD;
  context.setTransform(scale, 0, 0, scale, x, y);
  const inSight =
    x < camera.width &&
    y < camera.height &&
    x + shape.width * worldSize > 0 &&
    y + shape.height * worldSize > 0;
  return inSight ? scale : null;
}

function sameCamera(a: Camera, b: Camera | null): boolean {
  return (
    b !== null &&
    a.width === b.width &&
    a.height === b.height &&
    a.ratio === b.ratio &&
    a.worldSize === b.worldSize &&
    a.left === b.left &&
    a.top === b.top
  );
}
