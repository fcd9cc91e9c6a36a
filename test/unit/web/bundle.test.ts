/** Builds the page as `npm run build:web` does, and holds its size and its rules. Bytes are deterministic; times are not. */
import assert from "node:assert/strict";
import { readFileSync, rmSync, readdirSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { build, type Manifest } from "vite";

const WEB = join(import.meta.dirname, "../../../web");
const INITIAL_JS_BUDGET = 120 * 1000;

describe("the built page", () => {
  const out = mkdtempSync(join(tmpdir(), "velostream-web-"));
  let manifest: Manifest;

  before(async () => {
    await build({
      configFile: join(WEB, "vite.config.ts"),
      logLevel: "error",
      build: { outDir: out, emptyOutDir: true },
    });
    manifest = JSON.parse(readFileSync(join(out, ".vite/manifest.json"), "utf8")) as Manifest;
  });
  after(() => rmSync(out, { recursive: true, force: true }));

  /** Files of the entry and of what it imports at once. */
  function initialFiles(): string[] {
    const files = new Set<string>();
    const visit = (name: string): void => {
      const chunk = manifest[name];
      assert.ok(chunk, name);
      files.add(chunk.file);
      for (const imported of chunk.imports ?? []) visit(imported);
    };
    visit("index.html");
    return [...files];
  }

  it("starts with less than 120 kB of JavaScript, gzipped", () => {
    const bytes = initialFiles().reduce(
      (sum, file) => sum + gzipSync(readFileSync(join(out, file))).length,
      0,
    );
    assert.ok(bytes < INITIAL_JS_BUDGET, `${bytes} bytes`);
  });

  it("loads the map and the chart later", () => {
    const later = manifest["index.html"]?.dynamicImports ?? [];
    assert.deepEqual(later.toSorted(), ["src/map/station-map.ts", "src/view/history-plot.ts"]);
    for (const file of initialFiles())
      assert.doesNotMatch(readFileSync(join(out, file), "utf8"), /maplibre|uPlot/);
  });

  it("has nothing inline, so that the policy holds, and names no other host in its own files", () => {
    const html = readFileSync(join(out, "index.html"), "utf8");
    assert.doesNotMatch(html, /<style|style=|<script(?![^>]*\ssrc=)|\son\w+=|https?:\/\//);
    for (const file of readdirSync(join(out, "assets")).filter((name) => name.startsWith("index-"))) {
      const hosts = readFileSync(join(out, "assets", file), "utf8").match(/https?:\/\/[\w.-]+/g) ?? [];
      // Names of XML languages, not addresses.
      assert.deepEqual(
        hosts.filter((host) => host !== "http://www.w3.org"),
        [],
      );
    }
  });
});

describe("the style sheet's tokens", () => {
  it("say every colour for light and for dark", () => {
    const css = readFileSync(join(WEB, "src/styles/tokens.css"), "utf8");
    const colours = css.split("\n").filter((line) => /^ +--.*(#|rgb)/.test(line));
    assert.ok(colours.length > 40);
    for (const line of colours) assert.match(line, /: light-dark\([^,]+, .+\);$/);
  });
});
