/** Lines of latitude and longitude at a spacing that suits the zoom: a sense of scale where there is no base map. */
import type { FeatureCollection, MultiLineString } from "geojson";

const SPACINGS = [30, 15, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002] as const;
/** About this many lines across the view. */
const LINES = 6;

export interface Bounds {
  readonly west: number;
  readonly south: number;
  readonly east: number;
  readonly north: number;
}

export function graticuleSpacing(bounds: Bounds): number {
  const wanted = Math.max(bounds.east - bounds.west, 1e-6) / LINES;
  return SPACINGS.find((spacing) => spacing <= wanted) ?? SPACINGS[SPACINGS.length - 1] ?? 0.002;
}

export function graticule(bounds: Bounds): FeatureCollection<MultiLineString> {
  const spacing = graticuleSpacing(bounds);
  const south = Math.max(bounds.south, -85);
  const north = Math.min(bounds.north, 85);
  const lines: number[][][] = [];
  for (let index = Math.floor(bounds.west / spacing); index * spacing <= bounds.east; index += 1) {
    lines.push([
      [index * spacing, south],
      [index * spacing, north],
    ]);
  }
  for (let index = Math.floor(south / spacing); index * spacing <= north; index += 1) {
    lines.push([
      [bounds.west, index * spacing],
      [bounds.east, index * spacing],
    ]);
  }
  return {
    type: "FeatureCollection",
    features: [
      { type: "Feature", properties: {}, geometry: { type: "MultiLineString", coordinates: lines } },
    ],
  };
}
