/**
 * Keeps MapLibre from drawing a sky. It draws one over the whole canvas at every frame, transparent where a style has none
 * and out of sight unless the camera is tilted, which ours never is; its shader is the dearest of all, a third of the
 * picture on a weak GPU. There is no option for it.
 */
import type { Map as MapLibreMap } from "maplibre-gl";

export function drawNoSky(map: MapLibreMap): void {
  const leaveOut = (): void => {
    const { painter } = map;
    painter.drawFunctions = { ...painter.drawFunctions, sky: () => undefined };
  };
  leaveOut();
  // A restored context has a painter of its own.
  map.on("webglcontextrestored", leaveOut);
}
