/**
 * Whether updates leave the page at 60 frames a second (16.7 ms each): all of 1,500 stations changing once a second, and
 * 1,500 of 50,000, with the map drawn by the processor, for there is no GPU here. First the frames, for a minute, with
 * next to no tracing; then half a minute of Chromium's full trace, which itself costs, for what the main thread did:
 *
 * - frames missed: of those due, those in which the page's main thread had no turn; and those that Chromium counts as
 *   dropped, because a picture was not ready in time, whoever was late with it;
 * - the longest task of the main thread in processor time: script, garbage collection, style, layout, painting. What the
 *   main thread waits for the compositor ("Commit") is not in it;
 * - the same without the map: what the page itself leaves of a frame.
 */
import { DESKTOP, launchBrowser } from "../test/support/browser.ts";
import { inventCity } from "../test/support/invented-city.ts";
import { PageServer } from "../test/support/page-server.ts";
import { traceTasks, type Piece, type Task } from "./support/main-thread.ts";
import { FRAME_MS, watchFrames, type PresentedFrames } from "./support/presented-frames.ts";
import { figure, quantile, report, type Figure } from "./support/report.ts";

const UPDATES = 60;
const TRACED_UPDATES = 30;
const WARM_UP = 10;
const CHANGED = 1_500;
const UPDATE_INTERVAL_MS = 1_000;
const LONGEST_TOLD = 8;
const PIECES_TOLD = 10;
/** More than this, and a reader might notice. */
const MISSED_AT_MOST = { of1500: 0.005, of50000: 0.01 };

interface Measured {
  readonly figures: readonly Figure[];
  readonly longestTaskMs: number;
  readonly tasks: number;
  readonly longTasks: number;
  readonly frames: PresentedFrames;
}

interface Scene {
  readonly stations: number;
  readonly areas: number;
  /** @default true */
  readonly map?: boolean;
}

async function measure({ stations, areas, map = true }: Scene): Promise<Measured> {
  const server = new PageServer(inventCity({ stations, areas, nowMs: Date.now() }));
  await server.start();
  const browser = await launchBrowser();
  const page = await (await browser.newContext(DESKTOP)).newPage();
  if (!map) await page.route("**/station-map-*.js", (route) => route.abort());
  await page.goto(server.url);
  await page.waitForSelector(`[data-map="${map ? "ready" : "unavailable"}"]`, { timeout: 120_000 });
  const session = await page.context().newCDPSession(page);
  const keys = [...server.stations.keys()].slice(0, CHANGED);
  const update = async (number: number): Promise<void> => {
    const step = number % 2 === 0 ? 1 : -1;
    server.change(
      keys.map((key) => {
        const { nbr_total: total = 0, nbr_meca: mechanical = 0 } = server.stations.get(key) ?? {};
        return {
          key,
          nbr_total: Math.max(0, total + step),
          nbr_meca: Math.max(0, (mechanical ?? 0) + step),
        };
      }),
    );
    await new Promise((resolve) => setTimeout(resolve, UPDATE_INTERVAL_MS));
  };
  for (let number = 0; number < WARM_UP; number += 1) await update(number);
  const framesSince = await watchFrames(page, session);
  for (let number = 0; number < UPDATES; number += 1) await update(number);
  const frames = await framesSince();
  const tasksSince = await traceTasks(session);
  for (let number = 0; number < TRACED_UPDATES; number += 1) await update(number);
  const tasks = await tasksSince();
  await browser.close();
  await server.stop();
  const taskMs = tasks.map(({ ms }) => ms);
  const sorted = frames.intervalsMs.toSorted((a, b) => a - b);
  const of = `${CHANGED} of ${stations} stations${map ? "" : ", without the map"}`;
  tell(of, tasks);
  const busyMs = taskMs.reduce((sum, ms) => sum + ms, 0);
  return {
    figures: [
      figure(`interval between frames, ${of}`, "ms", frames.intervalsMs),
      figure(`the same, 99.9 % within, ${of}`, "ms", [quantile(sorted, 0.999)]),
      figure(`tasks of the main thread over 1 ms, ${of}`, "ms", taskMs),
      figure(`the whole of an update and a second of ticking ages, ${of}`, "ms", [busyMs / TRACED_UPDATES]),
    ],
    longestTaskMs: Math.max(...taskMs),
    tasks: taskMs.length,
    longTasks: taskMs.filter((ms) => ms > FRAME_MS).length,
    frames,
  };
}

/** What the longest tasks were made of, so that who reads a bad figure sees where to look. */
function tell(of: string, tasks: readonly Task[]): void {
  console.error(of);
  for (const { ms, atMs, pieces } of tasks.toSorted((a, b) => b.ms - a.ms).slice(0, LONGEST_TOLD))
    console.error(`  ${ms.toFixed(1)} ms at ${(atMs / 1_000).toFixed(2)} s: ${inWords(pieces)}`);
  const total = new Map<string, number>();
  for (const { pieces } of tasks)
    for (const { name, ms } of pieces) total.set(name, (total.get(name) ?? 0) + ms / TRACED_UPDATES);
  const mean = [...total].map(([name, ms]) => ({ name, ms })).sort((a, b) => b.ms - a.ms);
  console.error(`  each update and second, in the mean: ${inWords(mean)}`);
}

function inWords(pieces: readonly Piece[]): string {
  return pieces
    .slice(0, PIECES_TOLD)
    .map(({ name, ms }) => `${name} ${ms.toFixed(1)}`)
    .join(", ");
}

const city = await measure({ stations: 1_500, areas: 84 });
const table = await measure({ stations: 1_500, areas: 84, map: false });
const country = await measure({ stations: 50_000, areas: 800 });
const round = (value: number): number => Number(value.toPrecision(3));
const missed = ({ frames }: Measured): number => frames.missed / frames.due;
const percent = (count: number, { frames }: Measured): string =>
  `${round((100 * count) / frames.due)} % of ${frames.due}`;
report({
  name: "page-updates",
  claim: `while all 1,500 stations change every second, the page stays at 60 frames a second without a GPU (at most ${100 * MISSED_AT_MOST.of1500} % missed, and no task of its main thread longer than a frame, ${round(FRAME_MS)} ms of processor time); with as many changing among 50,000 at most ${100 * MISSED_AT_MOST.of50000} % are missed`,
  holds:
    missed(city) <= MISSED_AT_MOST.of1500 &&
    missed(country) <= MISSED_AT_MOST.of50000 &&
    city.longestTaskMs < FRAME_MS,
  figures: [...city.figures, ...table.figures, ...country.figures],
  facts: {
    rendering: "software (no GPU)",
    updates: `${UPDATES}, and ${TRACED_UPDATES} traced`,
    framesMissed: percent(city.frames.missed, city),
    framesDropped: percent(city.frames.dropped, city),
    framesMissedWithoutTheMap: percent(table.frames.missed, table),
    framesDroppedWithoutTheMap: percent(table.frames.dropped, table),
    framesMissedOf50000: percent(country.frames.missed, country),
    framesDroppedOf50000: percent(country.frames.dropped, country),
    longestTaskMs: round(city.longestTaskMs),
    tasksLongerThanAFrame: `${city.longTasks} of ${city.tasks}`,
    longestTaskMsOf50000: round(country.longestTaskMs),
    tasksLongerThanAFrameOf50000: `${country.longTasks} of ${country.tasks}`,
  },
});
