/**
 * What an update costs the page, against a frame at 60 Hz (16.7 ms): all of 1,500 stations changing once a second for a
 * minute, and 1,500 of 50,000. Read from the browser's own trace and from the page's animation frames:
 *
 * - the longest task of the main thread in processor time: script, garbage collection, style, layout, painting. What the
 *   main thread waits for the compositor ("Commit") is not in it: without a GPU that is the drawing of the map;
 * - the intervals between animation frames as they came, drawing included; and once more without the map, whose drawing
 *   in software is what makes frames late here.
 */
import { DESKTOP, launchBrowser } from "../test/support/browser.ts";
import { inventCity } from "../test/support/invented-city.ts";
import { PageServer } from "../test/support/page-server.ts";
import { traceTasks, type Piece, type Task } from "./support/main-thread.ts";
import { figure, quantile, report, type Figure } from "./support/report.ts";

const UPDATES = 60;
const WARM_UP = 10;
const CHANGED = 1_500;
const UPDATE_INTERVAL_MS = 1_000;
const LONGEST_TOLD = 8;
const PIECES_TOLD = 10;
const FRAME_MS = 1_000 / 60;

interface Measured {
  readonly figures: readonly Figure[];
  readonly longestTaskMs: number;
  readonly tasks: number;
  readonly longTasks: number;
  readonly frames: number;
  readonly lateShare: number;
}

/** In the page: when each animation frame came. */
const COUNT_FRAMES = `
  window.frameTimesMs = [];
  const count = (nowMs) => { window.frameTimesMs.push(nowMs); requestAnimationFrame(count); };
  requestAnimationFrame(count);
`;

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
  await page.evaluate(COUNT_FRAMES);
  const tasksSince = await traceTasks(session);
  for (let number = 0; number < UPDATES; number += 1) await update(number);
  const tasks = await tasksSince();
  const timesMs = await page.evaluate<number[]>("window.frameTimesMs");
  await browser.close();
  await server.stop();
  const taskMs = tasks.map(({ ms }) => ms);
  const intervalsMs = timesMs.slice(1).map((time, index) => time - (timesMs[index] ?? time));
  const sorted = intervalsMs.toSorted((a, b) => a - b);
  const p99Ms = quantile(sorted, 0.99);
  const of = `${CHANGED} of ${stations} stations${map ? "" : ", without the map"}`;
  tell(of, tasks);
  const busyMs = taskMs.reduce((sum, ms) => sum + ms, 0);
  return {
    figures: [
      figure(`tasks of the main thread over 1 ms, ${of}`, "ms", taskMs),
      figure(`the whole of an update and a second of ticking ages, ${of}`, "ms", [busyMs / UPDATES]),
      figure(`interval between frames, drawing in software included, ${of}`, "ms", intervalsMs),
      figure(`the same, 99 % within, ${of}`, "ms", [p99Ms]),
    ],
    longestTaskMs: Math.max(...taskMs),
    tasks: taskMs.length,
    longTasks: taskMs.filter((ms) => ms > FRAME_MS).length,
    frames: intervalsMs.length,
    lateShare: intervalsMs.filter((ms) => ms > 1.5 * FRAME_MS).length / intervalsMs.length,
  };
}

/** What the longest tasks were made of, so that who reads a bad figure sees where to look. */
function tell(of: string, tasks: readonly Task[]): void {
  console.error(of);
  for (const { ms, atMs, pieces } of tasks.toSorted((a, b) => b.ms - a.ms).slice(0, LONGEST_TOLD))
    console.error(`  ${ms.toFixed(1)} ms at ${(atMs / 1_000).toFixed(2)} s: ${inWords(pieces)}`);
  const total = new Map<string, number>();
  for (const { pieces } of tasks)
    for (const { name, ms } of pieces) total.set(name, (total.get(name) ?? 0) + ms / UPDATES);
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
report({
  name: "page-updates",
  claim: `while all 1,500 stations change every second, no task of the page's main thread takes longer than a frame at 60 Hz (${round(FRAME_MS)} ms of processor time, drawing by the GPU excluded); as many among 50,000 stand beside it`,
  holds: city.longestTaskMs < FRAME_MS,
  figures: [...city.figures, ...table.figures, ...country.figures],
  facts: {
    rendering: "software (no GPU)",
    updates: UPDATES,
    longestTaskMs: round(city.longestTaskMs),
    tasksLongerThanAFrame: `${city.longTasks} of ${city.tasks}`,
    framesLaterThanOneAndAHalf: `${round(100 * city.lateShare)} % of ${city.frames}`,
    framesLaterThanOneAndAHalfWithoutTheMap: `${round(100 * table.lateShare)} % of ${table.frames}`,
    longestTaskMsOf50000: round(country.longestTaskMs),
    tasksLongerThanAFrameOf50000: `${country.longTasks} of ${country.tasks}`,
    framesLaterThanOneAndAHalfOf50000: `${round(100 * country.lateShare)} % of ${country.frames}`,
  },
});
