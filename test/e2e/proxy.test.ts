/** The page below a path of a real nginx, as docs/proxy.md sets it up: TLS, a password, the event stream unbuffered. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Browser, Page } from "playwright-core";
import { startSimulator, type Simulator } from "../../src/simulate/simulator.ts";
import { systemClock } from "../../src/telemetry/system-clock.ts";
import { DESKTOP, launchBrowser, until } from "../support/browser.ts";
import { hasNginx, nginx, type Nginx } from "../support/nginx.ts";
import { Product } from "../support/product.ts";

/** How long the stream is watched; ten minutes of it are `VELO_TEST_STREAM_MS=600000`. */
const WATCHED_MS = Number(process.env["VELO_TEST_STREAM_MS"] ?? 3_000);

describe("the page behind nginx", { skip: hasNginx ? false : "there is no nginx on this machine" }, () => {
  let simulator: Simulator;
  let product: Product;
  let proxy: Nginx;
  let browser: Browser;
  const dataDir = mkdtempSync(join(tmpdir(), "velostream-proxy-"));

  before(async () => {
    simulator = await startSimulator({ clock: systemClock, changePeriodMs: 500, stations: 40, seed: 3 });
    product = await Product.run(
      ..."--interval 1s --log-level error --port 0 --base-path /bikes --trust-proxy 127.0.0.1".split(" "),
      "--feed",
      simulator.url,
      "--data-dir",
      dataDir,
    );
    [proxy, browser] = await Promise.all([nginx(product.port), launchBrowser()]);
  });
  after(async () => {
    await browser?.close();
    await proxy?.stop();
    await product?.stop();
    await simulator?.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  async function visit(
    path: string,
  ): Promise<{ readonly page: Page; readonly asked: string[]; complaints: string[] }> {
    const { username, password } = proxy.login;
    const context = await browser.newContext({
      ...DESKTOP,
      ignoreHTTPSErrors: true,
      httpCredentials: { username, password },
    });
    const page = await context.newPage();
    const [asked, complaints]: [string[], string[]] = [[], []];
    page.on("request", (request) => asked.push(request.url()));
    page.on("console", (message) => {
      if (message.type() === "error") complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(error.message));
    await page.goto(`${proxy.url}${path}`);
    return { page, asked, complaints };
  }

  it("asks for nothing outside of its path, and its stream brings what changes", async () => {
    const { page, asked, complaints } = await visit("/bikes");
    await page.waitForSelector("table.areas tbody tr");
    const shown = async (): Promise<string> => (await page.locator("table.areas").textContent()) ?? "";
    const endMs = performance.now() + WATCHED_MS;
    do {
      const before = await shown();
      await until(
        async () => (await shown()) !== before,
        () => `nothing changes any more; the page says ${before.slice(0, 200)}`,
      );
    } while (performance.now() < endMs);
    // One stream from the first moment to the last: it was never cut, and nothing held its events back.
    assert.equal(asked.filter((url) => url.endsWith("/api/v1/events")).length, 1);
    const outside = asked.filter(
      (url) => !/^(?:data|blob):/.test(url) && !url.startsWith(`${proxy.url}/bikes`),
    );
    assert.deepEqual(outside, []);
    assert.deepEqual(complaints, []);
    await page.context().close();
  });

  it("opens a shared link, the documentation and its links below the path", async () => {
    const { page } = await visit("/bikes/docs/");
    assert.equal(page.url(), `${proxy.url}/bikes/docs`);
    await page.click("text=Live page");
    await page.waitForSelector("table.areas tbody tr");
    assert.equal(new URL(page.url()).pathname, "/bikes/");
    await page.context().close();
  });

  it("keeps the operator's answers and the password to itself", async () => {
    const { username, password } = proxy.login;
    const { request } = await browser.newContext({
      ignoreHTTPSErrors: true,
      httpCredentials: { username, password },
    });
    assert.equal((await request.get(`${proxy.url}/bikes/metrics`)).status(), 404);
    assert.equal((await request.get(`${proxy.url}/bikes/healthz`)).status(), 200);
    const stranger = await browser.newContext({ ignoreHTTPSErrors: true });
    assert.equal((await stranger.request.get(`${proxy.url}/bikes/`)).status(), 401);
  });
});
