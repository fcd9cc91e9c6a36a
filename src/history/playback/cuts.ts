/**
 * Where a stretch of history can be cut so that the log's order and that of time agree: every row before a cut lies
 * before every row after it, in each partition. Where a clock was set back they do not, for as long as it was. Pure.
 *
 *   hour      0          1       2          3               a clock set back by two hours in hour 2
 *   offsets   1…40,      41…80,  81…100     121…160
 *             101…110    111…120
 *   cuts     |                              |               hours 0 to 2 are one window
 */

/** Rows of a partition in an hour: the first and last of their offsets. */
export interface HourBounds {
  readonly partition: number;
  /** Hours since any instant; negative before it. */
  readonly hour: number;
  readonly first: number;
  readonly last: number;
}

/** Whether a stretch can be cut at the beginning of an hour. */
export type CanCut = (hour: number) => boolean;

export function cutsOf(bounds: readonly HourBounds[]): CanCut {
  /** Hours from the first of each, up to and including the second, are no cuts. */
  const closed: (readonly [after: number, upTo: number])[] = [];
  for (const own of Map.groupBy(bounds, ({ partition }) => partition).values()) {
    const hours = own.toSorted((a, b) => a.hour - b.hour);
    const leastAfter = hours.map(() => Infinity);
    for (let at = hours.length - 2; at >= 0; at -= 1)
      leastAfter[at] = Math.min(leastAfter[at + 1] ?? Infinity, hours[at + 1]?.first ?? Infinity);
    let greatest = -1;
    for (const [at, { hour, last }] of hours.entries()) {
      greatest = Math.max(greatest, last);
      if (greatest > (leastAfter[at] ?? Infinity)) closed.push([hour, hours[at + 1]?.hour ?? hour]);
    }
  }
  return (hour) => !closed.some(([after, upTo]) => hour > after && hour <= upTo);
}
