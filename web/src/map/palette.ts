/** Reads the map's colours from the style sheet, for the measure shown. */
import type { Measure } from "../address/address.ts";
import { isDark, pageColour } from "../styles/colour.ts";
import { SHARE_CLASSES } from "./area-share.ts";
import type { Palette } from "./map-style.ts";

/** Numbers change their ink at this share: pale discs are the empty ones by day, the full ones by night. */
const INK_SWITCH = { light: 0.6, dark: 0.42 };

export function readPalette(measure: Measure): Palette {
  const step = (index: number): string => pageColour(`--ramp-${measure}-${index}`);
  return {
    ground: pageColour("--map-ground"),
    graticule: pageColour("--map-graticule"),
    areaFill: pageColour("--map-area"),
    areaLine: pageColour("--map-area-line"),
    areaShares: Array.from({ length: SHARE_CLASSES }, (_, index) => pageColour(`--area-share-${index}`)),
    areaText: pageColour("--map-text"),
    halo: pageColour("--map-halo"),
    closed: pageColour("--map-closed"),
    unknown: pageColour("--rest"),
    outline: pageColour("--map-outline"),
    selected: pageColour("--map-selected"),
    inkSwitch: isDark() ? INK_SWITCH.dark : INK_SWITCH.light,
    inkOnEmpty: pageColour("--map-ink-on-empty"),
    inkOnFull: pageColour("--map-ink-on-full"),
    ramp: [pageColour("--ramp-none"), step(1), step(2), step(3), step(4)],
  };
}
