/** The stage that shows people how a pipeline is doing: a live table on a terminal, else a line a minute in the log. */
import type { LiveView } from "../../domain/live-view.ts";
import { counted } from "../../telemetry/counted.ts";
import type { CollectorStatus } from "../collect/collector-status.ts";
import type { StageContext } from "../stage.ts";
import { liveDisplay } from "./live-display.ts";
import { formatAge, renderTable } from "./live-table.ts";
import type { Screen } from "./screen.ts";
import { ShowingStage } from "./showing-stage.ts";

const SUMMARY_EVERY_MS = 60_000;
const SETTLE_MS = 1_000;
const RATE_AFTER_MS = 10_000;
const DAY_MS = 86_400_000;
const DAY = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeZone: "UTC" });

/** The worker of this process, as far as it is shown. */
export interface ShownWorker {
  progress(): readonly { readonly lagRecords: number }[];
  /** Null when at work. */
  waitingFor(): string | null;
  recordsTaken(): number;
}

export interface ShowStageOptions {
  /** Null: a line a minute. */
  readonly screen: Screen | null;
  /** Null where nobody follows it: a worker alone. */
  readonly view: LiveView | null;
  /** Of the collectors in this process. */
  readonly statuses: readonly CollectorStatus[];
  readonly worker: ShownWorker | null;
  /** Where the page is served; null where it is not. */
  readonly url: () => string | null;
}

interface Shown extends ShowStageOptions {
  readonly context: StageContext;
}

export class ShowStage extends ShowingStage {
  readonly #options: ShowStageOptions;

  constructor(options: ShowStageOptions) {
    super();
    this.#options = options;
  }

