/** The page on the product itself: `velostream run` on a simulated city whose time the test decides. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Browser } from "playwright-core";
import type { AreasAnswer, HistoryAnswer, StationAnswer, StationsAnswer } from "../../src/http/api-types.ts";
import type { Clock } from "../../src/ports.ts";
import { startSimulator, type Simulator } from "../../src/simulate/simulator.ts";
import { DESKTOP, launchBrowser, PHONE, until, Visit } from "../support/browser.ts";
import { Product } from "../support/product.ts";

/** A weekday morning; it stands still until the simulator is told to advance. */
const STARTED_AT_MS = Date.now();
const frozen: Clock = {
  now: () => STARTED_AT_MS,
  sleep: async (durationMs) => {
    await new Promise((resolve) => setTimeout(resolve, durationMs));
  },
};
const CHANGE_PERIOD_MS = 60_000;

describe("the page on the product", () => {
  let simulator: Simulator;
  let product: Product;
  let browser: Browser;
  const dataDir = mkdtempSync(join(tmpdir(), "velostream-e2e-"));

  before(async () => {
    simulator = await startSimulator({
      clock: frozen,
      changePeriodMs: CHANGE_PERIOD_MS,
      cityStartsAtMs: Date.UTC(2026, 10, 20, 7, 30),
      seed: 7,
    });
    [product, browser] = await Promise.all([run("--port", "0"), launchBrowser()]);
  });
  after(async () => {
    await browser.close();
    await product.stop();
    await simulator.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  function run(...options: string[]): Promise<Product> {
    const feed = ["--feed", simulator.url, "--interval", "1s"];
    return Product.run(...feed, "--data-dir", dataDir, "--log-level", "error", ...options);
  }

  /** Counts per area, from what the feed serves now and nothing else but each station's area; empty until all are known. */
  async function recount(): Promise<Map<string, string>> {
    const areas = await stationAreas();
    const answer = await fetch(new URL("station_status.json", simulator.url));
    const { data } = (await answer.json()) as { data: { stations: FeedStation[] } };
    const sums = new Map<string, [number, number, number, number]>();
    for (const station of data.stations) {
      const area = areas.get(String(station.station_id));
      // A server that has just started does not know every station yet: there is nothing to compare with.
      if (area === undefined) return new Map();
      const sum = sums.get(area) ?? [0, 0, 0, 0];
      sum[0] += station.num_bikes_available;
      for (const types of station.num_bikes_available_types) {
        sum[1] += types.ebike ?? 0;
        sum[2] += types.mechanical ?? 0;
      }
      sum[3] += station.num_docks_available;
      sums.set(area, sum);
    }
    return new Map([...sums].map(([area, sum]) => [area, sum.join(" ")]));
  }

  async function stationAreas(): Promise<Map<string, string>> {
    const answer = await fetch(`${product.url}/api/v1/stations?limit=10000`);
    const { stations } = (await answer.json()) as StationsAnswer;
    return new Map(stations.map(({ station_id, postcode }) => [station_id, postcode]));
  }

  /** The table of areas as it stands on the page. */
  async function table(visit: Visit): Promise<Map<string, string>> {
    const rows = (await visit.page.evaluate(
      `[...document.querySelectorAll("table.areas tbody tr")].map((row) => [
        row.querySelector("th a").textContent,
        [...row.querySelectorAll("td.numeric")].slice(0, 4).map((cell) => cell.textContent.replace(/[^0-9]/g, "")).join(" "),
      ])`,
    )) as [string, string][];
    return new Map(rows);
  }

  async function equalsRecount(visit: Visit): Promise<void> {
    let wanted = new Map<string, string>();
    let shown = new Map<string, string>();
    await until(
      async () => {
        [wanted, shown] = [await recount(), await table(visit)];
        return (
          wanted.size > 0 &&
          wanted.size === shown.size &&
          [...wanted].every(([area, sum]) => shown.get(area) === sum)
        );
      },
      () => {
        const wrong = [...wanted].filter(([area, sum]) => shown.get(area) !== sum);
        return `${wrong.length} of ${wanted.size} areas differ, e.g. ${JSON.stringify(wrong[0])} is shown as ${shown.get(wrong[0]?.[0] ?? "")}`;
      },
    );
  }

  it("shows every station and area of the feed, says that they are simulated, and asks no other host", async () => {
    const visit = await Visit.open(browser, product.url);
    await visit.mapReady();
    await equalsRecount(visit);
    await visit.shows(".chip-simulated", "Simulated data");
    await visit.shows(".panel-head", "1,500 stations");
    await visit.screenshot("desktop-light");
    assert.deepEqual(await visit.violations(), []);
    assert.deepEqual(visit.complaints, []);
    assert.deepEqual(visit.strangers, []);
    await visit.close();
  });

  it("shows a change of the feed without being reloaded, and still equals a recount", async () => {
    const visit = await Visit.open(browser, product.url);
    await equalsRecount(visit);
    const before = await table(visit);
    for (let change = 0; change < 3; change += 1) {
      simulator.advance(CHANGE_PERIOD_MS);
      await equalsRecount(visit);
    }
    const now = await table(visit);
    assert.ok(
      [...now].some(([area, sum]) => before.get(area) !== sum),
      "nothing changed",
    );
    assert.deepEqual(visit.complaints, []);
    await visit.close();
  });

  it("agrees with the API, area by area", async () => {
    const visit = await Visit.open(browser, product.url);
    await equalsRecount(visit);
    const { areas } = (await (await fetch(`${product.url}/api/v1/areas`)).json()) as AreasAnswer;
    const told = new Map(
      areas.map((area) => [
        area.postcode,
        [area.nbr_total, area.nbr_elec, area.nbr_meca, area.docks].join(" "),
      ]),
    );
    assert.deepEqual(Object.fromEntries(await table(visit)), Object.fromEntries(told));
    await visit.close();
  });

  it("opens an area and a station of it, draws what it saw, and finds its way back", async () => {
    const visit = await Visit.open(browser, product.url, { ...DESKTOP, colorScheme: "dark" });
    const { page } = visit;
    await visit.mapReady();
    await visit.screenshot("desktop-dark");
    assert.deepEqual(await visit.violations(), []);
    await page.getByRole("link", { name: "75016", exact: true }).click();
    await visit.shows("h2", "75016");
    assert.match(page.url(), /\?area=75016/);
    // Its answer takes the place of what the page saw before, and may hold fewer points.
    await visit.shows(".history .source", "From the archive");
    for (let change = 0; change < 4; change += 1) {
      const points = Number(await page.getAttribute(".chart", "data-points"));
      simulator.advance(10 * CHANGE_PERIOD_MS);
      await until(
        async () => Number(await page.getAttribute(".chart", "data-points")) > points,
        () => "the chart did not grow",
      );
    }
    await page.waitForSelector(".chart canvas");
    await visit.screenshot("area-detail-dark");
    assert.deepEqual(await visit.violations(), []);
    await page.locator("table.stations tbody a").first().click();
    await visit.shows(".facts", "Capacity");
    await visit.shows(".facts", "Station's own report");
    await visit.settled();
    await visit.screenshot("station-detail-dark");
    assert.deepEqual(await visit.violations(), []);
    await page.goBack();
    await visit.shows("h2", "75016");
    await page.goBack();
    await visit.shows("h2", "Areas");
    assert.deepEqual(visit.complaints, []);
    await visit.close();
  });

  it("finds, sorts and opens by keyboard alone", async () => {
    const visit = await Visit.open(browser, product.url);
    const { page } = visit;
    await visit.shows("tbody tr", "75001");
    await page.getByRole("searchbox").focus();
    await page.keyboard.type("7501");
    await until(
      async () => (await table(visit)).size === 10,
      () => "the search did not narrow the table",
    );
    await page.getByRole("button", { name: "Bikes" }).last().focus();
    await page.keyboard.press("Enter");
    await visit.page.waitForSelector('th.column-total[aria-sort="descending"]');
    const totals = [...(await table(visit)).values()].map((sum) => Number(sum.split(" ")[0]));
    assert.deepEqual(
      totals,
      totals.toSorted((a, b) => b - a),
    );
    await page.locator("table.areas tbody a").first().focus();
    await page.keyboard.press("Enter");
    await page.waitForSelector("#panel-heading:focus");
    assert.match(page.url(), /area=750\d\d.*q=7501.*sort=-total/);
    await page.reload();
    await visit.shows(".facts-line", "stations rent");
    const opened = (await page.textContent("h2")) ?? "";
    await page.keyboard.press("Escape");
    await page.waitForSelector(`table.areas a:focus:text-is("${opened}")`);
    await visit.close();
  });

  it("speaks French to a French browser, on a phone, and English when asked", async () => {
    const visit = await Visit.open(browser, product.url, PHONE);
    const { page } = visit;
    await visit.mapReady();
    await visit.shows("h2", "Secteurs");
    assert.equal(await page.getAttribute("html", "lang"), "fr");
    await page.waitForSelector(".pulse-age", { state: "visible" });
    await visit.shows(".pulse-age", /^Données d’il\sy\sa\s\d+\ss$/);
    await visit.shows(".credits", "Données\u00A0: Données simulées");
    await visit.screenshot("phone-french");
    assert.deepEqual(await visit.violations(), []);
    const overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
    assert.equal(overflow, 0, "the page is wider than the phone");
    await page.getByRole("button", { name: "EN" }).tap();
    await visit.shows("h2", "Areas");
    assert.equal(await page.getAttribute("html", "lang"), "en");
    await page.reload();
    await visit.shows("h2", "Areas");
    assert.deepEqual(visit.complaints, []);
    await visit.close();
  });

  it("opens the station that is clicked on the map, and keeps the view in the address", async () => {
    const answer = await fetch(`${product.url}/api/v1/stations/16107`);
    const { station } = (await answer.json()) as StationAnswer;
    const visit = await Visit.open(browser, `${product.url}/?map=16.5/${station.lat}/${station.lon}`);
    const { page } = visit;
    await visit.mapReady();
    const box = await page.locator(".map .maplibregl-canvas").boundingBox();
    assert.ok(box);
    const centre = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
    // The worker may still be placing the stations: a click on bare ground would open the area.
    await until(
      async () => {
        await page.mouse.move(centre.x + 1, centre.y);
        await page.mouse.move(centre.x, centre.y);
        return page.locator(".tooltip", { hasText: station.name ?? "" }).isVisible();
      },
      () => "no station under the pointer",
    );
    await page.mouse.click(centre.x, centre.y);
    await visit.shows(".facts", "16107");
    await page.mouse.move(centre.x, centre.y);
    await page.mouse.down();
    await page.mouse.move(centre.x + 120, centre.y + 60, { steps: 4 });
    await page.mouse.up();
    await until(
      () => /map=1\d\.\d\d\//.test(page.url()) && !page.url().includes(`/${station.lat}`),
      () => `the address is ${page.url()}`,
    );
    assert.deepEqual(visit.complaints, []);
    await visit.close();
  });

  it("tells the operator that the feed fails, and that it is well again", async () => {
    const visit = await Visit.open(browser, `${product.url}/?feeds`);
    await visit.shows(".feed", "polled");
    simulator.setFault("5xx");
    await visit.shows(".feed", "http_503");
    await visit.shows('[data-trouble="system"]', "the feed does not answer");
    simulator.setFault(null);
    await visit.page.waitForSelector('[data-trouble="system"]', { state: "detached" });
    await visit.close();
  });

  it("recovers by itself when the server was stopped and started again", async () => {
    const visit = await Visit.open(browser, product.url);
    await equalsRecount(visit);
    const { port } = product;
    await product.stop();
    await visit.shows('[data-trouble="lost"]', "Disconnected");
    simulator.advance(CHANGE_PERIOD_MS);
    product = await run("--port", port);
    await visit.page.waitForSelector('[data-trouble="lost"]', { state: "detached" });
    await equalsRecount(visit);
    await visit.close();
  });

  it("shows what was before the page was opened, out of the archive", async () => {
    // The restart before this test has closed the archive's first files.
    const answer = await fetch(`${product.url}/api/v1/areas/75016/history?step=1m`);
    const { nbr_total: archived } = (await answer.json()) as HistoryAnswer;
    const steps = archived.filter((total) => total !== null).length;
    assert.ok(steps > 0, "the archive is empty");
    const visit = await Visit.open(browser, `${product.url}/?area=75016`);
    await visit.shows(".source", "From the archive");
    await until(
      async () => Number(await visit.page.getAttribute(".chart", "data-points")) > steps,
      () => `the chart has not all of ${steps} steps`,
    );
    await visit.mapReady();
    await visit.screenshot("area-detail-archive");
    assert.deepEqual(await visit.violations(), []);
    assert.deepEqual(visit.complaints, []);
    await visit.close();
  });
});

interface FeedStation {
  readonly station_id: number;
  readonly num_bikes_available: number;
  readonly num_docks_available: number;
  readonly num_bikes_available_types: readonly { readonly mechanical?: number; readonly ebike?: number }[];
}
