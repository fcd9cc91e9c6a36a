/** How one option's text becomes a value: the kinds of the option table, each with its parser and its unit. */
import { ConfigError } from "../errors.ts";

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** The value each kind of option has once parsed. */
export interface OptionValues {
  string: string;
  /** Comma separated on the command line and in the environment, a list in a file. */
  list: readonly string[];
  flag: boolean;
  integer: number;
  /** Milliseconds; written `500ms`, `10s`, `5m`, `24h`, `90d`. */
  duration: number;
  /** Milliseconds, or `auto`. */
  "duration-or-auto": number | "auto";
  /** A positive factor, or `max` (Infinity). */
  speed: number;
  port: number;
  path: string;
  /** Text that is never printed and has no flag: environment, or a file named by the variable with `_FILE` added. */
  secret: string;
}

export type OptionKind = keyof OptionValues;

/** The headings that options stand under, in this order, in help and in docs/configuration.md. */
export const OPTION_GROUPS = {
  feed: "Feed",
  kafka: "Kafka",
  spark: "Spark",
  serve: "Page and API",
  history: "History",
  mqtt: "MQTT and Home Assistant",
  simulate: "Simulator",
  output: "Output",
} as const;

export type OptionGroup = keyof typeof OPTION_GROUPS;

/** One row of the table of options. */
export interface OptionRow {
  readonly kind: OptionKind;
  /** What stands for the value in help, e.g. `DURATION`; none for flags. */
  readonly metavar?: string;
  /** null: not set. */
  readonly default: OptionValues[OptionKind] | null;
  readonly choices?: readonly string[];
  /** The least number, or duration in ms, that means anything. */
  readonly least?: number;
  /** What `--no-…` does, for a flag that is on by default. */
  readonly without?: string;
  /** Other environment variables that mean the same; the VELOSTREAM_ one wins. */
  readonly envAliases?: readonly string[];
  readonly help: string;
  readonly group: OptionGroup;
}

/** Thrown by the parsers below; the caller adds the option's name and where the value came from. */
class Malformed extends Error {}

const PARSERS: { readonly [K in OptionKind]: (text: string) => OptionValues[K] } = {
  string: (text) => text,
  path: (text) => text,
  secret: (text) => text,
  list: (text) =>
    text
      .split(",")
      .map((item) => item.trim())
      .filter((item) => item !== ""),
  flag: (text) => {
    if (/^(true|1|yes|on)$/i.test(text)) return true;
    if (/^(false|0|no|off)$/i.test(text)) return false;
    throw new Malformed("is neither true nor false");
  },
  integer: (text) => {
    if (!/^\d{1,15}$/.test(text)) throw new Malformed("is not a whole number");
    return Number(text);
  },
  port: (text) => {
    if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) throw new Malformed("is not a port (0 to 65535)");
    return Number(text);
  },
  duration: parseDuration,
  "duration-or-auto": (text) => (text === "auto" ? "auto" : parseDuration(text)),
  speed: (text) => {
    if (text === "max") return Infinity;
    const factor = Number(text);
    if (!/^\d+(\.\d+)?$/.test(text) || factor <= 0)
      throw new Malformed('is not a speed: write a number like 60, or "max"');
    return factor;
  },
};

function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text);
  const unit = UNIT_MS[match?.[2] ?? ""];
  if (unit === undefined)
    throw new Malformed("is not a duration: write a number and a unit, like 500ms, 10s, 5m, 24h, 90d");
  return Math.round(Number(match?.[1]) * unit);
}

/**
 * Parses one value.
 * @param origin where it came from, as the user knows it: `--interval`, `VELOSTREAM_INTERVAL (environment)`
 * @throws ConfigError naming the origin; the text itself is left out for secrets
 */
export function parseOption<K extends OptionKind>(
  kind: K,
  text: string,
  origin: string,
  { choices, least }: Pick<OptionRow, "choices" | "least"> = {},
): OptionValues[K] {
  try {
    if (kind !== "flag" && kind !== "list" && text === "") throw new Malformed("is empty");
    const value = PARSERS[kind](text);
    // Nothing is not a default: a script whose variable is not set must not get another log, or no feed at all.
    if (Array.isArray(value) && value.length === 0) throw new Malformed("is empty");
    if (least !== undefined && typeof value === "number" && value < least)
      throw new Malformed(
        `is too little: at least ${kind.startsWith("duration") ? formatDuration(least) : least}`,
      );
    for (const item of choices === undefined ? [] : Array.isArray(value) ? value : [value]) {
      if (choices?.includes(String(item)) !== true)
        throw new Malformed(`is none of ${choices?.join(", ") ?? ""}`);
    }
    return value;
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    throw new ConfigError(
      `${origin}: ${kind === "secret" ? "the value" : JSON.stringify(text)} ${error.message}.`,
    );
  }
}

/** A duration as people write it, for messages and docs: the largest unit that divides it. */
export function formatDuration(durationMs: number): string {
  for (const unit of ["d", "h", "m", "s"] as const) {
    const size = UNIT_MS[unit] ?? 1;
    if (durationMs >= size && durationMs % size === 0) return `${durationMs / size}${unit}`;
  }
  return `${durationMs}ms`;
}
