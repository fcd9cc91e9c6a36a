/** The chart itself (uPlot), loaded when the first detail is opened. Colours come from the style sheet. */
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { pageColour } from "../styles/colour.ts";
import type { Words } from "../text/format.ts";
import type { ChartData } from "./history-data.ts";

export interface Plot {
  draw(data: ChartData, fromMs: number, toMs: number): void;
  destroy(): void;
}

export interface PlotOptions {
  readonly element: HTMLElement;
  readonly words: Words;
  readonly timezone: string | null;
  /** The point under the pointer; null when there is none. */
  readonly onPoint: (index: number | null) => void;
}

const HEIGHT = 200;

export function makePlot({ element, words, timezone, onPoint }: PlotOptions): Plot {
  const stepped = uPlot.paths.stepped?.({ align: 1 });
  const line = (name: string, width: number): uPlot.Series => ({
    stroke: () => pageColour(name),
    width,
    ...(stepped === undefined ? {} : { paths: stepped }),
    points: { show: false },
    // A step's riser on the far edge of a gap is no observation: the gap hides it.
    gaps: (_plot, _series, _from, _to, gaps) => gaps.map(([from, to]) => [from, to + 2]),
  });
  const axis: uPlot.Axis = {
    stroke: () => pageColour("--ink-2"),
    grid: { stroke: () => pageColour("--line"), width: 1 },
    ticks: { show: false },
    font: "12px system-ui, sans-serif",
  };
  const bandEdge: uPlot.Series = { stroke: "transparent", points: { show: false } };
  const plot = new uPlot(
    {
      width: Math.max(element.clientWidth, 200),
      height: HEIGHT,
      tzDate: (seconds) => zoned(seconds, timezone),
      // The last time stands under the right edge: half of it needs room.
      padding: [8, 20, 0, 0],
      cursor: { y: false, points: { size: 6 } },
      legend: { show: false },
      hooks: { setCursor: [({ cursor }) => onPoint(cursor.idx ?? null)] },
      scales: {
        x: { time: true, range: (_plot, min, max) => [min, max] },
        y: { range: (_plot, _min, max) => [0, Math.max(4, max * 1.1)] },
      },
      series: [
        {},
        line("--total", 2.5),
        line("--electric", 1.5),
        line("--mechanical", 1.5),
        { ...bandEdge },
        { ...bandEdge },
      ],
      bands: [{ series: [5, 4], fill: () => pageColour("--band") }],
      axes: [
        {
          ...axis,
          values: (_plot, splits) => splits.map((split) => words.tick(split * 1000, timezone)),
          space: 64,
          // Whole minutes and up, in seconds: the labels show no less.
          incrs: [60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400],
          size: 28,
        },
        { ...axis, size: 40, values: (_plot, splits) => splits.map((split) => words.count(split)) },
      ],
    },
    [[], [], [], [], [], []],
    element,
  );
  const resize = new ResizeObserver(() => {
    const width = element.clientWidth;
    if (width > 0 && width !== plot.width) plot.setSize({ width, height: HEIGHT });
  });
  resize.observe(element);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const redraw = (): void => plot.redraw(false);
  dark.addEventListener("change", redraw);
  const themed = new MutationObserver(redraw);
  themed.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  return {
    draw({ at, total, electric, mechanical, usualLow, usualHigh }, fromMs, toMs) {
      plot.batch(() => {
        plot.setData([at, total, electric, mechanical, usualLow, usualHigh], false);
        plot.setScale("x", { min: fromMs / 1000, max: toMs / 1000 });
      });
    },
    destroy() {
      resize.disconnect();
      themed.disconnect();
      dark.removeEventListener("change", redraw);
      plot.destroy();
    },
  };
}

/** uPlot places its ticks by a Date's local fields: shift it so that they read as the system's own zone. */
function zoned(seconds: number, timezone: string | null): Date {
  const date = new Date(seconds * 1000);
  if (timezone === null) return date;
  try {
    return uPlot.tzDate(date, timezone);
  } catch {
    return date;
  }
}
