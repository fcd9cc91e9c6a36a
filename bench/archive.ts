/**
 * The size of a year of history and the time of its queries: a simulated month of a city of 1,500 stations, observed
 * once a minute, written by the archive's own code, sealed, and asked as the API asks. A year is the month times 365/30.
 */
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AreaTotals } from "../src/domain/area-totals.ts";
import { REFRESH_AFTER_MS } from "../src/domain/collection.ts";
import { areaPartitionKey, partitionOf } from "../src/record/partitioning.ts";
import { ArchiveFolder } from "../src/history/write/archive-folder.ts";
import { ArchiveReader } from "../src/history/read/archive-reader.ts";
import { Coverage } from "../src/history/time/coverage.ts";
import { FileMaker } from "../src/history/write/file-maker.ts";
import { commitFlush } from "../src/history/write/flush.ts";
import { writeRows } from "../src/history/write/flush-files.ts";
import { DAY_MS } from "../src/history/files/layout.ts";
import { Maintenance } from "../src/history/write/maintenance.ts";
import { ArchiveQueries } from "../src/history/read/queries.ts";
import { areaRow, removedStationRow, type AreaRow, type StationRow } from "../src/history/files/rows.ts";
import { CityModel } from "../src/simulate/city-model.ts";
import { seededRandom } from "../src/simulate/random.ts";
import { SILENT } from "../src/telemetry/logger.ts";
import { figure, report } from "./support/report.ts";

const STATIONS = 1_500;
const DAYS = Number(process.env["BENCH_DAYS"] ?? 30);
const MINUTE_MS = 60_000;
const START_MS = Date.UTC(2026, 10, 2);
const PARTITIONS = 4;
const LIMIT_GB = 1;
const LIMIT_STATION_DAY_MS = 20;
const LIMIT_AREA_MONTH_MS = 150;
const SYSTEM = "velib";

const model = new CityModel({ stations: STATIONS, seed: 1, startsAtMs: START_MS, stepMs: MINUTE_MS });
const random = seededRandom(2);
const totals = Array.from({ length: PARTITIONS }, () => new AreaTotals());
const offsets = Array.from({ length: PARTITIONS }, () => 0);
let totalsOffset = 0;
/** As last published, and when. */
const published = model.stations.map(() => ({ word: "", atMs: -Infinity }));
const reportedMs = model.stations.map(() => START_MS);
const partitions = model.stations.map(({ postcode }) =>
  partitionOf(areaPartitionKey(SYSTEM, postcode), PARTITIONS),
);
const blank = removedStationRow("", 0, { system: SYSTEM, epoch: 1, partition: 0, offset: 0 });

/** One poll: the rows of the stations that changed, or were not published for an hour, and of their areas. */
function poll(minute: number, stations: StationRow[], areas: AreaRow[]): void {
  // A fetch completes some 100 to 500 ms after the minute.
  const observedAtMs = START_MS + minute * MINUTE_MS + 100 + Math.floor(random() * 400);
  for (const [index, station] of model.stations.entries()) {
    // Vélib' refreshes last_reported in bulk, some 20 minutes apart, to values of the last quarter of an hour.
    if (minute % 20 === 7) reportedMs[index] = observedAtMs - 1000 * Math.floor(random() * 900);
    const { mechanical, electric, docks } = model.counts(index);
    const word = `${mechanical} ${electric} ${docks}`;
    const held = published[index];
    if (held === undefined || (held.word === word && observedAtMs - held.atMs < REFRESH_AFTER_MS)) continue;
    held.word = word;
    held.atMs = observedAtMs;
    const partition = partitions[index] ?? 0;
    const offset = offsets[partition] ?? 0;
    offsets[partition] = offset + 1;
    const row: StationRow = {
      ...blank,
      partition,
      offset,
      stationId: String(station.stationId),
      observedAtMs,
      event: "observed",
      total: mechanical + electric,
      electric,
      mechanical,
      docks,
      isInstalled: station.isInstalled,
      isRenting: station.isOpen,
      isReturning: station.isOpen,
      lastReportedMs: Math.floor((reportedMs[index] ?? START_MS) / 1000) * 1000,
      area: station.postcode,
      areaRule: "station_code",
      slot: index,
      stationCode: station.stationCode,
      name: station.name,
      lat: station.lat,
      lon: station.lon,
      capacity: station.capacity,
      simulated: true,
    };
    stations.push(row);
    totals[partition]?.apply({
      ...row,
      systemId: SYSTEM,
      area: station.postcode,
      total: mechanical + electric,
      retired: false,
    });
  }
  for (const [partition, reducer] of totals.entries())
    for (const { totals: changed } of reducer.drain())
      if (changed !== null)
        areas.push(
          areaRow(
            changed,
            { partition, offset: (offsets[partition] ?? 0) - 1 },
            { epoch: 1, partition: 0, offset: totalsOffset++ },
          ),
        );
}

