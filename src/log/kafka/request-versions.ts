/**
 * Which version of each request is spoken on a connection: the highest that its broker and the client's codecs share.
 * Asked once per connection, not once per cluster: while a cluster is upgraded its brokers differ, and a broker may come
 * back older than it went.
 */
import * as kafka from "@platformatic/kafka";
import { PACKAGE_VERSION } from "../../package-version.ts";
import { hasKafkaError } from "./errors.ts";
import { fetchResponseParser } from "./fetch-response.ts";
import type { RequestName } from "./requests.ts";

/** A request in one version. */
export interface WireApi {
  readonly version: number;
  readonly async: (connection: kafka.Connection, ...args: readonly unknown[]) => Promise<unknown>;
}

/** What the client exports of each version of a request. */
interface WireModule {
  readonly api: WireApi & { readonly key: number };
  readonly createRequest: (...args: readonly unknown[]) => kafka.Writer;
}

/** Lowest and highest version by the request's name. */
type Ranges = ReadonlyMap<string, readonly [number, number]>;

/** From version 4 on this request is the brokers' own and needs the right to act on the cluster (KIP-890). */
const HIGHEST_VERSION: Partial<Record<RequestName, number>> = { AddPartitionsToTxn: 3 };
/** Its header has tagged fields from here on. */
const FLEXIBLE_FETCH = 12;

export class RequestVersions {
  readonly #checkCrcs: boolean;
  readonly #ranges = new WeakMap<kafka.Connection, Promise<Ranges>>();

  /** @param checkCrcs compare fetched batches with their checksums */
  constructor(checkCrcs: boolean) {
    this.#checkCrcs = checkCrcs;
  }

  /** @throws UnsupportedApiError when broker and client share no version of it */
  async api(connection: kafka.Connection, name: RequestName): Promise<WireApi> {
    let asked = this.#ranges.get(connection);
    if (asked === undefined) {
      asked = askRanges(connection);
      this.#ranges.set(connection, asked);
      asked.catch(() => this.#ranges.delete(connection));
    }
    const range = (await asked).get(name);
    if (range !== undefined) {
      const [least, most] = range;
      for (let version = Math.min(most, HIGHEST_VERSION[name] ?? most); version >= least; version -= 1) {
        const module = `${name.charAt(0).toLowerCase()}${name.slice(1)}V${version}`;
        const found = (kafka as unknown as Record<string, WireModule | undefined>)[module];
        if (found !== undefined)
          return name === "Fetch" ? fetchApi(found, version, this.#checkCrcs) : found.api;
      }
    }
    throw new kafka.UnsupportedApiError(`The broker and the client share no version of ${name}.`);
  }
}

async function askRanges(connection: kafka.Connection): Promise<Ranges> {
  const who = ["velostream", PACKAGE_VERSION] as const;
  const { apiKeys } = await kafka.apiVersionsV3.api.async(connection, ...who).catch((error: unknown) => {
    // Kafka before 2.4.
    if (hasKafkaError(error, "UNSUPPORTED_VERSION")) return kafka.apiVersionsV1.api.async(connection, ...who);
    throw error;
  });
  return new Map(apiKeys.map(({ name, minVersion, maxVersion }) => [name, [minVersion, maxVersion]]));
}

/** The client's fetch request, our reading of the answer. */
function fetchApi({ api, createRequest }: WireModule, version: number, checkCrcs: boolean): WireApi {
  const flexible = version >= FLEXIBLE_FETCH;
  return {
    version,
    async: async (connection, ...args) =>
      new Promise((resolve, reject) => {
        const request = (): kafka.Writer => createRequest(...args);
        const done = (error: Error | null, value?: unknown): void => {
          if (error === null) resolve(value);
          else reject(error);
        };
        const parse = fetchResponseParser(checkCrcs);
        connection.send(api.key, version, request, parse, flexible, flexible, done);
      }),
  };
}
