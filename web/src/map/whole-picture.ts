/**
 * Draws what changed in a source once, when all of its tiles are new: MapLibre would draw the map again for each tile that
 * comes, and show half an update. It is drawn in the pause after a frame, so that a slow GPU has the time until the next;
 * Chromium without a GPU makes the page wait for the picture.
 *
 *   tile comes ─▶ tile comes ─▶ last one comes ──next frame, then──▶ draw ──GPU──▶ the frame after shows it
 *   camera, colours, anything else ──▶ as MapLibre does, in the next frame
 */
import type { GeoJSONSource, Map as MapLibreMap } from "maplibre-gl";

/** Drawn as far as it has come: a tile may be lost. */
const LONGEST_WAIT_MS = 1_000;

/** The page's frames. */
export interface Frames {
  /** Runs in the pause after the next one. */
  readonly inNextPause: (run: () => void) => void;
  /** The next one is left to the caller. */
  readonly takeNextFrame: () => void;
}

/** From now on, what changes in the source `id` of `map` is drawn whole. */
export function drawWhole(map: MapLibreMap, id: string, frames: Frames): void {
  const context = map.getCanvas().getContext("webgl2");
  /** MapLibre is being told of a tile of the source. */
  let telling = false;
  /** MapLibre will draw in the next frame anyway. */
  let due = false;
  let soon = false;
  let waiting: ReturnType<typeof setTimeout> | null = null;

  const drawInNextFrame = map.triggerRepaint.bind(map);
  map.triggerRepaint = () => {
    if (telling && !map.isMoving()) return;
    due = true;
    drawInNextFrame();
  };
  const draw = (): void => {
    soon = false;
    // With a frame due, its own tasks wait for it, and it draws this as well.
    if (due) return;
    map.redraw();
    context?.flush();
    frames.takeNextFrame();
  };
  const drawSoon = (): void => {
    if (soon) return;
    soon = true;
    frames.inNextPause(draw);
  };
  map.on("render", () => {
    due = false;
  });
  // Heard before the map hears of it, and after.
  map.getSource<GeoJSONSource>(id)?.on("data", () => {
    telling = true;
  });
  map.on("data", (event) => {
    if (!telling) return;
    telling = false;
    // Said before the tiles are known to be old.
    if ("sourceDataType" in event && event.sourceDataType === "metadata") return;
    if (waiting !== null) clearTimeout(waiting);
    waiting = null;
    if (map.isSourceLoaded(id)) drawSoon();
    else waiting = setTimeout(drawSoon, LONGEST_WAIT_MS);
  });
}