/** A folder to keep the month in: written if it is not there, and only asked the next time. */
const kept = process.env["BENCH_FOLDER"];
const path = kept ?? (await mkdtemp(join(tmpdir(), "velostream-bench-")));
const clock = { now: () => START_MS + DAYS * DAY_MS, sleep: async () => {} };
const folder = await ArchiveFolder.open(path, (at) => new FileMaker(at));
const coverage = new Coverage();
let readerOpen: ArchiveReader | null = null;
try {
  const begun = folder.manifest.files.length > 0;
  for (let day = 0; day < DAYS && !begun; day += 1) {
    const stations: StationRow[] = [];
    const areas: AreaRow[] = [];
    for (let minute = day * 1_440; minute < (day + 1) * 1_440; minute += 1) {
      poll(minute, stations, areas);
      model.step();
    }
    for (const row of stations) coverage.observe(SYSTEM, 1, row.observedAtMs);
    await commitFlush(folder, {
      flushed: await writeRows(path, { stations, areas }, folder.takeFileNumber()),
      gaps: [],
      epochs: [{ id: 1, kind: "import", topics: [], openedAtMs: 0 }],
      positions: {},
      spans: coverage.spans(),
      journalFrom: 1,
    });
    console.error(`day ${day + 1} of ${DAYS}: ${stations.length} and ${areas.length} rows`);
  }
  await new Maintenance(folder, {
    kind: "import",
    retainMs: null,
    onRetained() {},
    clock,
    logger: SILENT,
    metrics: { count() {}, set() {}, observe() {}, forget() {} },
  }).finish();
  const { files } = folder.manifest;
  const bytesOf = (...tables: readonly string[]): number =>
    files.filter(({ table }) => tables.includes(table)).reduce((sum, { bytes }) => sum + bytes, 0);
  const rowsOf = (table: string): number =>
    files.filter((file) => file.table === table).reduce((sum, file) => sum + file.rows, 0);
  const rows = rowsOf("stations");
  const areaRows = rowsOf("areas");
  const all = bytesOf("stations", "areas", "station_keyframes", "area_keyframes");
  const manifestBytes = (await stat(join(path, "manifest.json"))).size;
  const yearGb = ((all + manifestBytes) * 365) / DAYS / 1e9;
  if (files.some(({ sealed }) => !sealed)) throw new Error("not every day is sealed");

  const reader = new ArchiveReader(path);
  readerOpen = reader;
  const queries = new ArchiveQueries(reader, clock);
  const pick = seededRandom(3);
  const days = Array.from({ length: 60 }, () => ({
    stationId: String(model.stations[Math.floor(pick() * STATIONS)]?.stationId),
    fromMs: START_MS + Math.floor(pick() * DAYS) * DAY_MS,
  }));
  const stationDay = async ({ stationId, fromMs }: (typeof days)[number]): Promise<void> => {
    const series = await queries.stationHistory({
      systemId: SYSTEM,
      stationId,
      fromMs,
      toMs: fromMs + DAY_MS,
      stepMs: 5 * MINUTE_MS,
      aggregate: "mean",
    });
    if (series?.total.every((value) => value !== null) !== true) throw new Error("a step is missing");
  };
  const names = [...new Set(model.stations.map(({ postcode }) => postcode))];
  const areaMonth = async (area: string): Promise<void> => {
    const series = await queries.areaHistory({
      systemId: SYSTEM,
      area,
      fromMs: START_MS,
      toMs: START_MS + DAYS * DAY_MS,
      stepMs: 5 * MINUTE_MS,
      aggregate: "mean",
    });
    if (series?.total.every((value) => value !== null) !== true) throw new Error("a step is missing");
  };
  const stationTimes = await each(days, stationDay);
  const areaTimes = await each(names.slice(0, 20), areaMonth);
  const typicalTimes = await each(names.slice(0, 20), async (area) => {
    await queries.areaTypical({
      systemId: SYSTEM,
      area,
      fromMs: START_MS + (DAYS - 1) * DAY_MS,
      toMs: START_MS + DAYS * DAY_MS,
      stepMs: 5 * MINUTE_MS,
      weeks: 4,
      timezone: "Europe/Paris",
    });
  });
  const station = figure("a station's day at 5-minute steps, warm", "ms", stationTimes.wallMs);
  const month = figure("an area's month at 5-minute steps, warm", "ms", areaTimes.wallMs);
  report({
    name: "archive",
    claim: `a year of ${STATIONS} stations at a minute takes at most ${LIMIT_GB} GB; any station's day under ${LIMIT_STATION_DAY_MS} ms, any area's month under ${LIMIT_AREA_MONTH_MS} ms (median, warm)`,
    holds: yearGb <= LIMIT_GB && station.median < LIMIT_STATION_DAY_MS && month.median < LIMIT_AREA_MONTH_MS,
    figures: [
      figure("a year, scaled from the days written", "GB", [yearGb]),
      figure("a station row, sealed", "B", [bytesOf("stations") / rows]),
      figure("an area row, sealed", "B", [bytesOf("areas") / areaRows]),
      station,
      month,
      figure("a station's day, processor time", "ms", stationTimes.processorMs),
      figure("an area's month, processor time", "ms", areaTimes.processorMs),
      figure("a day's typical band of 4 weeks, warm", "ms", typicalTimes.wallMs),
    ],
    facts: {
      days: DAYS,
      samples: DAYS * 1_440 * STATIONS,
      stationRows: rows,
      changedShare: Number((rows / (DAYS * 1_440 * STATIONS)).toFixed(4)),
      areaRows,
      stationBytes: bytesOf("stations"),
      areaBytes: bytesOf("areas"),
      keyframeBytes: bytesOf("station_keyframes", "area_keyframes"),
      manifestBytes,
    },
  });
} finally {
  readerOpen?.close();
  await folder.close();
  if (kept === undefined) await rm(path, { recursive: true, force: true });
}

interface Times {
  readonly wallMs: number[];
  /** Of all threads of this process: what a busy machine does not stretch. */
  readonly processorMs: number[];
}

/** Each question, once all were asked once. */
async function each<T>(questions: readonly T[], ask: (question: T) => Promise<void>): Promise<Times> {
  for (const question of questions) await ask(question);
  const times: Times = { wallMs: [], processorMs: [] };
  for (const question of questions) {
    const start = performance.now();
    const before = process.cpuUsage();
    await ask(question);
    const { user, system } = process.cpuUsage(before);
    times.wallMs.push(performance.now() - start);
    times.processorMs.push((user + system) / 1000);
  }
  return times;
}
