/** What of the map is under the pointer. */
import type { Point } from "geojson";
import type { Map as MapLibreMap, MapGeoJSONFeature, MapMouseEvent } from "maplibre-gl";

/** How near a click must be, in pixels; fingers are broad. */
const REACH = 9;

/** Stations and clusters within reach, the nearest first. */
export function nearestStations(map: MapLibreMap, { point: { x, y } }: MapMouseEvent): MapGeoJSONFeature[] {
  if (map.getLayer("stations") === undefined) return [];
  const box: [[number, number], [number, number]] = [
    [x - REACH, y - REACH],
    [x + REACH, y + REACH],
  ];
  const found = map.queryRenderedFeatures(box, { layers: ["stations", "clusters"] });
  if (found.length < 2) return found;
  const distance = (feature: MapGeoJSONFeature): number => {
    const [lon, lat] = (feature.geometry as Point).coordinates as [number, number];
    const at = map.project([lon, lat]);
    return Math.hypot(at.x - x, at.y - y);
  };
  return found.sort((a, b) => distance(a) - distance(b));
}
