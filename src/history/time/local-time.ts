/**
 * Wall clocks: reading and writing times in a time zone, across daylight saving. Pure but for the zone tables of Intl.
 *
 *   2026-03-29 in Paris   01:59:59 ─▶ 03:00:00   02:30 is no time
 *   2026-10-25 in Paris   02:59:59 ─▶ 02:00:00   02:30 is twice: the offset says which
 */
import { DAY_MS } from "../files/layout.ts";

const FORMATS = new Map<string, Intl.DateTimeFormat>();

function formatOf(timezone: string): Intl.DateTimeFormat {
  let format = FORMATS.get(timezone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone: timezone,
      hourCycle: "h23",
      era: "short",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
    FORMATS.set(timezone, format);
  }
  return format;
}

/** Whether Intl knows the zone. */
export function isTimezone(timezone: string): boolean {
  try {
    formatOf(timezone);
    return true;
  } catch {
    return false;
  }
}

/** The wall clock of a zone at an instant, as if it were UTC, epoch ms. */
export function wallClockMs(epochMs: number, timezone: string): number {
  return timezone === "UTC" ? epochMs : epochMs + offsetMs(epochMs, timezone);
}

/**
 * Intl is slow to ask, and zones change their offset on a quarter of an hour, hardly twice a year: of a day whose ends
 * have the same offset, one is remembered; of one with a change, each quarter's.
 */
const QUARTER_MS = 900_000;
const MOST_OFFSETS = 50_000;
const OFFSETS = new Map<string, Map<number, number>>();

function offsetMs(epochMs: number, timezone: string): number {
  let offsets = OFFSETS.get(timezone);
  if (offsets === undefined) OFFSETS.set(timezone, (offsets = new Map<number, number>()));
  const dayMs = Math.floor(epochMs / DAY_MS) * DAY_MS;
  const atStart = offsetOfQuarter(dayMs, timezone, offsets);
  const atEnd = offsetOfQuarter(dayMs + DAY_MS, timezone, offsets);
  return atStart === atEnd ? atStart : offsetOfQuarter(epochMs, timezone, offsets);
}

function offsetOfQuarter(epochMs: number, timezone: string, offsets: Map<number, number>): number {
  const quarter = Math.floor(epochMs / QUARTER_MS);
  const known = offsets.get(quarter);
  if (known !== undefined) return known;
  if (offsets.size >= MOST_OFFSETS) offsets.clear();
  const atMs = quarter * QUARTER_MS;
  const parts: Record<string, number> = {};
  for (const { type, value } of formatOf(timezone).formatToParts(atMs)) parts[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  const offset = Date.UTC(year, month - 1, day, hour, minute, second) - atMs;
  offsets.set(quarter, offset);
  return offset;
}

/** The instants at which a zone's wall clock shows `wallMs`: one; none in a spring gap; two in an autumn overlap. */
export function instantsOf(wallMs: number, timezone: string): readonly number[] {
  const found = new Set<number>();
  // The offset before and after any change near by.
  for (const probe of [wallMs - DAY_MS, wallMs + DAY_MS]) {
    const instant = wallMs - (wallClockMs(probe, timezone) - probe);
    if (wallClockMs(instant, timezone) === wallMs) found.add(instant);
  }
  return [...found].sort((a, b) => a - b);
}

/** The instant a wall clock shows `wallMs`: the first of two; where there is none, as far after the change as it is into the gap. */
function instantOf(wallMs: number, timezone: string): number {
  const [first] = instantsOf(wallMs, timezone);
  if (first !== undefined) return first;
  const before = wallMs - DAY_MS;
  return wallMs - (wallClockMs(before, timezone) - before);
}

/** The instant `days` calendar days later at the same wall clock. */
export function shiftDays(epochMs: number, days: number, timezone: string): number {
  return instantOf(wallClockMs(epochMs, timezone) + days * DAY_MS, timezone);
}

/** `2026-11-20T08:30:00+01:00`; seconds are left out when they are 0 everywhere, ms where they are 0. */
export function formatTime(epochMs: number, timezone: string): string {
  const wallMs = wallClockMs(epochMs, timezone);
  const text = new Date(wallMs).toISOString().replace(/\.000Z$|Z$/, "");
  if (timezone === "UTC") return `${text}Z`;
  const minutes = Math.round((wallMs - epochMs) / 60_000);
  const [sign, size] = minutes < 0 ? ["-", -minutes] : ["+", minutes];
  return `${text}${sign}${String(Math.floor(size / 60)).padStart(2, "0")}:${String(size % 60).padStart(2, "0")}`;
}

export type TimeReading =
  | { readonly ok: true; readonly epochMs: number }
  /** Completes `--at "…" …`. */
  | { readonly ok: false; readonly problem: string };

const LOCAL = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?))?$/;
const WITH_OFFSET = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d)$/;

/** Reads `2026-11-20`, `2026-11-20T08:30` (in the zone) or with an offset or `Z`. */
export function readTime(text: string, timezone: string): TimeReading {
  if (WITH_OFFSET.test(text)) {
    const epochMs = Date.parse(text.replace(" ", "T"));
    return Number.isNaN(epochMs)
      ? { ok: false, problem: "is not a time in the calendar" }
      : { ok: true, epochMs };
  }
  const match = LOCAL.exec(text);
  if (match === null)
    return { ok: false, problem: "is no time: write 2026-11-20, 2026-11-20T08:30 or 2026-11-20T08:30:00Z" };
  const wallMs = Date.parse(`${match[1]}T${match[2] ?? "00:00"}Z`);
  if (Number.isNaN(wallMs) || new Date(wallMs).toISOString().slice(0, 10) !== match[1])
    return { ok: false, problem: "is not a time in the calendar" };
  // A day begins even where the clock goes forward over its midnight, or shows it twice.
  if (match[2] === undefined) return { ok: true, epochMs: instantOf(wallMs, timezone) };
  const [first, second] = instantsOf(wallMs, timezone);
  if (first === undefined)
    return {
      ok: false,
      problem: `does not exist in ${timezone}, the clock went forward over it: write ${formatTime(instantOf(wallMs, timezone), timezone)}`,
    };
  if (second !== undefined)
    return {
      ok: false,
      problem: `is twice in ${timezone}: write ${formatTime(first, timezone)} or ${formatTime(second, timezone)}`,
    };
  return { ok: true, epochMs: first };
}

/**
 * Edges of steps that keep to the calendar where a step is whole days: a day in March may have 23 hours, one in
 * October 25.
 */
export function calendarEdges(
  fromMs: number,
  toMs: number,
  stepMs: number,
  timezone: string,
): readonly number[] {
  const days = stepMs / DAY_MS;
  const edges: number[] = [];
  if (Number.isInteger(days))
    for (let at = 0; shiftDays(fromMs, at, timezone) < toMs; at += days)
      edges.push(shiftDays(fromMs, at, timezone));
  else for (let at = fromMs; at < toMs; at += stepMs) edges.push(at);
  edges.push(toMs);
  return edges;
}
