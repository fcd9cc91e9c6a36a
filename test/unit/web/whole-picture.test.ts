import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import type { Map as MapLibreMap } from "maplibre-gl";
import { drawWhole } from "../../../web/src/map/whole-picture.ts";

type Listener = (event: object) => void;

/** As much of a MapLibre map as the drawing of a source touches. */
class FakeMap {
  readonly drawn: string[] = [];
  loaded = false;
  moving = false;
  readonly #ofMap = new Map<string, Listener[]>();
  readonly #ofSource: Listener[] = [];

  triggerRepaint(): void {
    this.drawn.push("next frame");
  }

  redraw(): void {
    this.drawn.push("now");
    this.#tell("render", {});
  }

  /** A frame that was due is drawn. */
  frame(): void {
    this.#tell("render", {});
  }

  /** A piece of the source comes; the source's listeners hear of it, then MapLibre, then the map's. */
  comes(event: object = {}): void {
    for (const listener of this.#ofSource) listener(event);
    this.triggerRepaint();
    this.#tell("data", event);
  }

  on(name: string, listener: Listener): void {
    this.#ofMap.set(name, [...(this.#ofMap.get(name) ?? []), listener]);
  }

  getSource(): { on: (name: string, listener: Listener) => void } {
    return { on: (_name, listener) => void this.#ofSource.push(listener) };
  }

  isSourceLoaded(): boolean {
    return this.loaded;
  }

  isMoving(): boolean {
    return this.moving;
  }

  getCanvas(): { getContext: () => null } {
    return { getContext: () => null };
  }

  #tell(name: string, event: object): void {
    for (const listener of this.#ofMap.get(name) ?? []) listener(event);
  }
}

describe("a source that is drawn whole", () => {
  let map: FakeMap;
  let planned: (() => void)[];

  beforeEach(() => {
    mock.timers.enable({ apis: ["setTimeout"] });
    map = new FakeMap();
    planned = [];
    drawWhole(map as unknown as MapLibreMap, "stations", {
      inNextPause: (run) => planned.push(run),
      takeNextFrame: () => map.drawn.push("frame taken"),
    });
  });
  afterEach(() => {
    mock.timers.reset();
  });

  /** A frame, and the pause after it. */
  function pass(): void {
    for (const run of planned.splice(0)) run();
  }

  it("is drawn once, when the last tile has come", () => {
    map.comes({ sourceDataType: "content" });
    map.comes();
    pass();
    assert.deepEqual(map.drawn, []);
    map.loaded = true;
    map.comes();
    pass();
    assert.deepEqual(map.drawn, ["now", "frame taken"]);
  });

  it("is not drawn for word that it will change", () => {
    map.loaded = true;
    map.comes({ sourceDataType: "metadata" });
    pass();
    assert.deepEqual(map.drawn, []);
  });

  it("is drawn by the frame that something else is due in", () => {
    map.loaded = true;
    map.comes();
    map.triggerRepaint();
    pass();
    assert.deepEqual(map.drawn, ["next frame"]);
    map.frame();
    map.comes();
    pass();
    assert.deepEqual(map.drawn, ["next frame", "now", "frame taken"]);
  });

  it("is drawn tile by tile while the camera moves", () => {
    map.moving = true;
    map.comes();
    assert.deepEqual(map.drawn, ["next frame"]);
  });

  it("is drawn as far as it has come when a tile is lost", () => {
    map.comes();
    mock.timers.tick(1_000);
    pass();
    assert.deepEqual(map.drawn, ["now", "frame taken"]);
  });
});
