/** Fuzzes the decoders for a while: `npm run fuzz -- 10` for ten minutes. Ends with the seed of the first failure. */
import { fuzzOnce, seeded } from "../test/support/gbfs-fuzz.ts";

const minutes = Number(process.argv[2] ?? 10);
const endMs = Date.now() + minutes * 60_000;
let seed = Number(process.argv[3] ?? Date.now() % 2 ** 31);
const firstSeed = seed;
let slowestMs = 0;
let slowestSeed = seed;
while (Date.now() < endMs) {
  for (let n = 0; n < 200; n += 1, seed += 1) {
    const startedMs = performance.now();
    try {
      fuzzOnce(seeded(seed));
    } catch (error) {
      console.error(`Seed ${seed} fails:`, error);
      process.exit(1);
    }
    const tookMs = performance.now() - startedMs;
    if (tookMs > slowestMs) [slowestMs, slowestSeed] = [tookMs, seed];
  }
}
const rssMb = Math.round(process.memoryUsage.rss() / 1e6);
console.log(
  `${seed - firstSeed} systems of two polls in ${minutes} minutes, from seed ${firstSeed}: no failure. ` +
    `Slowest ${slowestMs.toFixed(1)} ms (seed ${slowestSeed}); resident memory at the end ${rssMb} MB.`,
);
