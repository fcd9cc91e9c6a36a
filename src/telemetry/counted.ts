/** A number of things, for people: `1 partition`, `6 partitions`. */

export function counted(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
