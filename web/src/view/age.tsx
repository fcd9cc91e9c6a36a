/** An age that grows by itself: `12 s ago`. Its exact time is in the tooltip and for machines. */
import type { VNode } from "preact";
import { usePage, useTicking } from "./page-context.ts";

export function Age({ atMs, ago = true }: { atMs: number; ago?: boolean }): VNode {
  const { store, words } = usePage();
  const text = useTicking(() => {
    const ms = store.now() - atMs;
    return ago ? words.ago(ms) : words.duration(ms);
  });
  const iso = new Date(atMs).toISOString();
  return (
    <time dateTime={iso} title={iso}>
      {text}
    </time>
  );
}
