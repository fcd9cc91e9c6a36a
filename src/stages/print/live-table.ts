/** The table of areas that `run` and `watch totals` draw on a terminal: a pure function from what is known to lines. */
import stringWidth from "string-width";
import type { LiveArea } from "../../domain/live-area.ts";
import { plainText } from "../../telemetry/plain-text.ts";

export interface TableInput {
  readonly areas: readonly LiveArea[];
  /** Shown under the table, most important first; as many as fit stand on one line. */
  readonly status: readonly string[];
  /** Lines of their own, below the status: what is wrong, what is simulated. */
  readonly notices: readonly string[];
  readonly columns: number;
  readonly rows: number;
  readonly nowMs: number;
  readonly style: (style: "bold" | "dim" | "yellow" | "cyan", text: string) => string;
}

/** An area that changed within this long stands out. */
const FRESH_MS = 3_000;
const GAP = "   ";

interface Column {
  readonly head: string;
  readonly align: "left" | "right";
  readonly cell: (area: LiveArea, nowMs: number) => string;
}

const COLUMNS: readonly Column[] = [
  { head: "area", align: "left", cell: ({ key }) => plainText(key) },
  { head: "bikes", align: "right", cell: ({ totals }) => String(totals.total) },
  { head: "electric", align: "right", cell: ({ totals }) => count(totals.electric) },
  { head: "mechanical", align: "right", cell: ({ totals }) => count(totals.mechanical) },
  { head: "stations", align: "right", cell: ({ totals }) => String(totals.stations) },
  { head: "age", align: "right", cell: ({ totals }, nowMs) => formatAge(nowMs - totals.asOfMs) },
];

/** At most `rows` lines, none wider than `columns`. */
export function renderTable(input: TableInput): string[] {
  const { columns, rows, style } = input;
  const notices = input.notices.map((notice) => style("yellow", clip(plainText(notice), columns)));
  const status = style("cyan", clip(joinThatFit(input.status.map(plainText), columns), columns));
  const room = Math.max(1, rows - notices.length - 3);
  const areas = input.areas.toSorted((a, b) => (a.key < b.key ? -1 : 1));
  if (areas.length === 0) return [...notices, status];
  const widths = COLUMNS.map(({ head, cell }) =>
    Math.max(head.length, ...areas.map((area) => stringWidth(cell(area, input.nowMs)))),
  );
  const width = widths.reduce((sum, one) => sum + one, 0) + 2 * (COLUMNS.length - 1);
  const side = Math.max(1, Math.floor((columns + GAP.length) / (width + GAP.length)));
  const perSide = Math.min(room, Math.ceil(areas.length / side));
  const shown = areas.slice(0, perSide * side);
  const sides = Array.from({ length: Math.ceil(shown.length / perSide) }, (_, index) =>
    shown.slice(index * perSide, (index + 1) * perSide),
  );
  const head = COLUMNS.map(({ head, align }, index) => pad(head, widths[index] ?? 0, align)).join("  ");
  const lines = [style("dim", clip(sides.map(() => head).join(GAP), columns))];
  for (let row = 0; row < perSide; row += 1) {
    const parts = sides.map((side) => {
      const area = side[row];
      return area === undefined ? "" : areaLine(area, widths, input, columns);
    });
    lines.push(parts.join(GAP).trimEnd());
  }
  if (shown.length < areas.length)
    lines.push(
      style("dim", clip(`… ${areas.length - shown.length} more areas: a taller window shows them`, columns)),
    );
  return [...lines, ...notices, status];
}

function areaLine(area: LiveArea, widths: readonly number[], input: TableInput, columns: number): string {
  const line = clip(
    COLUMNS.map(({ cell, align }, index) => pad(cell(area, input.nowMs), widths[index] ?? 0, align)).join(
      "  ",
    ),
    columns,
  );
  const ageMs = input.nowMs - area.totals.asOfMs;
  return ageMs < FRESH_MS ? input.style("bold", line) : line;
}

function count(value: number | null): string {
  return value === null ? "?" : String(value);
}

function pad(text: string, width: number, align: "left" | "right"): string {
  const space = " ".repeat(Math.max(0, width - stringWidth(text)));
  return align === "left" ? text + space : space + text;
}

function clip(text: string, columns: number): string {
  if (stringWidth(text) <= columns) return text;
  let clipped = "";
  for (const character of text) {
    if (stringWidth(clipped + character) > columns - 1) break;
    clipped += character;
  }
  return `${clipped}…`;
}

function joinThatFit(parts: readonly string[], columns: number): string {
  let line = "";
  for (const part of parts) {
    const next = line === "" ? part : `${line} · ${part}`;
    if (stringWidth(next) > columns) break;
    line = next;
  }
  return line;
}

/** `3 s`, `12 min`, `5 h`, `4 d`: one unit, rounded down, never negative. */
export function formatAge(ageMs: number): string {
  const seconds = Math.max(0, Math.floor(ageMs / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}
