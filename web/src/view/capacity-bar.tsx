/**
 * What a station's docks hold: electric, mechanical, free, and the rest, which is out of service or unknown. The figures
 * above it are its legend; only the rest has no figure there.
 */
import type { VNode } from "preact";
import type { Station } from "../../../src/http/api-types.ts";
import { usePage } from "./page-context.ts";

export function CapacityBar({ station }: { readonly station: Station }): VNode | null {
  const { words } = usePage();
  const { text } = words;
  const { nbr_total: total, nbr_elec, nbr_meca, nbr_docks, capacity } = station;
  if (capacity === null || capacity === 0) return null;
  const known = nbr_elec !== null && nbr_meca !== null;
  const parts = known
    ? [
        { kind: "electric", name: text.electric, count: nbr_elec },
        { kind: "mechanical", name: text.mechanical, count: nbr_meca },
      ]
    : [{ kind: "total", name: text.total, count: total }];
  if (nbr_docks !== null) parts.push({ kind: "docks", name: text.docks, count: nbr_docks });
  const held = parts.reduce((sum, part) => sum + part.count, 0);
  // More bikes than docks happens (overflow service): the bar then shows what there is.
  if (nbr_docks !== null && held < capacity) {
    parts.push({ kind: "rest", name: text.outOfService, count: capacity - held });
  }
  const whole = Math.max(held, capacity);
  let start = 0;
  return (
    <div class="capacity">
      <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
        {parts.map(({ kind, count }) => {
          const width = (100 * count) / whole;
          const rect = <rect key={kind} class={`part-${kind}`} x={start} width={width} height="10" />;
          start += width;
          return rect;
        })}
      </svg>
      {parts
        .filter(({ kind }) => kind === "rest")
        .map(({ kind, name, count }) => (
          <p key={kind} class="muted">
            <span class={`swatch part-${kind}`} aria-hidden="true" />
            {name} <b>{words.count(count)}</b>
          </p>
        ))}
    </div>
  );
}
