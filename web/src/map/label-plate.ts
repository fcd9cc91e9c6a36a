/** A pale plate under names on the map, so that they are read over a crowd of stations. Painted here: there are no sprites. */
import type { Map as MapLibreMap } from "maplibre-gl";

export const PLATE = "plate";
const SIZE = 16;
/** Stretched to the name but for its edges. */
const EDGE = 4;

/** Gives the map the plate when its style asks for it. */
export function supplyPlate(map: MapLibreMap): void {
  map.setMissingStyleImageResolver((id) => {
    if (id !== PLATE || map.hasImage(PLATE)) return;
    // A distance field, so that the style colours it: all inside.
    const data = new Uint8Array(SIZE * SIZE * 4).fill(255);
    const stretch: [number, number][] = [[EDGE, SIZE - EDGE]];
    map.addImage(
      PLATE,
      { width: SIZE, height: SIZE, data },
      {
        sdf: true,
        stretchX: stretch,
        stretchY: stretch,
        content: [EDGE, EDGE, SIZE - EDGE, SIZE - EDGE],
        pixelRatio: 2,
      },
    );
  });
}
