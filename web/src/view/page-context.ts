/** What every view needs: the live data, the address, the words; and hooks that re-render when these change. */
import { createContext } from "preact";
import { useContext, useEffect, useReducer, useRef, useState } from "preact/hooks";
import type { Navigation } from "../address/navigation.ts";
import type { Address } from "../address/address.ts";
import type { LiveStore } from "../live/live-store.ts";
import type { Change } from "../live/live-state.ts";
import type { Words } from "../text/format.ts";

export interface Page {
  readonly store: LiveStore;
  readonly navigation: Navigation;
  readonly words: Words;
}

export const PageContext = createContext<Page | null>(null);

export function usePage(): Page {
  const page = useContext(PageContext);
  if (page === null) throw new Error("usePage outside of PageContext: render it inside App.");
  return page;
}

export function useAddress(): Address {
  const { navigation } = usePage();
  const [address, setAddress] = useState(navigation.address);
  useEffect(() => {
    setAddress(navigation.address);
    return navigation.subscribe(setAddress);
  }, [navigation]);
  return address;
}

/** Re-renders on every change that `concerns` the view. */
export function useLive(concerns: (change: Change) => boolean): LiveStore {
  const { store } = usePage();
  const [, render] = useReducer((count: number) => count + 1, 0);
  const latest = useRef(concerns);
  latest.current = concerns;
  const { told } = store;
  useEffect(
    () => {
      // Data may come between the first rendering and this, which the browser runs when it has painted.
      if (store.told !== told) render(0);
      return store.subscribe((change) => {
        if (latest.current(change)) render(0);
      });
    },
    // Only the first rendering's number counts: from then on this listens.
    [store],
  );
  return store;
}

export const systemsChange = (change: Change): boolean => change.systems;
export const areasChange = (change: Change): boolean =>
  change.systems || change.areas === "all" || change.areas.size > 0;

/** A text that depends on the time of day: looked at every second, rendered only when it reads differently. */
export function useTicking(text: () => string): string {
  const [, render] = useReducer((count: number) => count + 1, 0);
  const shown = text();
  const latest = useRef({ text, shown });
  latest.current = { text, shown };
  useEffect(
    () =>
      onTick(() => {
        if (latest.current.text() !== latest.current.shown) render(0);
      }),
    [],
  );
  return shown;
}

const tickers = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | null = null;

/** One timer for all ages of the page. */
function onTick(task: () => void): () => void {
  tickers.add(task);
  timer ??= setInterval(() => {
    if (!document.hidden) for (const ticker of tickers) ticker();
  }, 1000);
  return () => {
    tickers.delete(task);
    if (tickers.size === 0 && timer !== null) {
      clearInterval(timer);
      timer = null;
    }
  };
}
