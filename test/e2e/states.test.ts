/** The page in states that the product shows only on bad days, served by a stand-in for its API. */
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import type { Browser, BrowserContextOptions } from "playwright-core";
import { DESKTOP, launchBrowser, PHONE, until, Visit } from "../support/browser.ts";
import { areasOf, inventCity, type City } from "../support/invented-city.ts";
import { PageServer } from "../support/page-server.ts";

describe("the page on a bad day", () => {
  let browser: Browser;
  let city: City;
  let server: PageServer;
  let visit: Visit | null;

  before(async () => {
    browser = await launchBrowser();
  });
  after(() => browser.close());
  beforeEach(async () => {
    city = inventCity({ stations: 300, areas: 20, nowMs: Date.now() });
    server = new PageServer(city);
    visit = null;
    await server.start();
  });
  afterEach(async () => {
    await visit?.close();
    await server.stop();
  });

  async function open(path = "/", options: BrowserContextOptions = DESKTOP): Promise<Visit> {
    visit = await Visit.open(browser, server.url + path, options);
    return visit;
  }

  async function isSound(seen: Visit): Promise<void> {
    assert.deepEqual(await seen.violations(), []);
    assert.deepEqual(seen.strangers, []);
    assert.deepEqual(seen.complaints, []);
  }

  it("waits visibly while the server has nothing to say yet", async () => {
    server.live = false;
    const seen = await open();
    await seen.shows(".areas-view", "Waiting for the first data");
    await seen.mapReady();
    await seen.screenshot("loading");
    await isSound(seen);
  });

  it("says so when the feed has no station", async () => {
    server.stations.clear();
    const seen = await open();
    await seen.shows(".nothing", "No area yet");
    await seen.screenshot("empty");
    await isSound(seen);
  });

  it("says that it is disconnected, looks it, and recovers by itself", async () => {
    const seen = await open();
    await seen.shows("tbody tr", "75001");
    await seen.mapReady();
    await server.stop();
    await seen.shows('[data-trouble="lost"]', "Disconnected for");
    await seen.page.waitForSelector('[data-trust="old"]');
    await seen.screenshot("disconnected");
    assert.deepEqual(await seen.violations(), []);
    const [first] = server.stations.values();
    assert.ok(first);
    server.change([{ key: first.key, nbr_total: first.nbr_total + 900 }]);
    await server.start();
    await seen.page.waitForSelector('[data-trouble="lost"]', { state: "detached" });
    const area = areasOf(server.stations.values()).find(({ key }) => key === first.area_key);
    await seen.shows(
      `tr:has(a[href*="area=${first.area_key}"]) td`,
      new RegExp(`^${format(area?.nbr_total)}$`),
    );
    assert.ok(server.asked.some((path) => path.includes("last_event_id=")));
  });

  it("follows a resync to a new snapshot", async () => {
    const seen = await open();
    await seen.shows("tbody tr", "75001");
    const streams = (): number => server.asked.filter((path) => path.startsWith("/api/v1/events")).length;
    assert.equal(streams(), 1);
    server.resync("slow");
    await until(
      () => streams() === 2,
      () => `${streams()} streams were opened`,
    );
    assert.equal(
      server.asked.findLast((path) => path.startsWith("/api/v1/events")),
      "/api/v1/events",
    );
    await seen.shows(".pulse", "Live");
    await isSound(seen);
  });

  it("makes stale data look stale, and shows the operator why", async () => {
    const seen = await open("/?feeds");
    await seen.mapReady();
    server.tell({
      observed_at: Date.now() - 1_500_000,
      state: "failing",
      last_poll: { at: Date.now() - 4_000, outcome: "http_503", message: "The feed answered 503." },
      rejects: [{ reason: "negative_count", count: 3, first_path: "data.stations[12].num_bikes_available" }],
      flags: [
        {
          flag: "header_moves_content_does_not",
          since: Date.now() - 900_000,
          message: "The header says that the feed was updated, but no count has changed for 15 minutes.",
        },
      ],
    });
    await seen.shows('[data-trouble="system"]', "the last good data is 25 min old");
    await seen.shows(".pulse", "Stale");
    await seen.shows(".feed", "no count has changed for 15 minutes");
    await seen.shows(".feed", "http_503");
    await seen.shows(".feed", "3 × negative_count");
    await seen.shows(".feed", "1,240, 930 of them unchanged (304) · 9.3 MB transferred");
    await seen.shows(".feed", "548 MB");
    await seen.page.waitForSelector('[data-trust="old"]');
    await seen.screenshot("stale");
    await isSound(seen);
  });

  it("keeps its place with many systems: one sentence, one credit, names under the clusters, troubled feeds first", async () => {
    const others = [1, 2, 3, 4, 5].map((number) => {
      const place = { lat: 44 + number, lon: 2 * number };
      const made = inventCity({
        ...place,
        systemId: `town${number}`,
        name: `Town ${number}`,
        stations: 30,
        areas: 2,
        nowMs: Date.now(),
        simulated: false,
      });
      made.system.attribution = `Publisher ${number}`;
      return made;
    });
    for (const { system, stations } of others) {
      server.systems.set(system.system_id, system);
      for (const [key, station] of stations) server.stations.set(key, station);
    }
    const seen = await open();
    await seen.shows(".systems", "6 systems");
    await seen.shows(".credits", "6 publishers");
    await seen.mapReady();
    await seen.screenshot("many-systems");
    await isSound(seen);
    server.tell({
      state: "failing",
      last_poll: { at: Date.now(), outcome: "timeout", message: "No answer." },
    });
    await seen.shows('[data-trouble="system"]', "6 feeds fail, are stale or have not been polled yet.");
    await seen.page.click('[data-trouble="system"] a');
    await seen.shows(".feed details[open]", "No answer.");
    await seen.shows(".feeds", "Publisher 5");
    await seen.screenshot("many-feeds");
    await isSound(seen);
  });

  it("holds names that are far too long, in words and on a phone", async () => {
    const name = "Carrefour de la Résistance et du Général Leclerc – Gare routière internationale";
    for (const [key, station] of server.stations) {
      const postcode = `Communauté d’agglomération ${station.postcode} Saint-Quentin-en-Yvelines`;
      server.stations.set(key, { ...station, name, postcode });
    }
    const [first] = server.stations.values();
    server.tell({ name: "Syndicat mixte Autolib’ et Vélib’ Métropole du Grand Paris et de ses environs" });
    for (const [path, options, label] of [
      ["/", DESKTOP, "long-names"],
      ["/", PHONE, "long-names-phone"],
      [`/?station=${first?.key}`, PHONE, "long-names-station-phone"],
    ] as const) {
      const seen = await open(path, options);
      await seen.mapReady();
      await seen.screenshot(label);
      const overflow = await seen.page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth",
      );
      assert.equal(overflow, 0, label);
      await isSound(seen);
      await seen.close();
    }
    visit = null;
  });

  it("keeps the keyboard where it is while rows change their places", async () => {
    const seen = await open("/?sort=-total");
    await seen.shows("tbody tr", /\d/);
    const last = seen.page.locator("table.areas tbody a").last();
    const key = (await last.textContent()) ?? "";
    await last.focus();
    const inArea = [...server.stations.values()].filter(({ area_key }) => area_key === key);
    server.change(inArea.map((station) => ({ key: station.key, nbr_total: 500 })));
    await seen.shows("table.areas tbody a", key);
    assert.equal(await seen.page.evaluate("document.activeElement.textContent"), key);
    await isSound(seen);
  });

  it("draws on the map what changed, and nothing else", async () => {
    const seen = await open();
    await seen.mapReady();
    const map = (): Promise<string> => seen.mapPicture();
    let before = await map();
    // The first pictures are drawn in parts: wait for the last.
    await until(
      async () => before === (before = await map()),
      () => "the map did not settle",
    );
    const stations = [...server.stations.values()];
    server.change(stations.map(({ key }) => ({ key, nbr_total: 0, nbr_elec: 0, nbr_meca: 0 })));
    await until(
      async () => (await map()) !== before,
      () => "the map looks as it did",
    );
    server.change(
      stations.map(({ key, nbr_total, nbr_elec, nbr_meca }) => ({ key, nbr_total, nbr_elec, nbr_meca })),
    );
    await until(
      async () => (await map()) === before,
      () => "the map does not look as before",
    );
    await isSound(seen);
  });

  it("draws every row of a long table, in sight or not, and keeps the columns in line", async () => {
    const { system, stations } = inventCity({ stations: 400, areas: 120, nowMs: Date.now() });
    server.systems = new Map([[system.system_id, system]]);
    server.stations.clear();
    for (const [key, station] of stations) server.stations.set(key, station);
    const seen = await open();
    const names = [...new Set(stations.values().map(({ postcode }) => postcode))].sort();
    const lastName = names.at(-1) ?? "";
    const last = seen.page.locator("table.areas tbody tr").nth(names.length - 1);
    await last.waitFor({ state: "attached" });
    const inLast = [...stations.values()].filter(({ postcode }) => postcode === lastName);
    server.change(inLast.map(({ key }) => ({ key, nbr_total: 1_000 })));
    await until(
      async () => (await last.textContent())?.includes(format(1_000 * inLast.length)) ?? false,
      async () => `the last row shows ${await last.textContent()}`,
    );
    await last.scrollIntoViewIfNeeded();
    await seen.settled();
    const edges = await seen.page.evaluate<number[]>(
      `[...document.querySelectorAll("table.areas tr")].map((row) => Math.round(row.children[4].getBoundingClientRect().right))`,
    );
    assert.equal(new Set(edges).size, 1, `the docks' column ends at ${[...new Set(edges)].join(", ")}`);
    const roles = await seen.page.locator("table.areas").ariaSnapshot();
    assert.match(roles, new RegExp(`rowheader "${lastName}"`));
    await isSound(seen);
  });

  it("has room for numbers of five digits on every screen", async () => {
    for (const [key, station] of server.stations) {
      const nbr_elec = 400 + (station.nbr_elec ?? 0);
      const nbr_meca = 600 + (station.nbr_meca ?? 0);
      server.stations.set(key, { ...station, nbr_elec, nbr_meca, nbr_total: nbr_elec + nbr_meca });
    }
    for (const viewport of [
      { width: 1_000, height: 700 },
      { width: 390, height: 844 },
      { width: 320, height: 640 },
    ]) {
      const seen = await open("/", { ...DESKTOP, viewport });
      await seen.shows("tbody tr td", /\d\d,\d\d\d/);
      const cut = await seen.page.evaluate<string[]>(
        `[...document.querySelectorAll("table.areas :is(tr, td)")]
          .filter((part) => part.scrollWidth > part.clientWidth).map((part) => part.textContent)`,
      );
      assert.deepEqual(cut, [], `${viewport.width} pixels`);
      await isSound(seen);
      await seen.close();
    }
    visit = null;
  });

  it("needs no sideways scrolling at 320 pixels, which is also 400 % zoom", async () => {
    const [first] = server.stations.values();
    for (const path of ["/", `/?area=${first?.area_key}`, `/?station=${first?.key}`, "/?feeds"]) {
      const seen = await open(path, { ...PHONE, viewport: { width: 320, height: 640 } });
      await seen.mapReady();
      const overflow = await seen.page.evaluate("document.documentElement.scrollWidth - innerWidth");
      assert.equal(overflow, 0, path);
      await isSound(seen);
      await seen.close();
    }
    visit = null;
  });

  it("never invents a split that the feed does not give", async () => {
    for (const [key, station] of server.stations) {
      server.stations.set(key, { ...station, nbr_elec: null, nbr_meca: null });
    }
    const seen = await open("/?show=electric");
    await seen.shows(".figure-electric dd", "–");
    await seen.mapReady();
    await isSound(seen);
  });

  it("shows what the archive has kept", async () => {
    server.archive = true;
    const seen = await open("/?area=75003&range=24h", { ...DESKTOP, colorScheme: "dark" });
    await seen.shows(".source", "From the archive");
    await seen.page.waitForSelector(".chart canvas");
    await seen.mapReady();
    await seen.page.click("details summary");
    await seen.shows("details tbody tr", /\d\d:\d\d/);
    await seen.screenshot("archive-dark");
    assert.deepEqual(await seen.violations(), []);
  });

  it("draws an area where it is, wherever the camera goes, and opens it there", async () => {
    const [lat, lon] = [48.8, 2.4];
    const corners = [...server.stations.values()].slice(0, 4).map((station, index) => ({
      ...station,
      area_key: "75001",
      postcode: "75001",
      lat,
      lon: lon + (index - 1.5) * 0.004,
    }));
    server.stations.clear();
    for (const station of corners) server.stations.set(station.key, station);
    const seen = await open(`/?map=13/${lat}/${lon}`);
    await seen.mapReady();
    const box = await seen.page.locator(".map .maplibregl-canvas").boundingBox();
    assert.ok(box);
    const x = Math.round(box.width / 2);
    const y = Math.round(box.height / 2);
    const isDrawn = (right: number): Promise<boolean> =>
      seen.page.evaluate(`(() => {
        const pixel = new OffscreenCanvas(1, 1).getContext("2d");
        pixel.drawImage(document.querySelector(".ground"), ${-x - right}, ${-y - 3});
        return pixel.getImageData(0, 0, 1, 1).data[3] > 100;
      })()`);
    const click = (right: number): Promise<void> => seen.page.mouse.click(box.x + x + right, box.y + y + 3);
    // A row of stations 293 m apart: 70 pixels to either side at this zoom, and 130 that the ground reaches farther.
    await until(
      () => isDrawn(150),
      () => "no area was drawn",
    );
    assert.deepEqual([await isDrawn(-150), await isDrawn(-240), await isDrawn(240)], [true, false, false]);
    await seen.page.locator(".map .maplibregl-canvas").press("ArrowLeft");
    // A hundred pixels, as MapLibre says.
    await until(
      async () => (await isDrawn(250)) && !(await isDrawn(-140)),
      () => "the area did not follow the camera",
    );
    assert.deepEqual([await isDrawn(-60), await isDrawn(340)], [true, false]);
    await click(-140);
    await click(250);
    await seen.shows("h2", "75001");
    await isSound(seen);
  });

  it("does without a base map when the tiles cannot be reached", async () => {
    // Nothing listens there.
    server.tiles = { url: "http://127.0.0.1:9/{z}/{x}/{y}.png", attribution: "Nobody" };
    const seen = await open();
    await seen.mapReady();
    await until(
      () => seen.strangers.length > 0,
      () => "no tile was asked for",
    );
    await seen.settled();
    assert.equal(await seen.page.locator(".base-map-credit").count(), 0);
    assert.equal(seen.strangers.length, 1, "one try, not a map full of them");
    await seen.screenshot("tiles-offline");
  });

  it("draws the operator's base map when it answers, and credits it", async () => {
    server.tiles = { url: `${server.url}/tiles/{z}/{x}/{y}.png`, attribution: "Invented Tiles" };
    const seen = await open();
    await seen.mapReady();
    await seen.shows(".base-map-credit", "Invented Tiles");
    await seen.screenshot("tiles");
    await isSound(seen);
  });

  it("says where everything is when the map cannot be drawn", async () => {
    const context = await browser.newContext(DESKTOP);
    await context.addInitScript("HTMLCanvasElement.prototype.getContext = () => null");
    const page = await context.newPage();
    await page.goto(server.url);
    await page.waitForSelector('[data-map="unavailable"]', { state: "attached" });
    assert.match((await page.textContent(".map-note")) ?? "", /Everything is in the table/);
    await page.waitForSelector("tbody tr");
    await context.close();
  });

  it("shows the publisher's notices where they belong, while they hold", async () => {
    const [station] = server.stations.values();
    assert.ok(station);
    const always = { type: "other", region_ids: [], start: null, end: null };
    server.tell({
      alerts: [
        { ...always, alert_id: "1", summary: "Free first half hour on Sunday.", station_ids: [] },
        { ...always, alert_id: "2", summary: "Moved across the street.", station_ids: [station.station_id] },
        { ...always, alert_id: "3", summary: "Long over.", station_ids: [], end: Date.now() - 1_000 },
      ],
    });
    const seen = await open();
    await seen.shows(".alerts", "Free first half hour on Sunday.");
    assert.equal(await seen.page.locator(".alerts li").count(), 1);
    await isSound(seen);
    await seen.page.goto(`${server.url}/?station=${station.key}`);
    await seen.shows(".alerts", "Moved across the street.");
    await isSound(seen);
  });

  it("names an area or a station that is not there", async () => {
    const seen = await open("/?station=velib:nope");
    await seen.shows(".nothing", "velib:nope is not in the feed");
    await isSound(seen);
  });
});

function format(count: number | undefined): string {
  return new Intl.NumberFormat("en-GB").format(count ?? 0);
}
