/**
 * A recording as a FeedSource: the same polls as when it was captured, at their own time, at any speed.
 *
 *   files, in order of time ─▶ capture ─▶ wait (gap ÷ speed) ─▶ decode ─▶ changed | unchanged | failed … ─▶ ended
 */
import type { Readable } from "node:stream";
import { stationsDigest } from "../record/change-detection.ts";
import { asObject } from "../record/feed-values.ts";
import { decodeStationInformation } from "../domain/gbfs/station-information.ts";
import { decodeStationStatus } from "../domain/gbfs/station-status.ts";
import { decodeSystemInformation, decodeSystemRegions } from "../domain/gbfs/system-files.ts";
import { decodeVehicleTypes, type Propulsion } from "../domain/gbfs/propulsion.ts";
import { looksLikeVelib } from "../domain/gbfs/whole-status.ts";
import type { Reject, StationInformation, StationStatusFile } from "../record/station.ts";
import type { Clock, FeedSource, Logger, Poll, SystemDescription } from "../ports.ts";
import { withBelievableTimes } from "./capture-order.ts";
import { safeSystemId, VELIB } from "./feed-target.ts";
import { findRecording, noRecording, type RecordedFile, type RecordingFiles } from "./recording-files.ts";
import { readCaptures, readCaptureStream, readWhole, type Capture } from "./recording-reader.ts";

export interface RecordingOptions {
  /** A folder of captures, or one file. */
  readonly path: string;
  /** How many times faster than it was recorded; Infinity does not wait. */
  readonly speed: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** NDJSON instead of what is at `path`, which then only names it in messages. */
  readonly stream?: Readable;
}

/** A wait longer than this is announced, ms. */
const LONG_WAIT_MS = 60_000;
const LONGEST_SLEEP_MS = 24 * 3_600_000;
const NOT_GBFS = "is JSON, but no GBFS station_status file";

export class RecordingSource implements FeedSource {
  readonly #options: RecordingOptions;
  readonly #information = new Map<string, StationInformation>();
  readonly #types = new Map<string, Propulsion>();
  readonly #regionNames = new Map<string, string>();
  #informationRejects: Reject[] = [];
  #captures: AsyncGenerator<Capture> | null = null;
  /** The last good poll: its text, to see whether the next says the same. */
  #last: { readonly text: string; readonly status: StationStatusFile } | null = null;
  #lastTimeMs = -Infinity;
  /** Event time and clock time of the first capture: the pace is kept against them, so waits do not add up. */
  #began: { readonly eventMs: number; readonly clockMs: number } | null = null;

  constructor(options: RecordingOptions) {
    this.#options = options;
  }

