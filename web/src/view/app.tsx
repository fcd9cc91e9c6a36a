/** The page: header, what is wrong (if anything), map and panel side by side, credits. */
import type { VNode } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { Navigation } from "../address/navigation.ts";
import { keep, preferredLanguage, preferredTheme, type Theme } from "../address/preferences.ts";
import type { LiveStore } from "../live/live-store.ts";
import { Words, type Language } from "../text/format.ts";
import { AreaView } from "./area-view.tsx";
import { AreasView } from "./areas-view.tsx";
import { Credits } from "./credits.tsx";
import { FeedsView } from "./feeds-view.tsx";
import { isLost, trustIn } from "./freshness.ts";
import { Header } from "./header.tsx";
import { toAreas } from "./link.tsx";
import { MapPane } from "./map-pane.tsx";
import { PageContext, useAddress, useLive, usePage } from "./page-context.ts";
import { stationName } from "./area-order.ts";
import { StationView } from "./station-view.tsx";
import { Troubles } from "./troubles.tsx";

export function App({ store }: { readonly store: LiveStore }): VNode {
  const navigation = useMemo(() => new Navigation(), []);
  const [language, setLanguage] = useState<Language>(preferredLanguage);
  const [theme, setTheme] = useState<Theme>(preferredTheme);
  const words = useMemo(() => new Words(language), [language]);
  const page = useMemo(() => ({ store, navigation, words }), [store, navigation, words]);
  useEffect(() => {
    document.documentElement.lang = language;
  }, [language]);
  useEffect(() => {
    document.documentElement.dataset["theme"] = theme;
  }, [theme]);
  useTrust(store);
  return (
    <PageContext.Provider value={page}>
      <a class="skip" href="#panel">
        {words.text.skipToAreas}
      </a>
      <Header
        language={language}
        theme={theme}
        onLanguage={(chosen) => {
          keep("language", chosen);
          setLanguage(chosen);
        }}
        onTheme={(chosen) => {
          keep("theme", chosen);
          setTheme(chosen);
        }}
      />
      <Troubles />
      <main>
        <MapPane theme={theme} />
        <Panel />
      </main>
      <Credits />
    </PageContext.Provider>
  );
}

function Panel(): VNode {
  const { area, station, feeds } = useAddress();
  const panel = useRef<HTMLDivElement>(null);
  useTitle();
  useReturn(panel, station ?? area ?? (feeds ? "feeds" : null));
  return (
    <div id="panel" class="panel" tabIndex={-1} ref={panel}>
      {station !== null ? (
        <StationView key={station} station={station} />
      ) : area !== null ? (
        <AreaView key={area} area={area} />
      ) : feeds ? (
        <FeedsView />
      ) : (
        <AreasView />
      )}
    </div>
  );
}

/** Whether what is shown may still be true marks the whole page: the style sheet makes old data look old. */
function useTrust(store: LiveStore): void {
  useEffect(() => {
    const mark = (): void => {
      const systems = [...store.state.systems.values()];
      const allOld =
        systems.length > 0 && systems.every((system) => trustIn(system, store.now()) === "stale");
      const old = store.state.loaded && (allOld || isLost(store.link));
      document.documentElement.dataset["trust"] = old ? "old" : "good";
    };
    const unsubscribe = store.subscribe(mark);
    const timer = setInterval(mark, 1000);
    return () => {
      unsubscribe();
      clearInterval(timer);
    };
  }, [store]);
}

/**
 * A detail opens at its top, and the list is found again where it was left: by eye (the panel scrolls, on a phone the whole
 * page does) and by keyboard. Escape leaves a detail.
 */
function useReturn(panel: { readonly current: HTMLElement | null }, open: string | null): void {
  const { navigation } = usePage();
  const left = useRef({ panelTop: 0, pageTop: 0 });
  const before = useRef(open);
  useEffect(() => {
    const remember = (): void => {
      if (before.current === null) {
        left.current = { panelTop: panel.current?.scrollTop ?? 0, pageTop: scrollY };
      }
    };
    const leave = (event: KeyboardEvent): void => {
      if (event.key === "Escape" && before.current !== null && !event.defaultPrevented)
        navigation.go(toAreas);
    };
    const unsubscribe = navigation.subscribe(remember);
    addEventListener("keydown", leave);
    return () => {
      unsubscribe();
      removeEventListener("keydown", leave);
    };
  }, [navigation, panel]);
  useLayoutEffect(() => {
    if (before.current === open) return;
    const from = before.current;
    before.current = open;
    const { panelTop, pageTop } = open === null ? left.current : { panelTop: 0, pageTop: 0 };
    panel.current?.scrollTo({ top: panelTop });
    scrollTo({ top: pageTop });
    if (open !== null || from === null) return;
    const row = document.querySelector<HTMLElement>(`[data-row="${CSS.escape(from)}"]`);
    (row ?? document.getElementById("areas-heading"))?.focus({ preventScroll: true });
  }, [open, panel]);
}

/** The tab says what is open. */
function useTitle(): void {
  const { words, store } = usePage();
  const { area, station, feeds } = useAddress();
  useLive(
    ({ areas, stations }) =>
      areas === "all" || (station !== null && (stations === "all" || stations.has(station))),
  );
  const held = station === null ? undefined : store.state.stations.get(station);
  const place =
    held !== undefined
      ? stationName(held)
      : (station ?? store.state.areas.get(area ?? "")?.postcode ?? area ?? (feeds ? words.text.feeds : null));
  const title = words.text.pageTitle(place);
  useEffect(() => {
    document.title = title;
  }, [title]);
}
