/**
 * One poll of a system: all its status files at once, each of which may fail without costing the others.
 *
 *   station_status ─┐                           ┌ all answered ─▶ the whole truth
 *                   ├─ the first answer, and ───┼ some did ─────▶ what they carry; the other part is `unobserved`
 *   vehicle_status ─┘  a while for the others   └ none did ─────▶ why, of the most important one
 */
import { enveloped } from "../domain/gbfs/envelope.ts";
import { asId, asObject } from "../record/feed-values.ts";
import { decodeStationStatus } from "../domain/gbfs/station-status.ts";
import { decodeVehicleStatus } from "../domain/gbfs/vehicle-status.ts";
import { combine, mergeStations, mergeVehicles, stationIdsOf } from "../domain/gbfs/whole-status.ts";
import type { StationArea, StationStatusFile, SystemPart } from "../record/station.ts";
import type { VehicleTruth } from "../domain/vehicle-truth.ts";
import { failureOf, type FetchFailure } from "./failures.ts";
import { atMost } from "./patience.ts";
import type { Asked, PolledFile } from "./polled-file.ts";
import type { Observation } from "./observation.ts";
import type { SystemFiles } from "./system-files.ts";

export interface SystemPollOptions {
  readonly now: () => number;
  /** How long a poll waits for a file once another has answered, ms. */
  readonly patienceMs: number;
  readonly resolvePosition: (lat: number | null, lon: number | null) => StationArea;
  /** What the vehicle files said so far. */
  readonly vehicles: VehicleTruth;
  /** What the answers are decoded with (types, places) is waited for; never rejects. */
  readonly ready?: Promise<unknown>;
}

/** A list this long of which more is unusable than usable is no status file, and its rejects would be a flood. */
const MANY_REJECTS = 20_000;

type Bodies = ReadonlyMap<PolledFile, unknown>;

/** Never rejects. */
export async function pollSystem(
  files: SystemFiles,
  options: SystemPollOptions,
  signal?: AbortSignal,
): Promise<Observation | FetchFailure> {
  const [answers] = await Promise.all([
    askAll([...files.stations, ...files.vehicles], options, signal),
    options.ready,
  ]);
  try {
    return await observed(files, answers, options, signal);
  } finally {
    for (const answer of answers.values()) if (answer.ok) answer.release();
  }
}

/** What the answers say; the older list of vehicles is asked where the newer did not answer. */
async function observed(
  files: SystemFiles,
  answers: Map<PolledFile, Asked>,
  options: SystemPollOptions,
  signal?: AbortSignal,
): Promise<Observation | FetchFailure> {
  const { now } = options;
  const again = await repeated(files, answers);
  if (again !== null) return again;
  // Where vehicles are listed under two names, the older one stands in for the newer.
  const spare = files.spareVehicles;
  if (spare.length > 0 && files.vehicles.every((file) => answers.get(file)?.ok !== true))
    for (const [file, answer] of await askAll(spare, options, signal)) answers.set(file, answer);
  const bodies = new Map<PolledFile, unknown>();
  let transferredBytes = 0;
  for (const [file, answer] of answers) {
    if (!answer.ok) continue;
    transferredBytes += answer.transferredBytes;
    if (readable(files, file, answer.body)) bodies.set(file, answer.body);
    else {
      file.file.forget();
      answer.release();
      answers.set(file, file.failed(failureOf("not_gbfs", file.file.url), now()));
    }
  }
  const parts = partsOf(files, bodies);
  const seen = parts.filter(({ polled }) => polled.some((file) => bodies.has(file)));
  if (seen.length === 0) return whyNot(files, answers);
  const unobserved = parts
    .filter(({ polled }) => polled.some((file) => !bodies.has(file) && !file.absent(now())))
    .filter(({ part, polled }) => part === "stations" || polled.every((file) => !bodies.has(file)))
    .map(({ part }) => part);
  await files.explain(listedIds(files, bodies), options, signal);
  const status = await decode(files, parts, bodies, options);
  const { rejects, stations } = status;
  const flood = rejects.length > MANY_REJECTS && rejects.length > stations.length;
  const [first] = bodies.keys();
  if (flood && first !== undefined) {
    for (const file of bodies.keys()) file.file.forget();
    const detail = `${rejects.length} records that cannot be used`;
    return first.failed(failureOf("not_gbfs", first.file.url, detail), now());
  }
  const simulated = [...bodies.values()].some((body) => asObject(body)?.["simulated"] === true);
  const missing = new Set([...unobserved, ...(status.unobserved ?? [])]);
  const observation: Observation = {
    ok: true,
    status: missing.size === 0 ? status : { ...status, unobserved: [...missing] },
    transferredBytes,
    simulated,
  };
  files.keep(observation);
  return observation;
}

/** The last observation again, where the one status file has not changed, nor what it is decoded with. */
async function repeated(files: SystemFiles, answers: Map<PolledFile, Asked>): Promise<Observation | null> {
  for (const [file, answer] of answers) {
    if (!answer.ok || !answer.unread) continue;
    const again = files.repeated.again(files);
    if (again !== null) return { ...again, transferredBytes: answer.transferredBytes };
    // Places or types came while it was asked for.
    answers.set(file, { ...answer, unread: false, ...(await file.lastBody()) });
  }
  return null;
}

