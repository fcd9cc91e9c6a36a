/** A trend in one line of text's height. Steps, not slopes: between two observations nothing is known to have moved. */
import type { VNode } from "preact";
import type { Seen } from "../live/seen-history.ts";
import { usePage } from "./page-context.ts";

const WIDTH = 72;
const HEIGHT = 20;

export function Sparkline({
  points,
  nowMs,
  sinceMs,
}: {
  points: readonly Seen[];
  nowMs: number;
  sinceMs: number;
}): VNode {
  const { words } = usePage();
  const { text } = words;
  const first = points[0];
  const last = points.at(-1);
  const label =
    first === undefined || last === undefined || points.length < 2
      ? text.trendNone
      : text.trendOf(words.count(first.total), words.count(last.total));
  return (
    <svg class="sparkline" role="img" viewBox={`0 0 ${WIDTH} ${HEIGHT}`}>
      <title>{label}</title>
      <path d={sparklinePath(points, sinceMs, nowMs)} />
      {last === undefined ? null : <circle cx={WIDTH - 2.5} cy={heightOf(points, last.total)} r="2" />}
    </svg>
  );
}

function heightOf(points: readonly Seen[], total: number): number {
  let low = Infinity;
  let high = -Infinity;
  for (const point of points) {
    low = Math.min(low, point.total);
    high = Math.max(high, point.total);
  }
  if (high === low) return HEIGHT / 2;
  return HEIGHT - 3 - ((total - low) / (high - low)) * (HEIGHT - 6);
}

/** The SVG path of `points` from `fromMs` to `toMs`. */
function sparklinePath(points: readonly Seen[], fromMs: number, toMs: number): string {
  const span = Math.max(toMs - fromMs, 1);
  let path = "";
  for (const point of points) {
    const x = Math.max(0, Math.min(1, (point.atMs - fromMs) / span)) * (WIDTH - 3);
    const y = heightOf(points, point.total);
    path += path === "" ? `M${x.toFixed(1)} ${y.toFixed(1)}` : `H${x.toFixed(1)}V${y.toFixed(1)}`;
  }
  return path === "" ? "" : `${path}H${WIDTH - 3}`;
}
