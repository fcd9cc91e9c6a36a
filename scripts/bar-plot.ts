/** A small horizontal bar plot as SVG text: medians as bars, minimum to maximum as a line over them. */

export interface Bar {
  readonly label: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** Ours: drawn in the accent colour. */
  readonly ours?: boolean;
}

const WIDTH = 760;
const LABELS = 250;
const VALUES = 90;
const ROW = 26;
const TOP = 40;
const ACCENT = "#0b6e99";
const OTHER = "#9aa5b1";
const INK = "#1f2933";

export function barPlot(title: string, unit: string, bars: readonly Bar[]): string {
  const most = Math.max(...bars.map(({ max }) => max));
  const x = (value: number): number => LABELS + ((WIDTH - LABELS - VALUES) * value) / most;
  const height = TOP + bars.length * ROW + 10;
  const rows = bars.flatMap(({ label, median, min, max, ours = false }, index) => {
    const y = TOP + index * ROW;
    const middle = y + ROW / 2;
    return [
      `<text x="${LABELS - 8}" y="${middle + 4}" text-anchor="end"${ours ? ' font-weight="bold"' : ""}>${escaped(label)}</text>`,
      `<rect x="${LABELS}" y="${y + 4}" width="${round(x(median) - LABELS)}" height="${ROW - 8}" fill="${ours ? ACCENT : OTHER}"/>`,
      `<path d="M${round(x(min))} ${middle}H${round(x(max))}" stroke="${INK}" stroke-width="1.5"/>`,
      `<text x="${round(x(Math.max(median, max))) + 6}" y="${middle + 4}">${shortNumber(median)}</text>`,
    ];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="system-ui, sans-serif" font-size="13" fill="${INK}">`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    `<text x="12" y="22" font-size="14" font-weight="bold">${escaped(title)} (${escaped(unit)})</text>`,
    ...rows,
    "</svg>",
    "",
  ].join("\n");
}

/** Three significant digits, with thousands separated. */
export function shortNumber(value: number): string {
  if (!Number.isFinite(value)) return "–";
  return Number(value.toPrecision(3)).toLocaleString("en", { maximumFractionDigits: 3 });
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
