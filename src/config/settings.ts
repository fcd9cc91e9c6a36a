/**
 * Settles every option's value: flags > environment > file > defaults; unknown names and malformed values are errors
 * that say where they came from.
 *
 *   argv ──┐
 *   env  ──┼──▶ raw texts by option, first one wins ──parse──▶ Settings
 *   file ──┘
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { closest, distance } from "fastest-levenshtein";
import { parse as parseYaml } from "yaml";
import { ConfigError, UsageError } from "../errors.ts";
import { parseOption, type OptionKind } from "./option-types.ts";
import {
  COMMON_OPTIONS,
  environmentName,
  OPTIONS,
  type OptionName,
  type OptionRow,
  type Settings,
} from "./options.ts";

export interface CommandLine {
  readonly settings: Settings;
  readonly positionals: readonly string[];
  /** `--help` or `-h` stood anywhere. */
  readonly help: boolean;
  /** Where each option that is not at its default came from, for `doctor`. */
  readonly origins: ReadonlyMap<OptionName, string>;
}

export interface SettleInput {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The command's own options; COMMON_OPTIONS are added. */
  readonly accepts: readonly OptionName[];
  /** For messages: `velostream collect`. */
  readonly commandName: string;
}

/** Environment variables with our prefix that are no options: they steer tests and packaging. */
const NOT_OPTIONS: ReadonlySet<string> = new Set(["VELOSTREAM_CACHE"]);

const rowOf = (name: OptionName): OptionRow => OPTIONS[name];
const isOption = (name: string): name is OptionName => Object.hasOwn(OPTIONS, name);

/**
 * @throws UsageError for an unknown flag or one that the command does not take
 * @throws ConfigError for anything wrong in a value, the environment or the file
 */
export function settle(input: SettleInput): CommandLine {
  const accepted = new Set<OptionName>([...input.accepts, ...COMMON_OPTIONS]);
  const { flags, positionals, help } = readFlags(input, accepted);
  const values: Record<string, unknown> = {};
  const origins = new Map<OptionName, string>();
  const environment = readEnvironment(input.env);
  const configFile = flags.get("config")?.text ?? environment.get("config")?.text;
  const file = configFile === undefined ? new Map<OptionName, Raw>() : readFile(configFile);
  for (const name of Object.keys(OPTIONS) as OptionName[]) {
    const row = rowOf(name);
    const raw = flags.get(name) ?? environment.get(name) ?? file.get(name);
    if (raw === undefined) {
      values[name] = row.default;
      continue;
    }
    values[name] = parseOption(row.kind, raw.text, raw.origin, row);
    origins.set(name, raw.origin);
  }
  return { settings: values as unknown as Settings, positionals, help, origins };
}

interface Raw {
  readonly text: string;
  readonly origin: string;
}

