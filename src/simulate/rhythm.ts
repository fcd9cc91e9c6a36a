/** How a city rides over the day and the week: trips per docked bike and hour, and which way commuters go. */

/** Trips that a docked bike starts per hour, by local hour; shaped after what Paris publishes of its counts. */
const WEEKDAY = [
  0.1, 0.05, 0.03, 0.02, 0.02, 0.05, 0.15, 0.45, 0.95, 0.7, 0.4, 0.42, 0.55, 0.55, 0.48, 0.5, 0.62, 0.9, 1.05,
  0.85, 0.58, 0.42, 0.35, 0.22,
];
const SATURDAY = [
  0.25, 0.18, 0.13, 0.1, 0.06, 0.05, 0.08, 0.14, 0.25, 0.38, 0.5, 0.58, 0.62, 0.66, 0.7, 0.72, 0.74, 0.74,
  0.7, 0.6, 0.5, 0.42, 0.4, 0.36,
];
const SUNDAY = [
  0.3, 0.22, 0.16, 0.11, 0.07, 0.05, 0.06, 0.1, 0.18, 0.3, 0.45, 0.55, 0.58, 0.62, 0.68, 0.7, 0.7, 0.66, 0.58,
  0.46, 0.36, 0.3, 0.24, 0.16,
];
const BY_DAY = [SUNDAY, WEEKDAY, WEEKDAY, WEEKDAY, WEEKDAY, WEEKDAY, SATURDAY];

/** 1: everybody rides to work; −1: everybody rides home; weekdays, by local hour. */
const COMMUTE = [
  0, 0, 0, 0, 0, 0.3, 0.7, 0.9, 0.9, 0.6, 0.2, 0, 0, 0, 0, -0.1, -0.4, -0.8, -0.9, -0.8, -0.5, -0.3, -0.2, 0,
];

export interface Rhythm {
  /** Trips per docked bike and hour. */
  readonly tripsPerHour: number;
  /** From −1 (homewards) to 1 (to work). */
  readonly commute: number;
}

const PARIS = new Intl.DateTimeFormat("en-US", {
  timeZone: "Europe/Paris",
  weekday: "short",
  hour: "numeric",
  minute: "numeric",
  hourCycle: "h23",
});
const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/** Day of the week (0 is Sunday) and hour with its fraction, on a clock in Paris. */
export function parisTime(epochMs: number): { readonly day: number; readonly hour: number } {
  const parts = new Map(PARIS.formatToParts(epochMs).map(({ type, value }) => [type, value]));
  const hour = Number(parts.get("hour")) + Number(parts.get("minute")) / 60;
  return { day: DAYS.indexOf(parts.get("weekday") ?? ""), hour };
}

/** The rhythm at an instant, blended between whole hours. */
export function rhythmAt(epochMs: number): Rhythm {
  const { day, hour } = parisTime(epochMs);
  const next = hour >= 23 ? (day + 1) % 7 : day;
  const blend = (now: readonly number[], then: readonly number[]): number => {
    const from = Math.floor(hour);
    const share = hour - from;
    return (now[from] ?? 0) * (1 - share) + (then[(from + 1) % 24] ?? 0) * share;
  };
  const works = day >= 1 && day <= 5;
  return {
    tripsPerHour: blend(BY_DAY[day] ?? WEEKDAY, BY_DAY[next] ?? WEEKDAY),
    commute: works ? blend(COMMUTE, COMMUTE) : 0,
  };
}
