/**
 * Reads a `--feeds` file: the systems to collect, as YAML or CSV.
 *
 *   - system: bicing                  - url: https://gbfs.example.org/gbfs.json
 *     interval: 30s                     name: example
 *                                       headers: { authorization: EXAMPLE_TOKEN }   # an environment variable's name
 *                                       areas: example.geojson
 *
 * Secrets stay out of it: headers name the environment variables that hold their values.
 */
import { dirname, resolve } from "node:path";
import { parse as parseCsv } from "csv-parse/sync";
import { isMap, isNode, isSeq, LineCounter, parseDocument } from "yaml";
import { LEAST_INTERVAL_MS } from "../stages/collect/options.ts";
import { parseOption } from "./option-types.ts";
import { ConfigError } from "../errors.ts";

/** One system of the list. */
export interface ListedFeed {
  /** A URL, or a name of the catalogue. */
  readonly feed: string;
  /** Its id in every record, instead of the feed's own. */
  readonly name: string | null;
  readonly headers: Readonly<Record<string, string>>;
  /** ms; null: as for all. */
  readonly interval: number | "auto" | null;
  readonly areas: string | null;
  readonly areasProperty: string | null;
}

const FIELDS = ["name", "url", "system", "headers", "interval", "areas", "areas-property"];

/**
 * @param path for messages, and what relative paths in it are relative to
 * @throws ConfigError naming the entry at fault
 */
export function parseFeedList(
  path: string,
  text: string,
  env: Readonly<Record<string, string | undefined>>,
): ListedFeed[] {
  const entries = /\.(csv|tsv)$/i.test(path) ? csvEntries(path, text) : yamlEntries(path, text);
  const feeds = entries.map(({ entry, where }) => listedFeed(entry, where, path, env));
  const seen = new Set<string>();
  feeds.forEach(({ feed, name }, index) => {
    const key = name ?? feed;
    // The URL itself is not repeated: it may hold a secret.
    if (seen.has(key))
      throw new ConfigError(
        `Entry ${index + 1} of ${path} is listed before. Remove it, or name the two apart.`,
      );
    seen.add(key);
  });
  return feeds;
}

interface Entry {
  readonly entry: Readonly<Record<string, unknown>>;
  readonly where: string;
}

function yamlEntries(path: string, text: string): Entry[] {
  let root: unknown;
  let lines: readonly number[] = [];
  try {
    const counter = new LineCounter();
    const document = parseDocument(text, { lineCounter: counter, logLevel: "error" });
    const [error] = document.errors;
    if (error !== undefined) throw error;
    // Aliases that multiply ("billion laughs") end here too.
    root = document.toJS({ maxAliasCount: 100 }) as unknown;
    lines = linesOf(document.contents, counter);
  } catch (error) {
    throw new ConfigError(
      `${path} is not YAML (${(error as Error).message.split("\n")[0]}). Correct the file.`,
      { cause: error },
    );
  }
  const list = Array.isArray(root) ? root : (root as { feeds?: unknown } | null)?.feeds;
  if (!Array.isArray(list))
    throw new ConfigError(`${path} must be a list of feeds, each with a url or a system. Correct the file.`);
  return list.map((item: unknown, index) => {
    const line = lines[index];
    const where = `Entry ${index + 1} of ${path}${line === undefined ? "" : ` (line ${line})`}`;
    if (typeof item === "string")
      return { entry: { [/^https?:/i.test(item) ? "url" : "system"]: item }, where };
    if (typeof item !== "object" || item === null)
      throw new ConfigError(`${where} is not a feed. Give it a url or a system.`);
    return { entry: item as Record<string, unknown>, where };
  });
}

/** The line on which each entry of the list begins. */
function linesOf(contents: unknown, counter: LineCounter): readonly number[] {
  const list = isMap(contents) ? contents.get("feeds", true) : contents;
  if (!isSeq(list)) return [];
  return list.items.map((item) => counter.linePos((isNode(item) ? item.range?.[0] : 0) ?? 0).line);
}

