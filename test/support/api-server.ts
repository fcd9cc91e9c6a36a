/**
 * The server of docs/api.md's examples: three stations of Vélib', a clock that stands at 2026-11-20T08:30:00Z, a
 * collector and an archive whose answers are written here.
 */
import { LiveView } from "../../src/domain/live-view.ts";
import type { ReadRecord } from "../../src/record/received-record.ts";
import { createServer, type Server, type ServerOptions } from "../../src/http/server.ts";
import type { HistoryQueries, SystemStatus } from "../../src/ports.ts";
import { SILENT } from "../../src/telemetry/logger.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { TotalsWriter } from "./live-records.ts";
import { TestClock } from "./test-clock.ts";

export const EXAMPLE_NOW_MS = Date.UTC(2026, 10, 20, 8, 30);

export interface ExampleStation {
  readonly id: string;
  readonly code: string;
  readonly area: string;
  readonly name: string;
  readonly lat: number;
  readonly lon: number;
  readonly capacity: number;
  readonly electric: number;
  readonly mechanical: number;
  readonly docks: number;
  readonly renting: boolean;
  readonly observedAtMs: number;
}

export const EXAMPLE_STATIONS: readonly ExampleStation[] = [
  {
    id: "213688462",
    code: "16108",
    area: "75016",
    name: "Sablons - Georges Mandel",
    lat: 48.863875,
    lon: 2.28189,
    capacity: 38,
    electric: 1,
    mechanical: 20,
    docks: 17,
    renting: false,
    observedAtMs: EXAMPLE_NOW_MS - 64_000,
  },
  {
    id: "2515829865",
    code: "32017",
    area: "93200",
    name: "Basilique",
    lat: 48.936269,
    lon: 2.358867,
    capacity: 22,
    electric: 5,
    mechanical: 4,
    docks: 11,
    renting: true,
    observedAtMs: EXAMPLE_NOW_MS - 64_000,
  },
  {
    id: "213688169",
    code: "16107",
    area: "75016",
    name: "Benjamin Godard - Victor Hugo",
    lat: 48.865983,
    lon: 2.275725,
    capacity: 35,
    electric: 4,
    mechanical: 1,
    docks: 30,
    renting: true,
    observedAtMs: EXAMPLE_NOW_MS - 4_000,
  },
];

/** The raw record of a station as the collector writes it. */
export function exampleRecord(station: ExampleStation): ReadRecord {
  return {
    partition: 0,
    key: `velib:${station.id}`,
    value: JSON.stringify({
      stationCode: station.code,
      is_installed: 1,
      is_renting: station.renting ? 1 : 0,
      is_returning: 1,
      last_reported: (EXAMPLE_NOW_MS - 1_080_000) / 1000,
      system_id: "velib",
      station_id: station.id,
      postcode: station.area,
      slot: 0,
      nbr_total: station.electric + station.mechanical,
      nbr_elec: station.electric,
      nbr_meca: station.mechanical,
      nbr_docks: station.docks,
      observed_at: station.observedAtMs,
      area_rule: "station_code",
      name: station.name,
      lat: station.lat,
      lon: station.lon,
      capacity: station.capacity,
    }),
    timestampMs: station.observedAtMs,
    headers: {},
  };
}

const STATUS: SystemStatus = {
  description: {
    systemId: "velib",
    name: "Vélib' Métropole",
    timezone: "Europe/Paris",
    attribution: "Smovengo, Autolib' Vélib' Métropole",
    licenseUrl: "https://www.etalab.gouv.fr/licence-ouverte-open-licence/",
    simulated: false,
  },
  state: "live",
  observedAtMs: EXAMPLE_NOW_MS - 4_000,
  lastPoll: { atMs: EXAMPLE_NOW_MS - 4_000, outcome: "unchanged", message: null },
  nextPollAtMs: EXAMPLE_NOW_MS + 11_000,
  pollIntervalMs: 15_000,
  content: { atMs: EXAMPLE_NOW_MS - 60_000, staleAfterMs: 3_600_000 },
  changePeriodMs: 60_000,
  traffic: { requests: 61, notModified: 38, transferredBytes: 713_206, savedBytes: 25_401_772 },
  flags: [],
  rejects: [],
};

const HISTORY: HistoryQueries = {
  areaHistory: ({ area, fromMs, stepMs }) =>
    Promise.resolve(
      area === "99999"
        ? null
        : {
            atMs: [0, 1, 2, 3].map((step) => fromMs + step * stepMs),
            total: [24, 24.5, null, 26],
            electric: [4, 4, null, 5],
            mechanical: [20, 20.5, null, 21],
            docks: [49, 48.5, null, 47],
            gaps: [{ fromMs: fromMs + 2 * stepMs, toMs: fromMs + 3 * stepMs, reason: "not_collected" }],
          },
    ),
  stationHistory: () => Promise.resolve(null),
  areaTypical: ({ fromMs, stepMs }) =>
    Promise.resolve({
      atMs: [fromMs, fromMs + stepMs],
      weeksFound: [8, 7],
      total: { p10: [18, 15], median: [25, 21], p90: [31, 30] },
      electric: { p10: [2, 1], median: [5, 4], p90: [8, 7] },
      mechanical: { p10: [14, 12], median: [20, 17], p90: [25, 24] },
      docks: { p10: [41, 42], median: [48, 51], p90: [54, 58] },
    }),
};

export interface ExampleServer extends Server {
  readonly view: LiveView;
  readonly clock: TestClock;
  /** Takes new observations, as the follower does: raw records, their totals, one commit. */
  change(...stations: readonly ExampleStation[]): void;
  /** Takes any raw records, likewise. */
  take(...records: readonly ReadRecord[]): void;
}

/** The example server, not listening; `stations` empty leaves it before the first poll. */
export async function exampleServer(
  options: Partial<ServerOptions> & {
    readonly stations?: readonly ExampleStation[];
    readonly live?: boolean;
  } = {},
): Promise<ExampleServer> {
  const clock = new TestClock(EXAMPLE_NOW_MS);
  const view = options.view ?? new LiveView();
  const { app, hub } = await createServer({
    view,
    clock,
    logger: SILENT,
    metrics: createMetrics({ process: false }),
    version: "0.1.0",
    epoch: "test",
    statuses: { statuses: () => [STATUS] },
    history: HISTORY,
    checks: [],
    webRoot: null,
    tiles: null,
    maxStreams: 100,
    maxStreamsOfClient: null,
    host: "127.0.0.1",
    allowHosts: [],
    trustProxies: [],
    basePath: "",
    frameAncestors: [],
    requestsPerMinute: 0,
    corsOrigins: [],
    ...options,
  });
  const totals = new TotalsWriter();
  const take = (...records: readonly ReadRecord[]): void => {
    for (const record of records) view.applyRaw(record);
    for (const record of totals.write(records)) view.applyTotals(record);
    const delta = view.commit();
    if (delta !== null) hub.publish(delta);
  };
  take(...(options.stations ?? EXAMPLE_STATIONS).map(exampleRecord));
  if (options.live !== false) {
    view.caughtUp();
    hub.goLive();
  }
  return {
    app,
    hub,
    view,
    clock,
    take,
    change: (...stations) => take(...stations.map(exampleRecord)),
  };
}
