/**
 * The line of a small trend graphic. Steps, not slopes: between two observations nothing is known to have moved. However
 * much was seen, a column of the graphic takes four strokes at most: to its lowest, its highest and its last. Pure.
 */
import type { Trend } from "../live/seen-history.ts";

export const WIDTH = 72;
export const HEIGHT = 20;
/** Room for the dot at the end. */
const RIGHT = WIDTH - 3;
const MARGIN = 3;

export interface TrendLine {
  /** An SVG path; empty where nothing was seen. */
  readonly path: string;
  /** Where it ends. */
  readonly endY: number;
}

export function trendLine(trend: Trend, fromMs: number, toMs: number): TrendLine {
  const { length } = trend;
  if (length === 0) return { path: "", endY: HEIGHT / 2 };
  let low = Infinity;
  let high = -Infinity;
  for (let index = 0; index < length; index += 1) {
    low = Math.min(low, trend.total(index));
    high = Math.max(high, trend.total(index));
  }
  const yOf = (total: number): number => {
    if (high === low) return HEIGHT / 2;
    const share = (total - low) / (high - low);
    return Math.round(10 * (HEIGHT - MARGIN - share * (HEIGHT - 2 * MARGIN))) / 10;
  };
  const span = Math.max(toMs - fromMs, 1);
  const xOf = (atMs: number): number => Math.round(Math.max(0, Math.min(1, (atMs - fromMs) / span)) * RIGHT);

  let x = xOf(trend.atMs(0));
  let y = yOf(trend.total(0));
  let path = `M${x} ${y}`;
  // Of the column being gathered.
  let [top, bottom, last] = [y, y, y];
  const stroke = (): void => {
    if (top < Math.min(y, last)) path += `V${top}`;
    if (bottom > Math.max(y, last)) path += `V${bottom}`;
    if (last !== y || top !== bottom) path += `V${last}`;
    y = last;
  };
  for (let index = 1; index < length; index += 1) {
    const nextX = xOf(trend.atMs(index));
    const nextY = yOf(trend.total(index));
    if (nextX !== x) {
      stroke();
      path += `H${nextX}`;
      x = nextX;
      top = nextY;
      bottom = nextY;
    }
    top = Math.min(top, nextY);
    bottom = Math.max(bottom, nextY);
    last = nextY;
  }
  stroke();
  return { path: `${path}H${RIGHT}`, endY: y };
}
