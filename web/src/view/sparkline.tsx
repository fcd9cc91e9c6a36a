/** A trend in one line of text's height. */
import type { VNode } from "preact";
import type { Trend } from "../live/seen-history.ts";
import { usePage } from "./page-context.ts";
import { HEIGHT, trendLine, WIDTH } from "./trend-line.ts";

export function Sparkline({
  trend,
  nowMs,
  sinceMs,
}: {
  trend: Trend;
  nowMs: number;
  sinceMs: number;
}): VNode {
  const { words } = usePage();
  const { text } = words;
  const { length } = trend;
  const label =
    length < 2
      ? text.trendNone
      : text.trendOf(words.count(trend.total(0)), words.count(trend.total(length - 1)));
  const { path, endY } = trendLine(trend, sinceMs, nowMs);
  return (
    <svg class="sparkline" role="img" viewBox={`0 0 ${WIDTH} ${HEIGHT}`}>
      <title>{label}</title>
      <path d={path} />
      {length === 0 ? null : <circle cx={WIDTH - 2.5} cy={endY} r="2" />}
    </svg>
  );
}
