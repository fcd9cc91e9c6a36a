/**
 * Which feeds are collected: `--feed` and `--feeds`, with names looked up in the catalogue and manifests unfolded; read
 * again when the file changes, once a day where the catalogue is the list, and soon after a look-up that failed.
 */
import { readFileSync, statSync } from "node:fs";
import { parseFeedList, type ListedFeed } from "../../config/feed-list.ts";
import { decodeDiscovery, understoodVersions, type VersionLink } from "../../domain/gbfs/discovery.ts";
import { ConfigError, FeedError, UsageError } from "../../errors.ts";
import { targetOf, type Catalogue } from "../../feed/catalogue.ts";
import { FeedFile, type FileAnswer } from "../../feed/feed-file.ts";
import { safeSystemId, typedTarget, velibTarget, type FeedTarget } from "../../feed/feed-target.ts";
import type { HttpClient } from "../../feed/http-client.ts";
import { atMost } from "../../feed/patience.ts";
import type { Clock, Logger } from "../../ports.ts";

/** One feed, resolved. */
export interface DirectoryFeed {
  readonly key: string;
  readonly target: FeedTarget;
  readonly listed: ListedFeed;
}

export interface FeedDirectoryOptions {
  /** `--feed` */
  readonly feed: readonly string[];
  /** `--feeds`: a file, or `all`. */
  readonly feeds: string | null;
  readonly catalogue: Catalogue;
  readonly client: HttpClient;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** How often the file is looked at: cheaper and surer than watching, which network disks do not support. */
const LOOK_MS = 2_000;
const DAILY_MS = 24 * 3_600_000;
const RETRY_MS = 60_000;
/** How long a URL is waited for that may be a manifest's. */
const PATIENCE_MS = 5_000;

export class FeedDirectory {
  readonly #options: FeedDirectoryOptions;
  #seen = "";
  #incomplete = false;
  /** Whether what is at a URL is a manifest. */
  readonly #manifests = new Map<string, boolean>();

  constructor(options: FeedDirectoryOptions) {
    this.#options = options;
  }

  /** False when the list can change while running. */
  get fixed(): boolean {
    return this.#options.feeds === null && !this.#options.feed.some(isManifest);
  }

