/**
 * The page on the product: from opening it, with an empty cache, to the first area on the screen; and from the end of a
 * fetch that brought a change to that change on the screen.
 */
import { startSimulator } from "../src/simulate/simulator.ts";
import type { AreasAnswer } from "../src/http/api-types.ts";
import { DESKTOP, launchBrowser, until } from "../test/support/browser.ts";
import { Product } from "../test/support/product.ts";
import { figure, report } from "./support/report.ts";

const RUNS = 11;
const WARM_UP = 2;
const CHANGES = 20;
const FIRST_DATA_LIMIT_MS = 1_500;
const CHANGE_LIMIT_MS = 1_000;
const CHANGE_PERIOD_MS = 60_000;

/** In the page: when the first row of the table was drawn, and when the big number last changed. */
const WATCH = `
  new MutationObserver(() => {
    if (window.firstDataMs !== undefined || document.querySelector("table.areas tbody tr") === null) return;
    requestAnimationFrame(() => { window.firstDataMs ??= performance.now(); });
  }).observe(document, { childList: true, subtree: true });
  new MutationObserver((changes) => {
    for (const { target } of changes) {
      if (target.parentElement?.matches(".figure-total dd")) window.changedAtMs = Date.now();
    }
  }).observe(document, { characterData: true, subtree: true });
`;

/** The city's time stands still until it is told to advance. */
const startedAtMs = Date.now();
const clock = { now: () => startedAtMs, sleep: () => Promise.resolve() };
const simulator = await startSimulator({
  clock,
  changePeriodMs: CHANGE_PERIOD_MS,
  cityStartsAtMs: Date.UTC(2026, 10, 20, 7, 30),
});
const feed = ["--feed", simulator.url, "--interval", "1s"];
const product = await Product.run(...feed, "--port", "0", "--no-archive", "--log-level", "error");
const browser = await launchBrowser();

const firstDataMs: number[] = [];
for (let run = -WARM_UP; run < RUNS; run += 1) {
  const context = await browser.newContext(DESKTOP);
  await context.addInitScript(WATCH);
  const page = await context.newPage();
  await page.goto(product.url);
  await until(
    () => page.evaluate<boolean>("window.firstDataMs !== undefined"),
    () => "no area was drawn",
  );
  if (run >= 0) firstDataMs.push(await page.evaluate<number>("window.firstDataMs"));
  await context.close();
}

const context = await browser.newContext(DESKTOP);
await context.addInitScript(WATCH);
const page = await context.newPage();
await page.goto(product.url);
await page.waitForSelector('[data-map="ready"]');
const changeMs: number[] = [];
for (let change = 0; change < CHANGES; change += 1) {
  await page.evaluate("window.changedAtMs = undefined");
  simulator.advance(CHANGE_PERIOD_MS);
  await until(
    () => page.evaluate<boolean>("window.changedAtMs !== undefined"),
    () => "no change was drawn",
  );
  const changedAtMs = await page.evaluate<number>("window.changedAtMs");
  const { areas } = (await (await fetch(`${product.url}/api/v1/areas`)).json()) as AreasAnswer;
  changeMs.push(changedAtMs - Math.max(...areas.map(({ as_of }) => as_of)));
}
await browser.close();
await product.stop();
await simulator.stop();

const first = figure("from opening the page, empty cache, to the first area drawn", "ms", firstDataMs);
const shown = figure("from the end of the fetch to the change on the page", "ms", changeMs);
report({
  name: "page-first-data",
  claim: `1,500 stations are on the page within ${FIRST_DATA_LIMIT_MS} ms of opening it, and a change within ${CHANGE_LIMIT_MS} ms of the end of the fetch that brought it (medians)`,
  holds: first.median < FIRST_DATA_LIMIT_MS && shown.median < CHANGE_LIMIT_MS,
  figures: [first, shown],
  facts: { stations: 1_500, browser: browser.version(), rendering: "software (no GPU)" },
});