  /** @throws StorageError when there is nothing to replay */
  async describe(): Promise<SystemDescription> {
    if (this.#options.stream !== undefined) return this.#describeStream(this.#options.stream);
    const files = await findRecording(this.#options.path);
    const status = await inOrder(files.status);
    await this.#readInformation(files.information);
    for (const file of files.vehicleTypes)
      for (const [id, propulsion] of decodeVehicleTypes(await readWhole(file)))
        this.#types.set(id, propulsion);
    for (const file of files.regions)
      for (const [id, name] of decodeSystemRegions(await readWhole(file))) this.#regionNames.set(id, name);
    this.#captures = this.#judged(capturesOf(status));
    return describeSystem(files, status);
  }

  information(): ReadonlyMap<string, StationInformation> {
    return this.#information;
  }

  /** Region id → name, from system_regions. */
  regionNames(): ReadonlyMap<string, string> {
    return this.#regionNames;
  }

  takeInformationRejects(): readonly Reject[] {
    const rejects = this.#informationRejects;
    this.#informationRejects = [];
    return rejects;
  }

  /** The next capture, when it is due. */
  async poll(signal?: AbortSignal): Promise<Poll> {
    if (this.#captures === null) await this.describe();
    const stopped = (): boolean => signal?.aborted === true;
    const next = await this.#captures?.next();
    if (next === undefined || next.done === true || stopped()) return { kind: "ended" };
    const capture = next.value;
    if (capture.kind === "unreadable") return this.#failed(capture.origin, capture.outcome, capture.problem);
    await this.#due(capture.timeMs, signal);
    if (stopped()) return { kind: "ended" };

    const { clock } = this.#options;
    const startedMs = clock.now();
    // Strictly later than the last: the order of captures is the order of observations.
    const observedAtMs = Math.max(Math.round(capture.timeMs), this.#lastTimeMs + 1);
    const last = this.#last;
    const body = this.#explained(capture);
    const status = last?.text === capture.text ? last.status : this.#decode(body);
    if (status === null) return this.#failed(capture.origin, "not_gbfs", NOT_GBFS);
    const same = last !== null && stationsDigest(last.status.stations) === stationsDigest(status.stations);
    this.#lastTimeMs = observedAtMs;
    this.#last = { text: capture.text, status };
    return {
      kind: same ? "unchanged" : "changed",
      observedAtMs,
      status,
      transferredBytes: Buffer.byteLength(capture.text),
      durationMs: clock.now() - startedMs,
    };
  }

  /** Tables name stations by their code alone: by the feed's own id where the information knows it. */
  #explained({ body, information }: Extract<Capture, { kind: "read" }>): unknown {
    const said = information === undefined ? null : decodeStationInformation(information);
    if (said === null) return body;
    const known = new Map([...this.#information.values()].map((one) => [one.stationCode, one.stationId]));
    for (const station of said.stations)
      if (!known.has(station.stationCode)) this.#information.set(station.stationId, station);
    const stations = asObject(asObject(body)?.["data"])?.["stations"] as Record<string, unknown>[];
    const withIds = stations.map((station) => {
      const { stationCode } = station;
      const id = typeof stationCode === "string" ? known.get(stationCode) : undefined;
      return id === undefined ? station : { ...station, station_id: id };
    });
    return { ...asObject(body), data: { stations: withIds } };
  }

  #decode(body: unknown): StationStatusFile | null {
    const capacityOf = (stationId: string): number | null =>
      this.#information.get(stationId)?.capacity ?? null;
    return decodeStationStatus(body, this.#types, capacityOf);
  }

  async close(): Promise<void> {
    await this.#captures?.return(undefined);
  }

  /** A stream can be read once: what tells who the system is is kept for the polls. */
  async #describeStream(stream: Readable): Promise<SystemDescription> {
    const captures = readCaptureStream(stream);
    const begun: Capture[] = [];
    let first: Awaited<ReturnType<typeof firstUsable>> | null = null;
    while (first === null) {
      const next = await captures.next();
      if (next.done === true) throw noRecording(this.#options.path, "holds no station_status capture");
      begun.push(next.value);
      first = usable(next.value);
    }
    const all = async function* (): AsyncGenerator<Capture> {
      yield* begun;
      yield* captures;
    };
    this.#captures = this.#judged(all());
    return describeBodies("stream", first, [first.body]);
  }

  #judged(captures: AsyncIterable<Capture>): AsyncGenerator<Capture> {
    return withBelievableTimes(captures, () => this.#options.clock.now());
  }

  async #readInformation(files: readonly RecordedFile[]): Promise<void> {
    for (const file of files) {
      const decoded = decodeStationInformation(await readWhole(file));
      if (decoded === null) {
        this.#options.logger.warn(
          "replay.information_unreadable",
          `${file.name} is no station_information file: stations have no name or place from it.`,
        );
        continue;
      }
      this.#informationRejects.push(...decoded.rejects);
      for (const station of decoded.stations) this.#information.set(station.stationId, station);
    }
  }

  /** Waits until a capture is due at this speed. */
  async #due(eventMs: number, signal: AbortSignal | undefined): Promise<void> {
    const { clock, logger, speed } = this.#options;
    this.#began ??= { eventMs, clockMs: clock.now() };
    const dueMs = this.#began.clockMs + (eventMs - this.#began.eventMs) / speed;
    const waitMs = dueMs - clock.now();
    if (waitMs <= 0) return;
    if (waitMs >= LONG_WAIT_MS)
      logger.info(
        "replay.waiting",
        `The next poll of the recording is due in ${Math.round(waitMs / 1000)} s. A higher --speed, or max, waits less.`,
        { waitMs: Math.round(waitMs) },
      );
    // Timers hold 24 days at most.
    for (let left = waitMs; left > 0 && signal?.aborted !== true; left = dueMs - clock.now())
      await clock.sleep(Math.min(left, LONGEST_SLEEP_MS), signal);
  }

  #failed(origin: string, outcome: string, problem: string): Poll {
    const observedAtMs = Number.isFinite(this.#lastTimeMs) ? this.#lastTimeMs : this.#options.clock.now();
    const message = `Capture ${origin} of ${this.#options.path} ${problem}. It is skipped; the rest is replayed.`;
    return { kind: "failed", observedAtMs, outcome, message, retryAfterMs: null, durationMs: 0 };
  }
}

async function* capturesOf(files: readonly RecordedFile[]): AsyncGenerator<Capture> {
  for (const file of files) yield* readCaptures(file);
}

/**
 * The files in order of time: by the time in their names when each has one (a long recording is not read twice),
 * else by their first capture's; files without any keep the order of their names, at the end.
 */
async function inOrder(files: readonly RecordedFile[]): Promise<readonly RecordedFile[]> {
  if (files.length < 2) return files;
  if (files.every(({ nameTimeMs }) => nameTimeMs !== null))
    return files.toSorted((a, b) => (a.nameTimeMs ?? 0) - (b.nameTimeMs ?? 0));
  const timed: { file: RecordedFile; timeMs: number }[] = [];
  for (const file of files) timed.push({ file, timeMs: await firstTime(file) });
  return timed.toSorted((a, b) => (a.timeMs === b.timeMs ? 0 : a.timeMs - b.timeMs)).map(({ file }) => file);
}

async function firstTime(file: RecordedFile): Promise<number> {
  for await (const capture of readCaptures(file)) if (capture.kind === "read") return capture.timeMs;
  return Infinity;
}

async function describeSystem(
  files: RecordingFiles,
  status: readonly RecordedFile[],
): Promise<SystemDescription> {
  const capture = await firstUsable(files, status);
  const bodies: unknown[] = [capture.body];
  for (const file of files.system) bodies.push(await readWhole(file));
  return describeBodies(files.folder, capture, bodies);
}

/** @param bodies files that may say who the system is; the last one that does is believed */
function describeBodies(
  folder: string,
  capture: Awaited<ReturnType<typeof firstUsable>>,
  bodies: readonly unknown[],
): SystemDescription {
  const said = bodies
    .map(decodeSystemInformation)
    .findLast((decoded) => typeof decoded?.systemId === "string");
  const simulated = bodies.some((body) => asObject(body)?.["simulated"] === true);
  // Vélib' calls itself "Paris", or nothing; its dialect tells.
  const velib = looksLikeVelib(capture.status);
  if (velib && !simulated) return VELIB;
  return {
    systemId: velib ? VELIB.systemId : safeSystemId(said?.systemId ?? folder),
    name: said?.name ?? said?.operator ?? folder,
    timezone: said?.timezone ?? null,
    attribution: said?.attribution ?? said?.operator ?? null,
    licenseUrl: said?.licenseUrl ?? null,
    simulated,
  };
}

/** @throws StorageError when no capture is a station_status file: nothing would ever be replayed */
async function firstUsable(
  files: RecordingFiles,
  captured: readonly RecordedFile[],
): Promise<{ readonly body: unknown; readonly status: StationStatusFile }> {
  let problem: string | null = null;
  for await (const capture of capturesOf(captured)) {
    const found = usable(capture);
    if (found !== null) return found;
    problem ??= `${capture.origin} ${capture.kind === "read" ? NOT_GBFS : capture.problem}`;
  }
  throw noRecording(files.path, `holds no capture that can be used (${problem ?? "it is empty"})`);
}

function usable(capture: Capture): { readonly body: unknown; readonly status: StationStatusFile } | null {
  const status = capture.kind === "read" ? decodeStationStatus(capture.body, new Map()) : null;
  return capture.kind === "read" && status !== null ? { body: capture.body, status } : null;
}