  /**
   * @throws UsageError or ConfigError for a feed that is none
   * @throws FeedError when no feed at all could be looked up
   */
  async load(signal: AbortSignal): Promise<readonly DirectoryFeed[]> {
    const { feeds, catalogue, logger } = this.#options;
    this.#incomplete = false;
    if (feeds === "all") {
      const systems = await catalogue.load(signal);
      return systems
        .filter(({ authenticated }) => !authenticated)
        .flatMap((system) => {
          const listed = plain(system.systemId);
          return [{ key: system.systemId, target: targetOf(system), listed }];
        });
    }
    const listed = feeds === null ? this.#options.feed.map(plain) : this.#readFile(feeds);
    const resolved: DirectoryFeed[] = [];
    const answers = await Promise.allSettled(listed.map((one) => this.#resolve(one, signal)));
    for (const answer of answers) {
      if (answer.status === "fulfilled") resolved.push(...answer.value);
      else {
        // A catalogue or manifest that is away must not keep the other feeds from starting.
        const error: unknown = answer.reason;
        if (!(error instanceof FeedError) || listed.length === 1) throw error;
        this.#incomplete = true;
        logger.warn("feeds.not_found", error.message);
      }
    }
    return withOwnKeys(resolved);
  }

  /** Resolves when the list may have changed. */
  async changed(signal: AbortSignal): Promise<void> {
    const { clock, feeds } = this.#options;
    const untilMs = clock.now() + (this.#incomplete ? RETRY_MS : DAILY_MS);
    while (!signal.aborted && clock.now() < untilMs) {
      await clock.sleep(feeds === null || feeds === "all" ? RETRY_MS : LOOK_MS, signal);
      if (feeds !== null && feeds !== "all" && stamp(feeds) !== this.#seen) return;
    }
  }

  #readFile(path: string): readonly ListedFeed[] {
    this.#seen = stamp(path);
    let text: string;
    try {
      text = readFileSync(path, "utf8");
    } catch (error) {
      const reason = (error as NodeJS.ErrnoException).code ?? String(error);
      throw new ConfigError(`--feeds: ${path} cannot be read (${reason}). Check the path.`, { cause: error });
    }
    return parseFeedList(path, text, this.#options.env);
  }

  async #resolve(listed: ListedFeed, signal: AbortSignal): Promise<DirectoryFeed[]> {
    const target = await this.#target(listed, signal);
    if (isManifest(listed.feed) || (await this.#holdsManifest(target, listed, signal)))
      return this.#unfold(listed, target, signal);
    const systemId = listed.name === null ? target.systemId : safeSystemId(listed.name);
    const renamed = systemId !== null && systemId !== target.description?.systemId;
    const own = {
      ...target,
      systemId,
      headers: listed.headers,
      description: renamed ? null : target.description,
    };
    return [{ key: listed.name ?? listed.feed, target: own, listed }];
  }

  async #target(listed: ListedFeed, signal: AbortSignal): Promise<FeedTarget> {
    const { feed } = listed;
    if (feed === "velib") return velibTarget();
    if (!/^[a-z]+:\/\//i.test(feed)) return this.#options.catalogue.resolve(feed, signal);
    const target = typedTarget(feed, listed.headers);
    if (target !== null) return target;
    // The URL itself is not repeated: it may hold credentials.
    throw new UsageError(
      "--feed: a URL is malformed, or neither http nor https. Write the address of a gbfs.json or station_status.json.",
    );
  }

  /** A manifest under another name is known by what is in it; who does not answer soon is asked as a feed. */
  async #holdsManifest(target: FeedTarget, listed: ListedFeed, signal: AbortSignal): Promise<boolean> {
    if (!target.typed || target.description !== null || /status|information/i.test(target.url.pathname))
      return false;
    const known = this.#manifests.get(target.url.href);
    if (known !== undefined) return known;
    const scope = this.#options.client.scope();
    const file = new FeedFile(scope, scope.trust(target.url, listed.headers));
    let answer: FileAnswer | null = null;
    await atMost(
      PATIENCE_MS,
      file.fetch(signal).then((came) => {
        answer = came;
        // What is taken of it is small; who comes too late holds nothing.
        if (came.ok) came.release();
        return came;
      }),
    );
    const came = answer as FileAnswer | null;
    if (came?.ok !== true) return false;
    const found = decodeDiscovery(came.body)?.kind === "manifest";
    this.#manifests.set(target.url.href, found);
    return found;
  }

  async #unfold(listed: ListedFeed, target: FeedTarget, signal: AbortSignal): Promise<DirectoryFeed[]> {
    const scope = this.#options.client.scope();
    const url = scope.trust(target.url, listed.headers);
    const answer = await new FeedFile(scope, url).fetch(signal);
    if (!answer.ok) throw new FeedError("VELOSTREAM_FEED_UNAVAILABLE", answer.message);
    const found = decodeDiscovery(answer.body);
    answer.release();
    if (found?.kind !== "manifest") {
      throw new FeedError(
        "VELOSTREAM_FEED_INVALID",
        `${url.host} answered something that is not a manifest. Check the URL.`,
      );
    }
    return found.systems.flatMap(({ systemId, versions }) => {
      const links = absolute(understoodVersions(versions), url);
      const [best] = links;
      if (best === undefined) return [];
      const own = new URL(best.url);
      // Systems on the manifest's own origin are as trusted as it is.
      const typed = own.origin === url.origin;
      const description = null;
      const headers = typed ? listed.headers : {};
      return [
        {
          key: systemId,
          target: {
            url: own,
            typed,
            headers,
            description,
            systemId: safeSystemId(systemId),
            ...(links.length > 1 && { versions: links }),
          },
          listed,
        },
      ];
    });
  }
}

/** Links whose URLs stand by themselves; those that are none are left out. */
function absolute(links: readonly VersionLink[], base: URL): VersionLink[] {
  return links.flatMap(({ version, url }) => {
    const found = URL.parse(url, base.href);
    return found === null ? [] : [{ version, url: found.href }];
  });
}

/** Two systems under one key would be one: the second gets a key of its own, and is told of as the second. */
function withOwnKeys(feeds: readonly DirectoryFeed[]): DirectoryFeed[] {
  const taken = new Set<string>();
  return feeds.map((feed) => {
    let { key } = feed;
    for (let n = 2; taken.has(key); n += 1) key = `${feed.key} ${n}`;
    taken.add(key);
    return { ...feed, key };
  });
}

function plain(feed: string): ListedFeed {
  return { feed, name: null, headers: {}, interval: null, areas: null, areasProperty: null };
}

function isManifest(feed: ListedFeed | string): boolean {
  const text = typeof feed === "string" ? feed : feed.feed;
  return /^https?:\/\/[^?#]*\/manifest(\.json)?([?#]|$)/i.test(text);
}

/** Changes whenever the file does; empty when there is none. */
function stamp(path: string): string {
  try {
    const { mtimeMs, size, ino } = statSync(path);
    return `${mtimeMs} ${size} ${ino}`;
  } catch {
    return "";
  }
}
