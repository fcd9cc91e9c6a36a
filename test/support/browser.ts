/** Debian's Chromium, driven by Playwright, watching for what a page must never do. */
import axe from "axe-core";
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";

const EXECUTABLE = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const ARTIFACTS = join(import.meta.dirname, "../../artifacts");
/** Generous: the machine may be busy, and nothing here is about speed. */
export const PATIENCE_MS = 30_000;

export const DESKTOP: BrowserContextOptions = {
  viewport: { width: 1440, height: 900 },
  locale: "en-GB",
  timezoneId: "Europe/Paris",
};
export const PHONE: BrowserContextOptions = {
  viewport: { width: 390, height: 844 },
  deviceScaleFactor: 2,
  isMobile: true,
  hasTouch: true,
  locale: "fr-FR",
  timezoneId: "Europe/Paris",
};

export async function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: EXECUTABLE, args: FLAGS });
}

/** One tab, and everything that went wrong in it. */
export class Visit {
  readonly page: Page;
  /** Console errors and warnings, uncaught exceptions, violations of the policy. */
  readonly complaints: string[] = [];
  /** Requests to any host but the page's own. */
  readonly strangers: string[] = [];

  private constructor(page: Page, origin: string) {
    this.page = page;
    page.setDefaultTimeout(PATIENCE_MS);
    page.on("console", (message) => {
      const text = message.text();
      // Software rendering tells on itself when a screenshot is taken; that is not the page's doing.
      if (message.type() === "log" || /GPU stall due to ReadPixels/.test(text)) return;
      this.complaints.push(`${message.type()}: ${text}`);
    });
    page.on("pageerror", (error) => this.complaints.push(`uncaught: ${error.message}`));
    page.on("request", (request) => {
      const url = new URL(request.url());
      if (url.origin !== origin && !/^(data|blob):$/.test(url.protocol)) this.strangers.push(request.url());
    });
  }

  static async open(browser: Browser, url: string, options: BrowserContextOptions = DESKTOP): Promise<Visit> {
    const context = await browser.newContext(options);
    const visit = new Visit(await context.newPage(), new URL(url).origin);
    await visit.page.goto(url);
    return visit;
  }

  /** Waits for the map, whose first drawing takes longest. */
  async mapReady(): Promise<void> {
    await this.page.waitForSelector('[data-map="ready"]');
    await this.settled();
  }

  /** Two frames later everything that was due is drawn. */
  async settled(): Promise<void> {
    await this.page.evaluate(
      "new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve(null))))",
    );
  }

  /** Every violation of WCAG 2.2 A and AA that axe-core finds, in its own words. */
  async violations(): Promise<string[]> {
    await this.page.evaluate(axe.source);
    const found = (await this.page.evaluate(
      `axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] })
        .then(({ violations }) => violations.map(({ id, nodes }) =>
          id + ": " + nodes.map((node) => node.target.join(" ") + " " + (node.any[0]?.message ?? "")).join(" | ")))`,
    )) as string[];
    return found;
  }

  /** artifacts/page-NAME.png, for people to look at; of the map once nothing more comes to it. */
  async screenshot(name: string): Promise<void> {
    mkdirSync(ARTIFACTS, { recursive: true });
    if ((await this.page.locator('[data-map="ready"]').count()) > 0) {
      let before = "";
      await until(
        async () => {
          const now = await this.mapPicture();
          const isStill = now === before;
          before = now;
          return isStill;
        },
        () => "the map never stands still",
      );
    }
    await this.page.screenshot({ path: join(ARTIFACTS, `page-${name}.png`) });
  }

  /** The map as it looks, to compare with itself. */
  async mapPicture(): Promise<string> {
    return (await this.page.locator(".map .maplibregl-canvas").screenshot()).toString("base64");
  }

  /** Waits until the text of `selector` is as wanted; says what it was otherwise. */
  async shows(selector: string, wanted: string | RegExp): Promise<void> {
    const target = this.page.locator(selector).first();
    const fits = (text: string | null): boolean =>
      text !== null && (typeof wanted === "string" ? text.includes(wanted) : wanted.test(text));
    await until(
      async () => fits(await target.textContent({ timeout: 1_000 }).catch(() => null)),
      async () =>
        `${selector} shows ${JSON.stringify(await target.textContent({ timeout: 1_000 }).catch(() => null))}, not ${String(wanted)}`,
    );
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }
}

/** Asks again until it is so. Real processes are behind it: there is no clock to move. */
export async function until(
  isSo: () => boolean | Promise<boolean>,
  describe: () => string | Promise<string>,
): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS;
  while (!(await isSo())) {
    if (performance.now() > endMs) assert.fail(await describe());
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
