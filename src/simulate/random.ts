/** A small seeded generator (sfc32): the same seed gives the same city on every machine. */

/** A number in [0, 1). */
export type Random = () => number;

/** @param seed any finite number; its integer part counts */
export function seededRandom(seed: number): Random {
  let a = Math.trunc(seed) | 0;
  let b = Math.trunc(seed / 2 ** 32) | 0;
  let c = 0x9e3779b9 | 0;
  let counter = 1;
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
  // The first draws of neighbouring seeds look alike.
  for (let turn = 0; turn < 15; turn += 1) next();
  return next;
}

/** A whole number in [0, limit). */
export function below(random: Random, limit: number): number {
  return Math.floor(random() * limit);
}

/** How often something with mean `mean` happens (Knuth; for means below about 10). */
export function poisson(random: Random, mean: number): number {
  if (mean <= 0) return 0;
  const limit = Math.exp(-mean);
  let count = 0;
  let product = random();
  while (product > limit && count < 1000) {
    count += 1;
    product *= random();
  }
  return count;
}
