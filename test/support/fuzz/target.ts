/** What the fuzzer attacks, and what it bends bytes with. The same seed does the same. */

/** Numbers in [0, 1). */
export type Random = () => number;

export interface FuzzTarget {
  readonly name: string;
  /** Prepares what all attacks share: a server, a folder. */
  open(): Promise<OpenTarget>;
}

export interface OpenTarget {
  /** One attack. Throws, or rejects, when something is wrong with the code. */
  once(random: Random): void | Promise<void>;
  close(): Promise<void>;
}

/** Numbers that are the same for the same seed (mulberry32). */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function pick<T>(random: Random, list: readonly T[]): T {
  return list[Math.floor(random() * list.length)] as T;
}

export function below(random: Random, most: number): number {
  return Math.floor(random() * most);
}

/** Bytes that parsers trip over: signs, quotes, ends of lines, NUL, the extremes of integers. */
const EDGES = [
  0x00, 0x01, 0x0a, 0x0d, 0x1b, 0x20, 0x22, 0x25, 0x2d, 0x30, 0x39, 0x5b, 0x5c, 0x7b, 0x7f, 0x80, 0xc0, 0xff,
];

/** The bytes with some of them changed, cut out, doubled or cut off. */
export function bentBytes(bytes: Buffer, random: Random): Buffer {
  let bent = Buffer.from(bytes);
  const times = 1 + below(random, 6);
  for (let n = 0; n < times && bent.length > 0; n += 1) {
    const at = below(random, bent.length);
    const length = 1 + below(random, Math.min(64, bent.length - at));
    const kind = below(random, 5);
    if (kind === 0) bent[at] = pick(random, EDGES);
    else if (kind === 1) bent[at] = (bent[at] ?? 0) ^ (1 << below(random, 8));
    else if (kind === 2) bent = Buffer.concat([bent.subarray(0, at), bent.subarray(at + length)]);
    else if (kind === 3) bent = Buffer.concat([bent.subarray(0, at + length), bent.subarray(at)]);
    else bent = bent.subarray(0, at);
  }
  return bent;
}

const ODD_TEXTS = [
  "",
  "\u0000",
  "\u001B]0;x\u0007",
  "\u202E",
  "__proto__",
  "constructor",
  "../../etc/passwd",
  "'; DROP TABLE stations; --",
  "%00",
  "%2e%2e%2f",
  "a".repeat(5_000),
  "🚲",
  "\ud800",
  "-1",
  "1e309",
  "NaN",
  "null",
  "\r\nx: y",
  "a:b:c",
  "*",
];

export function oddText(random: Random): string {
  const text = pick(random, ODD_TEXTS);
  return random() < 0.3 ? `${text}${pick(random, ODD_TEXTS)}` : text;
}
