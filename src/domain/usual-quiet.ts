/**
 * How long a feed's content may stand still at this time of day: learnt from quiets that ended, since a city that sleeps
 * every night is not a feed that froze.
 *
 *   change ──── quiet ────▶ change: it was usual, for every hour of the day that it covered
 *   … but for one of a large system that was odd and no night: it had frozen
 */

const HOUR_MS = 3_600_000;
const HOURS = 24;
/** A large system is never idle that long by day … */
const LARGE_SYSTEM_STATIONS = 100;
const LARGE_IDLE_MS = HOUR_MS;
/** … a small one may be for a day's half, … */
const SMALL_IDLE_MS = 12 * HOUR_MS;
/** … and a large one at night, where its nights are not known yet: some close for the night (Oslo, 01 to 05). */
const NIGHT_IDLE_MS = 8 * HOUR_MS;
const NIGHT_FROM = 21;
const NIGHT_TO = 7;
/** Nights are not longer. */
const NIGHT_MOST_MS = 12 * HOUR_MS;
/** Longer than what was usual by this, for a quiet to be odd. */
const USUAL_FACTOR = 1.5;
/** Quiets reach into the hours around: nights end earlier and later by the day of the week. */
const HOURS_AROUND = 3;
/** What was usual is forgotten after this long. */
const FORGET_MS = 35 * 24 * HOUR_MS;

interface Quiet {
  readonly ms: number;
  readonly endedMs: number;
}

export class UsualQuiet {
  /** The longest quiet that covered each hour of the day, UTC. */
  readonly #hours: (Quiet | undefined)[] = Array.from({ length: HOURS });
  #longest: Quiet | undefined;

  /**
   * Content changed at `untilMs` after it had stood still since `sinceMs`.
   * @param odd longer than it may
   * @param offsetHours null where the system's time is not known
   */
  ended(stations: number, sinceMs: number, untilMs: number, odd: boolean, offsetHours: number | null): void {
    const night =
      untilMs - sinceMs <= NIGHT_MOST_MS &&
      (offsetHours === null || coversNight(sinceMs, untilMs, offsetHours));
    if (odd && stations >= LARGE_SYSTEM_STATIONS && !night) return;
    const quiet = { ms: untilMs - sinceMs, endedMs: untilMs };
    const first = Math.floor(sinceMs / HOUR_MS);
    const last = Math.min(Math.floor(untilMs / HOUR_MS), first + HOURS - 1);
    for (let hour = first; hour <= last; hour += 1) {
      const index = hour % HOURS;
      if (isOutdone(this.#hours[index], quiet)) this.#hours[index] = quiet;
    }
    if (isOutdone(this.#longest, quiet)) this.#longest = quiet;
  }

  /**
   * How long content that stands still since `sinceMs` may do so.
   * @param offsetHours of the system's time from UTC: where its nights are; null where it is not known
   */
  idleMs(stations: number, sinceMs: number, nowMs: number, offsetHours: number | null): number {
    const small = stations < LARGE_SYSTEM_STATIONS;
    const usual = small ? fresh(this.#longest, nowMs) : this.#usualAround(nowMs);
    const least = small ? SMALL_IDLE_MS : LARGE_IDLE_MS;
    if (usual !== null) return Math.max(least, usual * USUAL_FACTOR);
    return !small && coversNight(sinceMs, nowMs, offsetHours ?? 0) ? NIGHT_IDLE_MS : least;
  }

  /** The longest usual quiet of these hours; null where one of them is not known. */
  #usualAround(nowMs: number): number | null {
    const hour = Math.floor(nowMs / HOUR_MS);
    let usual = 0;
    for (let before = 0; before < HOURS_AROUND; before += 1) {
      const ms = fresh(this.#hours[(hour - before) % HOURS], nowMs);
      if (ms === null) return null;
      usual = Math.max(usual, ms);
    }
    return usual;
  }
}

function isOutdone(held: Quiet | undefined, quiet: Quiet): boolean {
  return held === undefined || quiet.ms >= held.ms || quiet.endedMs - held.endedMs > FORGET_MS;
}

function fresh(quiet: Quiet | undefined, nowMs: number): number | null {
  return quiet === undefined || nowMs - quiet.endedMs > FORGET_MS ? null : quiet.ms;
}

function coversNight(sinceMs: number, nowMs: number, offsetHours: number): boolean {
  for (let atMs = Math.max(sinceMs, nowMs - HOURS * HOUR_MS); ; atMs = Math.min(atMs + HOUR_MS, nowMs)) {
    const hour = ((Math.floor(atMs / HOUR_MS + offsetHours) % HOURS) + HOURS) % HOURS;
    if (hour >= NIGHT_FROM || hour < NIGHT_TO) return true;
    if (atMs >= nowMs) return false;
  }
}