interface Part {
  readonly part: SystemPart;
  readonly polled: readonly PolledFile[];
}

/** The parts that the system has; of vehicles the list that answered. */
function partsOf(files: SystemFiles, bodies: Bodies): readonly Part[] {
  const spare = files.spareVehicles.some((file) => bodies.has(file));
  const parts: Part[] = [
    { part: "stations", polled: files.stations },
    { part: "vehicles", polled: spare ? files.spareVehicles : files.vehicles },
  ];
  return parts.filter(({ polled }) => polled.length > 0);
}

/** Asks every file; once one has answered, the others are waited for only a while. */
async function askAll(
  files: readonly PolledFile[],
  { now, patienceMs }: SystemPollOptions,
  signal?: AbortSignal,
): Promise<Map<PolledFile, Asked>> {
  const answers = new Map<PolledFile, Asked>();
  const wanted = files.length > 1 ? files.filter((file) => file.due(now())) : files;
  for (const file of files) {
    if (!wanted.includes(file) && file.trouble !== null) answers.set(file, file.trouble.failure);
  }
  // Files that wait for their time are asked all the same when nothing else is there to ask.
  const asked = (wanted.length > 0 ? wanted : files).map(async (file) => {
    const answer = await file.ask(now, signal);
    if (!given) answers.set(file, answer);
    // It comes again at the next poll, from what is kept.
    else if (answer.ok) answer.release();
    if (!answer.ok) throw new Error(answer.outcome);
  });
  let given = false;
  const all = Promise.allSettled(asked);
  const some = await Promise.any(asked).then(
    () => true,
    () => false,
  );
  if (some && answers.size < files.length) await atMost(patienceMs, all);
  given = true;
  for (const file of files) if (!answers.has(file)) answers.set(file, file.tooLate(now()));
  return answers;
}

function readable(files: SystemFiles, file: PolledFile, body: unknown): boolean {
  return files.stations.includes(file)
    ? Array.isArray(asObject(asObject(enveloped(body, "stations"))?.["data"])?.["stations"])
    : decodeVehicleStatus(enveloped(body, "vehicles", "bikes")) !== null;
}

/** Ids of the stations that are listed, usable or not. */
function* listedIds(files: SystemFiles, bodies: Bodies): Iterable<string> {
  for (const file of files.stations) {
    const stations = asObject(asObject(enveloped(bodies.get(file), "stations"))?.["data"])?.["stations"];
    for (const station of Array.isArray(stations) ? stations : []) {
      const id = asId(asObject(station)?.["station_id"]);
      if (id !== null) yield id;
    }
  }
}

/** The failure that matters most: the stations' own, if there are any. */
function whyNot(files: SystemFiles, answers: ReadonlyMap<PolledFile, Asked>): FetchFailure {
  const failures = [...files.stations, ...files.vehicles].flatMap((file) => {
    const answer = answers.get(file);
    return answer === undefined || answer.ok ? [] : [{ file, answer }];
  });
  const listed = failures.find(({ file }) => !file.guessed) ?? failures[0];
  return listed?.answer ?? NOTHING;
}

const NOTHING: FetchFailure = {
  ok: false,
  outcome: "no_status",
  message: "The feed lists nothing to count. Check its URL.",
  retryAfterMs: null,
};

async function decode(
  files: SystemFiles,
  parts: readonly Part[],
  bodies: Bodies,
  { now, resolvePosition, vehicles: truth }: SystemPollOptions,
): Promise<StationStatusFile> {
  const { types, capacityOf } = files;
  const polled = (part: SystemPart): readonly PolledFile[] =>
    parts.find((found) => found.part === part)?.polled ?? [];
  const statuses = polled("stations").flatMap((file) => {
    const body = bodies.get(file);
    return body === undefined
      ? []
      : (decodeStationStatus(enveloped(body, "stations"), types, capacityOf) ?? []);
  });
  const ofVehicles = polled("vehicles");
  const answered = ofVehicles.some((file) => bodies.has(file));
  const lists = [];
  for (const file of answered ? ofVehicles : []) {
    // Of several files of vehicles one may fail: areas are counted with what it last said.
    const last = bodies.has(file) ? null : await file.lastBody();
    const body = last === null ? bodies.get(file) : last.body;
    const decoded = decodeVehicleStatus(enveloped(body, "vehicles", "bikes"));
    last?.release();
    if (decoded !== null) lists.push(decoded);
  }
  const stations = mergeStations(statuses);
  const vehicles = mergeVehicles(lists);
  const ids = stations?.stations.map(({ stationId }) => stationId) ?? [];
  const stationIds = stations === null ? null : stationIdsOf(stations, files.information.keys());
  const told =
    vehicles === null
      ? null
      : truth.observe({ atMs: now(), vehicles: vehicles.vehicles, types, stationIds, resolvePosition });
  return combine(stations, vehicles, told, stations === null ? {} : files.oddities(ids));
}
