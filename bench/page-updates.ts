/**
 * What an update costs the page's main thread, which is what stands between a reader and 60 frames a second: all of
 * 1,500 stations changing at once, and 1,500 of 50,000. Drawing itself is not in it: this machine has no GPU.
 */
import { DESKTOP, launchBrowser } from "../test/support/browser.ts";
import { inventCity } from "../test/support/invented-city.ts";
import { PageServer } from "../test/support/page-server.ts";
import { figure, report, type Figure } from "./support/report.ts";

const UPDATES = 30;
const WARM_UP = 5;
const CHANGED = 1_500;
/** Between two updates: the page has long come to rest. */
const REST_MS = 1_000;
/** From here on browsers call a task long: people notice. The update is several tasks. */
const LIMIT_MS = 50;

async function measure(stations: number, areas: number): Promise<Figure> {
  const server = new PageServer(inventCity({ stations, areas, nowMs: Date.now() }));
  await server.start();
  const browser = await launchBrowser();
  const page = await (await browser.newContext(DESKTOP)).newPage();
  await page.goto(server.url);
  await page.waitForSelector('[data-map="ready"]', { timeout: 120_000 });
  const session = await page.context().newCDPSession(page);
  // Processor time of the main thread: neighbours on the machine do not change it much.
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  const busyMs = async (): Promise<number> => {
    const { metrics } = await session.send("Performance.getMetrics");
    const value = (name: string): number => metrics.find((metric) => metric.name === name)?.value ?? 0;
    return 1000 * (value("ScriptDuration") + value("LayoutDuration") + value("RecalcStyleDuration"));
  };
  const keys = [...server.stations.keys()].slice(0, CHANGED);
  const costs: number[] = [];
  for (let update = -WARM_UP; update < UPDATES; update += 1) {
    const before = await busyMs();
    server.change(
      keys.map((key) => {
        const total = (server.stations.get(key)?.nbr_total ?? 0) + (update % 2 === 0 ? 1 : -1);
        return { key, nbr_total: Math.max(0, total) };
      }),
    );
    await new Promise((resolve) => setTimeout(resolve, REST_MS));
    if (update >= 0) costs.push((await busyMs()) - before);
  }
  await browser.close();
  await server.stop();
  return figure(`script, style and layout per update, ${CHANGED} of ${stations} stations`, "ms", costs);
}

const city = await measure(1_500, 84);
const country = await measure(50_000, 800);
report({
  name: "page-updates",
  claim: `an update of all 1,500 stations costs the page's main thread less than ${LIMIT_MS} ms of processor time (median); as many among 50,000 stand beside it`,
  holds: city.median < LIMIT_MS,
  figures: [city, country],
  facts: { rendering: "software (no GPU)", idleIncluded: `${REST_MS} ms of ticking ages` },
});
