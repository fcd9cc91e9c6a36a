/** Lines of latitude and longitude at a spacing that suits the zoom: a sense of scale where there is no base map. */

const SPACINGS = [30, 15, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002] as const;
/** About this many lines across the view. */
const LINES = 6;
/** Web Mercator ends here. */
const LAST_LATITUDE = 85;

export interface Bounds {
  readonly west: number;
  readonly south: number;
  readonly east: number;
  readonly north: number;
}

export interface Graticule {
  /** Longitudes. */
  readonly meridians: readonly number[];
  /** Latitudes. */
  readonly parallels: readonly number[];
}

export function graticuleSpacing(bounds: Bounds): number {
  const wanted = Math.max(bounds.east - bounds.west, 1e-6) / LINES;
  return SPACINGS.find((spacing) => spacing <= wanted) ?? SPACINGS[SPACINGS.length - 1] ?? 0.002;
}

/** The lines within `bounds`. */
export function graticule(bounds: Bounds): Graticule {
  const spacing = graticuleSpacing(bounds);
  return {
    meridians: multiples(spacing, Math.max(bounds.west, -180), Math.min(bounds.east, 180)),
    parallels: multiples(
      spacing,
      Math.max(bounds.south, -LAST_LATITUDE),
      Math.min(bounds.north, LAST_LATITUDE),
    ),
  };
}

function multiples(spacing: number, from: number, to: number): number[] {
  const first = Math.ceil(from / spacing);
  const count = Math.max(0, Math.floor(to / spacing) - first + 1);
  return Array.from({ length: count }, (_, index) => (first + index) * spacing);
}