function csvEntries(path: string, text: string): Entry[] {
  let rows: { record: Record<string, string>; info: { lines: number } }[];
  try {
    rows = parseCsv(text.replace(/^\uFEFF/, ""), {
      columns: (names: string[]) => names.map((name) => name.trim().toLowerCase()),
      delimiter: [",", ";", "\t"],
      trim: true,
      skip_empty_lines: true,
      info: true,
    }) as unknown as typeof rows;
  } catch (error) {
    throw new ConfigError(`${path} is not CSV (${(error as Error).message}). Correct the file.`, {
      cause: error,
    });
  }
  return rows.map(({ record, info }) => ({
    entry: withoutEmpty(record),
    where: `Line ${info.lines} of ${path}`,
  }));
}

function withoutEmpty(record: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== ""));
}

function listedFeed(
  entry: Entry["entry"],
  where: string,
  path: string,
  env: Readonly<Record<string, string | undefined>>,
): ListedFeed {
  for (const field of Object.keys(entry)) {
    if (!FIELDS.includes(field))
      throw new ConfigError(
        `${where} has "${field}", which is none of ${FIELDS.join(", ")}. Correct the file.`,
      );
  }
  const text = (field: string): string | null => {
    const value = entry[field];
    if (value === undefined || value === null) return null;
    if (typeof value === "string" || typeof value === "number") return String(value);
    throw new ConfigError(`${where}: "${field}" must be text. Correct the file.`);
  };
  const [url, system] = [text("url"), text("system")];
  if ((url === null) === (system === null))
    throw new ConfigError(`${where} needs a url or a system, and not both. Correct the file.`);
  if (url !== null) {
    const problem = urlProblem(url);
    // The URL itself is not repeated: it may hold a secret.
    if (problem !== null) throw new ConfigError(`${where}: ${problem} Correct the file.`);
  }
  const interval = text("interval");
  const areas = text("areas");
  return {
    feed: url ?? system ?? "",
    name: text("name"),
    headers: headersOf(entry["headers"], where, env),
    interval:
      interval === null
        ? null
        : parseOption("duration-or-auto", interval, `${where}: interval`, { least: LEAST_INTERVAL_MS }),
    areas: areas === null ? null : resolve(dirname(path), areas),
    areasProperty: text("areas-property"),
  };
}

/** Why a URL cannot be asked; null when it can. */
function urlProblem(text: string): string | null {
  const url = /^https?:\/\//i.test(text) && !/\s/.test(text) ? URL.parse(text) : null;
  if (url === null) return "the url is not an http or https URL.";
  const escaped = [url.username, url.password].every((part) => /^(?:[^%]|%[0-9a-f]{2})*$/i.test(part));
  return escaped ? null : "a % in the url's user or password must be written %25.";
}

/** `{header: VARIABLE}` in YAML, `header=VARIABLE other=VARIABLE` in CSV. */
function headersOf(
  value: unknown,
  where: string,
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  if (value === undefined || value === null) return {};
  const pairs =
    typeof value === "string"
      ? value.split(/\s+/).map((pair) => pair.split("=", 2) as [string, string?])
      : typeof value === "object"
        ? Object.entries(value)
        : [];
  const headers: Record<string, string> = {};
  for (const [name, variable] of pairs) {
    if (
      !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) ||
      typeof variable !== "string" ||
      !/^\w+$/.test(variable)
    ) {
      throw new ConfigError(
        `${where}: headers must name environment variables, like "authorization: EXAMPLE_TOKEN". Correct the file.`,
      );
    }
    const secret = env[variable];
    if (secret === undefined || secret === "")
      throw new ConfigError(`${where}: the environment variable ${variable} is not set. Set it.`);
    if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(secret)) {
      throw new ConfigError(
        `${where}: the environment variable ${variable} holds what no header may. Check it.`,
      );
    }
    headers[name.toLowerCase()] = secret;
  }
  return headers;
}
