/** The map's frame: what it shows, its legend, and the words for when it cannot be drawn. The map itself loads later. */
import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { MEASURES, type Measure } from "../address/address.ts";
import type { Theme } from "../address/preferences.ts";
import type { StationMap } from "../map/station-map.ts";
import { toArea, toStation } from "./link.tsx";
import { useAddress, useLive, usePage } from "./page-context.ts";

export function MapPane({ theme }: { readonly theme: Theme }): VNode {
  const { words, navigation } = usePage();
  const { text } = words;
  const { measure } = useAddress();
  const element = useRef<HTMLDivElement>(null);
  const { status, map, baseMap } = useStationMap(element, theme);
  return (
    <section class="map-pane" aria-label={text.map}>
      <div ref={element} class={`map map-${measure}`} data-map={status} />
      {status === "unavailable" ? <p class="map-note">{text.mapUnavailable}</p> : null}
      {status === "loading" ? <p class="map-note map-note-loading">{text.mapLoading}</p> : null}
      <div class="segments measures" role="group" aria-label={text.measure}>
        {MEASURES.map((choice) => (
          <button
            key={choice}
            type="button"
            aria-pressed={choice === measure}
            onClick={() => navigation.adjust({ measure: choice })}
          >
            {text[choice]}
          </button>
        ))}
      </div>
      {status === "ready" ? (
        <div class="map-buttons" role="group" aria-label={text.map}>
          <MapButton label={text.zoomIn} path="M8 2v12M2 8h12" onClick={() => map.current?.zoomBy(1)} />
          <MapButton label={text.zoomOut} path="M2 8h12" onClick={() => map.current?.zoomBy(-1)} />
          <MapButton
            label={text.fitAll}
            path="M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4"
            onClick={() => {
              navigation.adjust({ view: null });
              map.current?.fitAll();
            }}
          />
        </div>
      ) : null}
      {status === "unavailable" ? null : <Legend measure={measure} />}
      {baseMap === null ? null : (
        <p class="base-map-credit">
          {text.baseMap}
          {text.colon} {baseMap}
        </p>
      )}
      <p class="visually-hidden">{text.mapText}</p>
    </section>
  );
}

interface MapButtonProps {
  readonly label: string;
  readonly path: string;
  readonly onClick: () => void;
}

function MapButton({ label, path, onClick }: MapButtonProps): VNode {
  return (
    <button type="button" aria-label={label} title={label} onClick={onClick}>
      <svg viewBox="0 0 16 16" aria-hidden="true">
        <path d={path} />
      </svg>
    </button>
  );
}

function Legend({ measure }: { readonly measure: Measure }): VNode {
  const { words } = usePage();
  const { text } = words;
  const { state } = useLive((change) => change.stations === "all");
  let unplaced = 0;
  for (const station of state.stations.values())
    if (station.lat === null || station.lon === null) unplaced += 1;
  return (
    <div class={`legend legend-${measure}`}>
      <p class="legend-title">{text.legendShare(text[measure])}</p>
      <div class="ramp" aria-hidden="true">
        <span class="ramp-none" />
        <span class="ramp-1" />
        <span class="ramp-2" />
        <span class="ramp-3" />
        <span class="ramp-4" />
      </div>
      <p class="ramp-ends">
        <span>{text.legendNone}</span>
        <span>{text.legendFull}</span>
      </p>
      <div class="ramp" aria-hidden="true">
        {Array.from({ length: 7 }, (_, index) => (
          <span key={index} class={`area-share-${index}`} />
        ))}
      </div>
      <p class="ramp-ends">
        <span>{text.legendAreaEmpty}</span>
        <span>{text.legendAreaFull}</span>
      </p>
      <p class="legend-size">{text.legendSize}</p>
      {unplaced > 0 ? <p>{text.unplaced(words.count(unplaced), unplaced !== 1)}</p> : null}
    </div>
  );
}

/** Without data the map comes all the same, a moment later. */
const MAP_WAITS_MS = 2_000;

type MapStatus = "loading" | "ready" | "unavailable";

/** Loads the map once the page stands, and keeps it in step with data, address, words and appearance. */
function useStationMap(
  element: { readonly current: HTMLDivElement | null },
  theme: Theme,
): {
  readonly status: MapStatus;
  readonly map: { readonly current: StationMap | null };
  readonly baseMap: string | null;
} {
  const { store, navigation, words } = usePage();
  const [status, setStatus] = useState<MapStatus>("loading");
  const [baseMap, setBaseMap] = useState<string | null>(null);
  const map = useRef<StationMap | null>(null);
  const latestWords = useRef(words);
  latestWords.current = words;
  useEffect(() => {
    let wanted = true;
    const start = async (): Promise<void> => {
      // The map is thirty times the rest of the page: the first data goes on the screen before it.
      await store.firstData(MAP_WAITS_MS);
      const { StationMap } = await import("../map/station-map.ts");
      if (!wanted || element.current === null) return;
      const made = new StationMap({
        element: element.current,
        store,
        address: navigation.address,
        words: latestWords.current,
        onStation: (station) => navigation.go(toStation(station)),
        onArea: (area) => navigation.go(toArea(area)),
        onView: (view) => navigation.adjust({ view }),
        onBaseMap: setBaseMap,
      });
      map.current = made;
      await made.ready;
      if (wanted) setStatus("ready");
    };
    start().catch(() => {
      if (wanted) setStatus("unavailable");
    });
    const unsubscribe = navigation.subscribe((address) => map.current?.follow(address));
    return () => {
      wanted = false;
      unsubscribe();
      map.current?.remove();
      map.current = null;
    };
  }, [store, navigation, element]);
  useEffect(() => map.current?.speak(words), [words]);
  useEffect(() => {
    const repaint = (): void => map.current?.repaint();
    repaint();
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", repaint);
    return () => dark.removeEventListener("change", repaint);
  }, [theme]);
  return { status, map, baseMap };
}
