/**
 * MobilityData's catalogue of GBFS systems (systems.csv, CC BY 3.0): fetched once a day, kept on disk, used as it is
 * kept when it cannot be fetched.
 *
 *   load ─▶ kept today? ─▶ that
 *               │ no
 *               ▼
 *           fetch ─▶ good: keep, use        failed: what is kept, however old, with a warning; else an error
 */
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { closest, distance } from "fastest-levenshtein";
import { folded, systemsNamed, type CatalogueSystem } from "../domain/catalogue.ts";
import { ConfigError, FeedError } from "../errors.ts";
import type { Clock, Logger } from "../ports.ts";
import type { FeedTarget } from "./feed-target.ts";
import { typedTarget } from "./feed-target.ts";
import { parseCatalogue, type CatalogueRows } from "./catalogue-rows.ts";
import type { HttpClient } from "./http-client.ts";

const CATALOGUE_URL = "https://raw.githubusercontent.com/MobilityData/gbfs/master/systems.csv";
/** Shown wherever the catalogue is: its licence asks for it. */
export const CATALOGUE_ATTRIBUTION = "Catalogue: systems.csv by MobilityData, CC BY 3.0";
const FRESH_MS = 24 * 3_600_000;
/** Rows that cannot be used are named one by one up to here. */
const MOST_NAMED = 20;

export interface CatalogueOptions {
  readonly client: HttpClient;
  /** Where the catalogue is kept between runs. */
  readonly cacheFile: string;
  /** A URL, or the path of a file (`--catalogue`). @default MobilityData's */
  readonly source?: string | null;
  readonly clock: Pick<Clock, "now">;
  readonly logger: Logger;
}

export class Catalogue {
  readonly #options: CatalogueOptions;
  #systems: (CatalogueRows & { readonly atMs: number }) | null = null;

  constructor(options: CatalogueOptions) {
    this.#options = options;
  }

  /**
   * @throws FeedError when there is no catalogue at all, neither there nor kept
   * @throws ConfigError when the user's own catalogue file cannot be used
   */
  async load(signal?: AbortSignal): Promise<readonly CatalogueSystem[]> {
    const nowMs = this.#options.clock.now();
    if (this.#systems !== null && nowMs - this.#systems.atMs < FRESH_MS) return this.#systems.systems;
    const rows = parseCatalogue(await this.#text(nowMs, signal));
    this.#systems = { ...rows, atMs: nowMs };
    this.#tell(rows.unusable);
    return rows.systems;
  }

  /** Rows of the catalogue as last loaded that cannot be used. */
  get unusableRows(): number {
    return this.#systems?.unusable.length ?? 0;
  }

  #tell(unusable: readonly string[]): void {
    const { logger } = this.#options;
    for (const problem of unusable.slice(0, MOST_NAMED))
      logger.warn("catalogue.row_unusable", `The catalogue, ${problem}`);
    const more = unusable.length - MOST_NAMED;
    if (more > 0)
      logger.warn("catalogue.rows_unusable", `${more} more rows of the catalogue cannot be used.`, {
        rows: more,
      });
  }

  /**
   * The one system that `name` means.
   * @throws ConfigError naming the nearest, when it means none or several
   */
  async resolve(name: string, signal?: AbortSignal): Promise<FeedTarget> {
    const systems = await this.load(signal);
    const found = systemsNamed(systems, name);
    const [first, second] = found;
    if (first !== undefined && second === undefined) return targetOf(first);
    if (first !== undefined) {
      const some = found
        .slice(0, 5)
        .map((system) => `${system.systemId} (${system.name}, ${system.location})`);
      throw new ConfigError(
        `"${name}" is the name of ${found.length} systems: ${some.join(", ")}${found.length > 5 ? ", …" : ""}. ` +
          "Give one by its id.",
      );
    }
    const names = new Map(
      systems.flatMap((system) => [system.systemId, system.name].map((text) => [folded(text), system])),
    );
    const near = closest(folded(name), [...names.keys()]);
    const system = distance(folded(name), near) <= 3 ? names.get(near) : undefined;
    throw new ConfigError(
      `No system is called "${name}".${system === undefined ? "" : ` Did you mean ${system.systemId} (${system.name})?`} ` +
        'Search with "npx velostream systems TEXT", or give the URL of its gbfs.json.',
    );
  }

  async #text(nowMs: number, signal?: AbortSignal): Promise<string> {
    const source = this.#options.source ?? CATALOGUE_URL;
    const target = typedTarget(source);
    if (target === null) return readOwn(source);
    const { cacheFile, client, logger } = this.#options;
    const kept = readKept(cacheFile);
    if (kept !== null && nowMs - kept.atMs < FRESH_MS) return kept.text;
    const scope = client.scope();
    const answer = await scope.get(scope.trust(target.url), null, signal);
    const text = answer.ok ? (answer.body?.parts.join("") ?? "") : "";
    if (answer.ok) answer.body?.share.release();
    if (parseCatalogue(text).systems.length > 0) {
      keep(cacheFile, text, nowMs, logger);
      return text;
    }
    const reason = answer.ok
      ? `${target.url.host} sent no catalogue.`
      : (answer.message.split(". ")[0] ?? "") + ".";
    if (kept === null) {
      throw new FeedError(
        "VELOSTREAM_FEED_UNAVAILABLE",
        `The catalogue of systems could not be fetched: ${reason} Connect to the network once, or give the URL of a gbfs.json instead of a name.`,
      );
    }
    const days = Math.floor((nowMs - kept.atMs) / FRESH_MS);
    logger.warn("catalogue.old", `${reason} The catalogue of ${days} days ago is used.`, { days });
    return kept.text;
  }
}

/** A system of the catalogue as a feed. Its URL comes from a stranger; its id is the catalogue's word. */
export function targetOf(system: CatalogueSystem): FeedTarget {
  const known = typedTarget(system.discoveryUrl);
  if (known === null) {
    throw new FeedError(
      "VELOSTREAM_FEED_REFUSED",
      `The catalogue's URL of ${system.systemId} is none. Tell MobilityData, or give the URL of its gbfs.json.`,
    );
  }
  return { ...known, typed: false, systemId: known.systemId ?? system.systemId };
}

function readOwn(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new ConfigError(`The catalogue ${path} cannot be read (${reason}). Check --catalogue.`, {
      cause: error,
    });
  }
  if (parseCatalogue(text).systems.length > 0) return text;
  throw new ConfigError(
    `The catalogue ${path} holds no systems. It must be a CSV with the columns "System ID" and "Auto-Discovery URL".`,
  );
}

function readKept(path: string): { text: string; atMs: number } | null {
  try {
    return { text: readFileSync(path, "utf8"), atMs: statSync(path).mtimeMs };
  } catch {
    return null;
  }
}

function keep(path: string, text: string, nowMs: number, logger: Logger): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    // Whole or not at all: a crash must not leave half a catalogue.
    writeFileSync(`${path}.${process.pid}`, text);
    renameSync(`${path}.${process.pid}`, path);
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? String(error);
    logger.warn("catalogue.not_kept", `The catalogue cannot be kept at ${path} (${reason}).`, { nowMs });
  }
}