  protected show(context: StageContext, finish: AbortSignal): Promise<void> {
    return show({ ...this.#options, context }, finish);
  }
}

async function show(input: Shown, finish: AbortSignal): Promise<void> {
  const { view, screen } = input;
  const { clock, logger } = input.context;
  const rate = new Rate(clock.now());
  if (screen !== null && view !== null) {
    const render = (): readonly string[] =>
      renderTable({
        areas: [...view.areas()],
        status: statusParts(input, rate, true),
        notices: notices(input),
        columns: screen.columns,
        // The cursor stands on a line of its own below the block.
        rows: screen.rows - 1,
        nowMs: clock.now(),
        style: (style, text) => screen.style(style, text),
      });
    return liveDisplay(screen, clock, render, finish);
  }
  // The first line comes with the first data, the others once a minute.
  while (!finish.aborted && !hasData(input)) await clock.sleep(100, finish);
  // Totals come a moment after the stations: a line without areas would stand there for a minute.
  const settledMs = clock.now() + SETTLE_MS;
  while (!finish.aborted && view?.areaCount === 0 && clock.now() < settledMs) await clock.sleep(100, finish);
  let said = false;
  while (!finish.aborted || (!said && hasData(input))) {
    said = true;
    // A worker alone sees no station, and does not know whether they are simulated.
    const seen = view === null ? {} : { stations: view.stationCount, simulated: isSimulated(input) };
    logger.info("run.summary", statusParts(input, rate, false).join(" · "), seen);
    await clock.sleep(SUMMARY_EVERY_MS, finish);
  }
}

function hasData({ view, worker }: Shown): boolean {
  // A worker that is still being given its share would count a part of it.
  return view === null ? worker !== null && worker.waitingFor() === null : view.stationCount > 0;
}

function statusParts({ statuses, view, context, worker, url }: Shown, rate: Rate, live: boolean): string[] {
  const page = url();
  const nowMs = context.clock.now();
  const records = recordsDone(statuses, worker);
  const changedAt = Math.max(...statuses.map((status) => status.contentChangedAtMs ?? -Infinity));
  const next = Math.min(...statuses.map((status) => status.nextPollAtMs ?? Infinity));
  const rejects = statuses.reduce((sum, status) => sum + status.rejectsNow, 0);
  const held = worker?.progress() ?? [];
  const lagRecords = held.reduce((sum, progress) => sum + progress.lagRecords, 0);
  return [
    ...(isSimulated({ statuses, view }) ? ["SIMULATED"] : []),
    ...(live && page !== null ? [page] : []),
    ...(view === null
      ? [counted(held.length, "partition")]
      : [counted(view.stationCount, "station"), counted([...view.areas()].length, "area")]),
    ...(live && waiting(statuses) ? ["waiting for the feed's first answer"] : []),
    ...(records === null ? [] : rate.shown(records, nowMs)),
    ...(oldContent(statuses, nowMs) ??
      (changedAt === -Infinity ? [] : [`changed ${formatAge(nowMs - changedAt)} ago`])),
    ...(live && next !== Infinity ? [`next poll in ${formatAge(next - nowMs)}`] : []),
    ...(rejects > 0 ? [`${counted(rejects, "record")} rejected`] : []),
    ...savings(statuses),
    ...(lagRecords > 0 ? [`lag ${counted(lagRecords, "record")}`] : []),
  ];
}

/** By what this process does: what its collectors published, else what its worker took; null where it has neither. */
function recordsDone(statuses: readonly CollectorStatus[], worker: ShownWorker | null): number | null {
  if (statuses.length > 0) return statuses.reduce((sum, status) => sum + status.recordsPublished, 0);
  return worker?.recordsTaken() ?? null;
}

/** `checked 1 s ago, content of 18 Oct 2025`: the oldest content that is older than it may be; null when none is. */
function oldContent(statuses: readonly CollectorStatus[], nowMs: number): string[] | null {
  let oldestMs = Infinity;
  let checkedMs = -Infinity;
  for (const { content, lastSuccessAtMs } of statuses) {
    const atMs = content?.atMs ?? null;
    if (content === null || atMs === null || nowMs - atMs <= content.staleAfterMs || atMs >= oldestMs)
      continue;
    oldestMs = atMs;
    checkedMs = lastSuccessAtMs ?? -Infinity;
  }
  if (oldestMs === Infinity) return null;
  const day = nowMs - oldestMs < DAY_MS ? `${formatAge(nowMs - oldestMs)} ago` : DAY.format(oldestMs);
  return [`checked ${formatAge(nowMs - checkedMs)} ago`, `content of ${day}`];
}

/** What conditional requests and compression spared the publishers; nothing before there is something to tell. */
function savings(statuses: readonly CollectorStatus[]): string[] {
  let notModified = 0;
  let requests = 0;
  let savedBytes = 0;
  for (const { traffic } of statuses) {
    notModified += traffic?.notModified ?? 0;
    requests += traffic?.requests ?? 0;
    savedBytes += traffic?.savedBytes ?? 0;
  }
  return savedBytes < 1_000_000
    ? []
    : [
        `${notModified} of ${requests} requests unchanged (304), ${Math.floor(savedBytes / 1_000_000)} MB saved`,
      ];
}

/** Nothing was heard of any feed yet, neither data nor a failure. */
function waiting(statuses: readonly CollectorStatus[]): boolean {
  return (
    statuses.length > 0 &&
    statuses.every(({ lastSuccessAtMs, failure }) => lastSuccessAtMs === null && failure === null)
  );
}

function notices({ statuses, context }: Shown): string[] {
  const nowMs = context.clock.now();
  return statuses
    .filter(({ failure }) => failure !== null)
    .map(({ failure, lastSuccessAtMs }) => {
      const last =
        lastSuccessAtMs === null ? "no data yet" : `last data ${formatAge(nowMs - lastSuccessAtMs)} ago`;
      return `${failure?.message ?? ""} (${last})`;
    });
}

function isSimulated({ statuses, view }: Pick<Shown, "statuses" | "view">): boolean {
  if (statuses.some(({ system }) => system?.simulated === true)) return true;
  for (const { simulated } of view?.systems() ?? []) if (simulated) return true;
  return false;
}

/** Records a second over the last half minute or so. */
class Rate {
  readonly #startedMs: number;
  #samples: { readonly atMs: number; readonly count: number }[];

  constructor(nowMs: number) {
    this.#startedMs = nowMs;
    this.#samples = [{ atMs: nowMs, count: 0 }];
  }

  /** Nothing at first: a rate over less than this says more about the start than about the feed. */
  shown(count: number, nowMs: number): string[] {
    const perSecond = this.#perSecond(count, nowMs);
    return nowMs - this.#startedMs < RATE_AFTER_MS ? [] : [`${perSecond.toFixed(1)} records/s`];
  }

  #perSecond(count: number, nowMs: number): number {
    this.#samples.push({ atMs: nowMs, count });
    while (this.#samples.length > 2 && (this.#samples[1]?.atMs ?? nowMs) < nowMs - 30_000)
      this.#samples.shift();
    const first = this.#samples[0];
    if (first === undefined || nowMs <= first.atMs) return 0;
    return ((count - first.count) * 1000) / (nowMs - first.atMs);
  }
}
