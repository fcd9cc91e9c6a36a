/**
 * One poll's way through a pipeline in one process, counted: from a feed over HTTP to the event stream, with or without an
 * archive. `node test/support/record-walk.ts` tells it.
 *
 *   feed ─▶ first poll, client has it ─▶ [ counting: second poll, every station changed ─▶ client has it ─▶ stop ]
 */
import { mkdtemp, rm } from "node:fs/promises";
import { Session } from "node:inspector/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "../../src/index.ts";
import { velibBody } from "../../bench/support/velib-body.ts";
import { FeedServer } from "./feed-server.ts";

const SOURCE = new URL("../../src/", import.meta.url).href;
const STATUS = "/station_status.json";
const INFORMATION = "/station_information.json";

export interface RecordWalk {
  readonly stations: number;
  /** Files of `src/` that have a function that ran for every station, up to the event stream. */
  readonly files: readonly string[];
  /** How often the JSON of each was parsed, on average. */
  readonly parses: { readonly feed: number; readonly raw: number; readonly totals: number };
  /** Digests made of a station's observation, on average. */
  readonly digests: number;
}

/** @param stations enough that what runs for each of them stands out */
export async function recordWalk(stations: number, archive: boolean): Promise<RecordWalk> {
  const server = await new FeedServer().listen();
  const folder = await mkdtemp(join(tmpdir(), "record-walk-"));
  const serve = (bikes: number): void =>
    void server.routes.set(STATUS, velibBody(stations, bikes).toString());
  serve(0);
  server.routes.set(INFORMATION, informationBody(stations));
  const counter = new ParseCounter();
  const inspector = new Session();
  inspector.connect();
  try {
    const running = await pipeline({
      feed: [server.url(STATUS).href],
      interval: 1_000,
      serve: true,
      port: 0,
      archive,
      dataDir: folder,
    });
    const client = await streamOf(`${running.url ?? ""}/api/v1/events`);
    await client.until(stations);
    await inspector.post("Profiler.enable");
    await inspector.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false });
    await inspector.post("Profiler.takePreciseCoverage");
    counter.begin();
    serve(1);
    await client.until(stations);
    const { result } = await inspector.post("Profiler.takePreciseCoverage");
    await client.close();
    await running.stop();
    const { result: rest } = await inspector.post("Profiler.takePreciseCoverage");
    const { feed, raw, totals, areas } = counter.end();
    const calls = [...result, ...rest];
    return {
      stations,
      files: filesOf(result, stations),
      parses: { feed, raw: raw / stations, totals: totals / areas },
      digests: (callsOf(calls, "observation") + callsOf(calls, "recordDigest")) / stations,
    };
  } finally {
    counter.end();
    inspector.disconnect();
    await server.close();
    await rm(folder, { recursive: true, force: true });
  }
}

type Coverage = Awaited<ReturnType<typeof takeCoverage>>["result"];

/** For its type alone. */
function takeCoverage(session: Session) {
  return session.post("Profiler.takePreciseCoverage");
}

function filesOf(coverage: Coverage, stations: number): string[] {
  return coverage
    .filter(
      ({ url, functions }) =>
        url.startsWith(SOURCE) && functions.some(({ ranges }) => (ranges[0]?.count ?? 0) >= stations),
    )
    .map(({ url }) => url.slice(SOURCE.length))
    .toSorted();
}

function callsOf(coverage: Coverage, name: string): number {
  return coverage
    .filter(({ url }) => url.startsWith(`${SOURCE}record/change-detection`))
    .flatMap(({ functions }) => functions)
    .reduce(
      (sum, { functionName, ranges }) => sum + (functionName === name ? (ranges[0]?.count ?? 0) : 0),
      0,
    );
}

/** Counts what is parsed in this process, by what it is. */
class ParseCounter {
  readonly #parse = JSON.parse;
  readonly #counts = { feed: 0, raw: 0, totals: 0 };
  readonly #areas = new Set<string>();

  begin(): void {
    JSON.parse = (text: string, reviver?: Parameters<typeof JSON.parse>[1]): unknown => {
      if (text.includes('"area_rule"')) this.#counts.raw += 1;
      else if (text.includes('"as_of"')) {
        this.#counts.totals += 1;
        this.#areas.add(/"postcode":"([^"]*)"/.exec(text)?.[1] ?? "");
      } else if (text.includes('"num_bikes_available"')) this.#counts.feed += 1;
      return this.#parse(text, reviver);
    };
  }

  end(): { readonly feed: number; readonly raw: number; readonly totals: number; readonly areas: number } {
    JSON.parse = this.#parse;
    return { ...this.#counts, areas: this.#areas.size };
  }
}

function informationBody(stations: number): object {
  const { data } = JSON.parse(velibBody(stations, 0).toString()) as {
    data: { stations: { station_id: number; stationCode: string }[] };
  };
  const list = data.stations.map(({ station_id, stationCode }, n) => ({
    station_id,
    stationCode,
    name: `Station ${n}`,
    lat: 48.8 + n / 10_000,
    lon: 2.3,
    capacity: 40,
  }));
  return { lastUpdatedOther: 1_760_778_600, ttl: 3600, data: { stations: list } };
}

/** A client of the event stream that waits until it was told of so many stations. */
async function streamOf(url: string) {
  const stopping = new AbortController();
  const response = await fetch(url, { signal: stopping.signal });
  if (response.body === null) throw new Error("the event stream has no body");
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  return {
    async until(stations: number): Promise<void> {
      for (let told = 0; told < stations;) {
        const { done, value = "" } = await reader.read();
        if (done) throw new Error("the event stream ended");
        told += value.split('"observed_at"').length - 1;
      }
    },
    async close(): Promise<void> {
      stopping.abort();
      await reader.cancel().catch(() => {});
    },
  };
}

if (import.meta.main) {
  const [alone, archived] = [await recordWalk(600, false), await recordWalk(600, true)];
  console.log(`${alone.files.length} files: ${alone.files.join(" ")}`);
  console.log(`digests of an observation: ${alone.digests}`);
  console.log("parses, without archive", alone.parses, "with archive", archived.parses);
}
