/** `npm run bombs`: each bomb alone, then 64 systems of all kinds at once; `npm run bombs -- "blanks" --systems 8`. */
import { parseArgs } from "node:util";
import { attack } from "./attack.ts";
import { BOMBS } from "./bodies.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    systems: { type: "string" },
    seconds: { type: "string", default: "12" },
    all: { type: "boolean" },
  },
});
const MOST_BYTES = 300e6;
const seconds = Number(values.seconds);
const names = Object.keys(BOMBS);
const unknown = positionals.filter((name) => !names.includes(name));
if (unknown.length > 0) {
  console.error(`No bomb is called ${unknown.join(", ")}. There are: ${names.join(", ")}.`);
  process.exit(64);
}
const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;
const idle = new Map<number, number>();
let failed = false;

/** What the process takes with as many systems that are small and plain. */
async function idleBytes(systems: number): Promise<number> {
  const known = idle.get(systems);
  if (known !== undefined) return known;
  const { endBytes } = await attack({ kinds: names.slice(0, 1), systems, forMs: 8_000, armed: false });
  console.log(`${systems} plain systems: ${mb(endBytes)} at rest`);
  idle.set(systems, endBytes);
  return endBytes;
}

async function run(what: string, kinds: readonly string[], systems: number, forMs: number): Promise<void> {
  const rest = await idleBytes(systems);
  const { peakBytes, endBytes, slowAnswers, answers, endedBy, outcomes } = await attack({
    kinds,
    systems,
    forMs,
    armed: true,
  });
  const above = peakBytes - rest;
  const bad = endedBy !== null || above > MOST_BYTES;
  failed ||= bad;
  const told = Object.entries(outcomes)
    .map(([outcome, count]) => `${outcome} ${count}`)
    .join(", ");
  console.log(
    `${bad ? "FAILED" : "held"}  ${what}: ${mb(above)} above rest at most, ${mb(endBytes - rest)} at the end; ` +
      `${slowAnswers} of ${answers} answers of health after more than a second; polls: ${told}${endedBy === null ? "" : `; ended with ${endedBy}`}`,
  );
}

const alone = Number(values.systems ?? 1);
for (const name of positionals.length > 0 ? positionals : names)
  await run(`${name} × ${alone}`, [name], alone, seconds * 1_000);
if (positionals.length === 0 || values.all === true) await run("all kinds × 64", names, 64, 40_000);
process.exit(failed ? 1 : 0);