function readFlags(
  input: SettleInput,
  accepted: ReadonlySet<OptionName>,
): { flags: Map<OptionName, Raw>; positionals: string[]; help: boolean } {
  const known = Object.entries<OptionRow>(OPTIONS).filter(([, row]) => row.kind !== "secret");
  const { tokens } = parseArgs({
    args: [...input.args],
    options: {
      help: { type: "boolean", short: "h" },
      ...Object.fromEntries(
        known.map(([name, row]) => [name, { type: row.kind === "flag" ? "boolean" : "string" } as const]),
      ),
    },
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const flags = new Map<OptionName, Raw>();
  const positionals: string[] = [];
  let help = false;
  for (const token of tokens) {
    if (token.kind === "positional") positionals.push(token.value);
    if (token.kind !== "option") continue;
    const positive = token.name.replace(/^no-/, "");
    const negated = positive !== token.name && isOption(positive) && rowOf(positive).kind === "flag";
    const name = negated ? positive : token.name;
    if (name === "help" || token.rawName === "-h") {
      help = true;
      continue;
    }
    if (!isOption(name)) throw unknownFlag(token.rawName, input.commandName, accepted);
    const row = rowOf(name);
    if (row.kind === "secret")
      throw new UsageError(
        `${token.rawName} is a secret and has no flag (other users would see it). Set ${environmentName(name)}, or ${environmentName(name)}_FILE to a file that holds it.`,
      );
    if (!accepted.has(name))
      throw new UsageError(
        `${token.rawName} is not an option of "${input.commandName}". See "${input.commandName} --help".`,
      );
    if (row.kind === "flag" && token.value !== undefined)
      throw new UsageError(`${token.rawName} takes no value. Write ${token.rawName} or --no-${name}.`);
    if (row.kind !== "flag" && token.value === undefined)
      throw new UsageError(
        `${token.rawName} needs a value. Write ${token.rawName} ${row.metavar ?? "VALUE"}.`,
      );
    flags.set(name, {
      text: row.kind === "flag" ? String(!negated) : (token.value ?? ""),
      origin: token.rawName,
    });
  }
  return { flags, positionals, help };
}

function unknownFlag(rawName: string, commandName: string, accepted: ReadonlySet<OptionName>): UsageError {
  const name = rawName.replace(/^-+/, "");
  const near = [...accepted].find((option) => name === `no-${option}`) ?? nearest(name, [...accepted]);
  const hint = near === null ? "" : ` Did you mean --${near}?`;
  return new UsageError(`${rawName} is not an option.${hint} See "${commandName} --help".`);
}

/** The candidate that a typo most likely meant; null when none is close. */
export function nearest(word: string, candidates: readonly string[]): string | null {
  if (candidates.length === 0 || word === "") return null;
  const candidate = closest(word, [...candidates]);
  return distance(word, candidate) <= Math.max(2, Math.floor(word.length / 3)) ? candidate : null;
}

function readEnvironment(env: SettleInput["env"]): Map<OptionName, Raw> {
  const raws = new Map<OptionName, Raw>();
  const known = new Set<string>(NOT_OPTIONS);
  for (const name of Object.keys(OPTIONS) as OptionName[]) {
    const row = rowOf(name);
    const variable = environmentName(name);
    known.add(variable).add(`${variable}_FILE`);
    for (const candidate of [variable, ...(row.envAliases ?? [])]) {
      const text = env[candidate];
      // An empty variable is how shells and compose files say "not set".
      if (text === undefined || text === "" || raws.has(name)) continue;
      raws.set(name, { text, origin: `${candidate} (environment)` });
    }
    const path = env[`${variable}_FILE`];
    if (row.kind === "secret" && path !== undefined && path !== "" && !raws.has(name)) {
      raws.set(name, {
        text: readText(path, `${variable}_FILE`).trim(),
        origin: `${variable}_FILE (environment)`,
      });
    }
  }
  for (const variable of Object.keys(env)) {
    if (!variable.startsWith("VELOSTREAM_") || known.has(variable)) continue;
    const near = nearest(variable, [...known]);
    throw new ConfigError(
      `${variable} (environment) is not an option.${near === null ? "" : ` Did you mean ${near}?`} Unset it, or see docs/configuration.md.`,
    );
  }
  return raws;
}

function readFile(path: string): Map<OptionName, Raw> {
  let content: unknown;
  try {
    content = parseYaml(readText(path, "--config"), { logLevel: "error" });
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError(
      `${path}: is not YAML (${(error as Error).message.split("\n")[0]}). Correct the file.`,
      {
        cause: error,
      },
    );
  }
  const raws = new Map<OptionName, Raw>();
  if (content === null || content === undefined) return raws;
  if (typeof content !== "object" || Array.isArray(content))
    throw new ConfigError(`${path}: must hold options by name, like "interval: 10s". Correct the file.`);
  for (const [name, value] of Object.entries(content)) {
    const origin = `${path}: ${name}`;
    if (!isOption(name) || name === "config") {
      const near = nearest(name, Object.keys(OPTIONS));
      throw new ConfigError(
        `${origin} is not an option.${near === null ? "" : ` Did you mean ${near}?`} Correct the file.`,
      );
    }
    raws.set(name, { text: fileText(rowOf(name).kind, value, origin), origin });
  }
  return raws;
}

function fileText(kind: OptionKind, value: unknown, origin: string): string {
  if (kind === "secret")
    throw new ConfigError(
      `${origin} is a secret and does not belong in this file. Set it in the environment.`,
    );
  if (kind === "list" && Array.isArray(value)) return value.map(String).join(",");
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean")
    return String(value);
  throw new ConfigError(`${origin} has a value of the wrong kind. Correct the file.`);
}

function readText(path: string, origin: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new ConfigError(
      `${origin}: ${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? "unknown error"}). Check the path.`,
      { cause: error },
    );
  }
}
