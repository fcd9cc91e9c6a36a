/** Reads the map's colours from the style sheet, for the measure shown. */
import type { Measure } from "../address/address.ts";
import type { Palette } from "./map-style.ts";

export function readPalette(element: HTMLElement, measure: Measure): Palette {
  const style = getComputedStyle(element);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const step = (index: number): string => colour(`--ramp-${measure}-${index}`);
  return {
    ground: colour("--map-ground"),
    graticule: colour("--map-graticule"),
    areaFill: colour("--map-area"),
    areaLine: colour("--map-area-line"),
    areaText: colour("--map-text"),
    halo: colour("--map-halo"),
    closed: colour("--map-closed"),
    unknown: colour("--rest"),
    outline: colour("--map-outline"),
    selected: colour("--map-selected"),
    inkSwitch: Number(colour("--map-ink-switch")),
    inkOnEmpty: colour("--map-ink-on-empty"),
    inkOnFull: colour("--map-ink-on-full"),
    ramp: [colour("--ramp-none"), step(1), step(2), step(3), step(4)],
  };
}
