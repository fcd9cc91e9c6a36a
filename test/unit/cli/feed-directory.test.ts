/** Which feeds are collected: names, lists, the whole catalogue, manifests; read again when they change. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { FeedDirectory, type FeedDirectoryOptions } from "../../../src/stages/collect/feed-directory.ts";
import { Catalogue } from "../../../src/feed/catalogue.ts";
import { HttpClient } from "../../../src/feed/http-client.ts";
import { FeedServer } from "../../support/feed-server.ts";
import { silentLogger } from "../../support/silent.ts";
import { TestClock } from "../../support/test-clock.ts";

const server = new FeedServer();
const folder = mkdtempSync(join(tmpdir(), "velostream-directory-"));
const catalogueFile = join(folder, "systems.csv");
writeFileSync(
  catalogueFile,
  `Country Code,Name,Location,System ID,URL,Auto-Discovery URL,Supported Versions,Authentication Info URL,Authentication Type,Authentication Parameter Name
ES,Bicing,Barcelona,bike_barcelona,,https://gbfs.example.com/bicing/gbfs.json,3.0,,,
NO,Oslo Bysykkel,Oslo,oslobysykkel,,https://gbfs.example.com/oslo/gbfs.json,2.3,,,
CH,Lime,Wetzikon,lime,,https://gbfs.example.com/lime/gbfs,2.3,x,2,Authorization
`,
);
let client: HttpClient;
before(async () => {
  await server.listen();
  client = new HttpClient({ userAgent: "velostream-test", now: Date.now });
});
after(async () => {
  await client.close();
  await server.close();
  rmSync(folder, { recursive: true });
});

const never = new AbortController().signal;

function directory(options: Partial<FeedDirectoryOptions>, clock = new TestClock(), source = catalogueFile) {
  const catalogue = new Catalogue({
    client,
    cacheFile: join(folder, "kept"),
    source,
    clock,
    logger: silentLogger,
  });
  return new FeedDirectory({
    feed: ["velib"],
    feeds: null,
    catalogue,
    client,
    clock,
    logger: silentLogger,
    env: { TOKEN: "secret" },
    ...options,
  });
}

test("the default is Vélib', known without a network", async () => {
  const one = directory({});
  const [feed] = await one.load(never);
  assert.deepEqual([one.fixed, feed?.key, feed?.target.description?.systemId], [true, "velib", "velib"]);
});

test("--feed takes several, by URL or by name", async () => {
  const feeds = await directory({ feed: ["velib", "bicing", "https://x.example/gbfs.json"] }).load(never);
  assert.deepEqual(
    feeds.map(({ key, target }) => [key, target.typed, target.systemId]),
    [
      ["velib", true, "velib"],
      ["bicing", false, "bike_barcelona"],
      ["https://x.example/gbfs.json", true, null],
    ],
  );
  await assert.rejects(
    directory({ feed: ["https://user:pass@"] }).load(never),
    (error: Error) => !error.message.includes("pass"),
  );
  await assert.rejects(directory({ feed: ["ftp://x.example/"] }).load(never), /neither http nor https/);
});

test("--feeds all is every system of the catalogue that needs no credentials", async () => {
  const one = directory({ feeds: "all" });
  assert.deepEqual(
    [one.fixed, (await one.load(never)).map(({ key }) => key)],
    [false, ["bike_barcelona", "oslobysykkel"]],
  );
});

test("a list's name is the system's id, its headers are its own, and a change of the file is seen", async () => {
  const path = join(folder, "feeds.yaml");
  writeFileSync(
    path,
    "- {url: 'https://x.example/gbfs.json', name: mine, headers: {x-key: TOKEN}}\n- {system: velib, name: paris}\n",
  );
  const clock = new TestClock();
  const one = directory({ feeds: path }, clock);
  const [mine, paris] = await one.load(never);
  assert.deepEqual([mine?.target.systemId, mine?.target.headers], ["mine", { "x-key": "secret" }]);
  assert.deepEqual([paris?.target.systemId, paris?.target.description], ["paris", null]);
  let changed = false;
  const waiting = (async () => {
    await one.changed(never);
    changed = true;
  })();
  await clock.advance(10_000);
  assert.equal(changed, false);
  writeFileSync(path, "- bicing\n");
  await clock.advance(2_000);
  await waiting;
  assert.deepEqual(
    (await one.load(never)).map(({ key }) => key),
    ["bicing"],
  );
});

test("a list that is absent, or becomes so, is an error that names it", async () => {
  await assert.rejects(
    directory({ feeds: join(folder, "absent.yaml") }).load(never),
    /absent\.yaml cannot be read \(ENOENT\)/,
  );
});

test("a catalogue that is away keeps no other feed from starting, and is tried again soon", async () => {
  const clock = new TestClock();
  const one = directory({ feed: ["velib", "bicing"] }, clock, "http://catalogue.invalid/systems.csv");
  assert.deepEqual(
    (await one.load(never)).map(({ key }) => key),
    ["velib"],
  );
  await assert.rejects(
    directory({ feed: ["bicing"] }, clock, "http://catalogue.invalid/systems.csv").load(never),
    /could not be fetched/,
  );
});

test("a manifest unfolds into its systems; those on other origins are strangers", async () => {
  const version = (url: string) => [
    { version: "2.3", url: "https://old.example/" },
    { version: "3.0", url },
  ];
  server.routes.set("/manifest.json", {
    data: {
      datasets: [
        { system_id: "here", versions: version(`${server.origin}/here/gbfs.json`) },
        { system_id: "there", versions: version("https://there.example/gbfs.json") },
        { system_id: "nowhere", versions: [{ version: "9", url: "https://x.example/" }] },
      ],
    },
  });
  const one = directory({ feed: [`${server.origin}/manifest.json`] });
  assert.deepEqual(
    (await one.load(never)).map(({ key, target }) => [key, target.typed, target.url.pathname]),
    [
      ["here", true, "/here/gbfs.json"],
      ["there", false, "/gbfs.json"],
    ],
  );
  const [here] = await one.load(never);
  assert.deepEqual(
    here?.target.versions?.map(({ version: number }) => number),
    ["3.0", "2.3"],
    "every version may be read, not the highest alone",
  );
  assert.equal(one.fixed, false);
  server.routes.set("/manifest.json", { data: { stations: [] } });
  await assert.rejects(one.load(never), /not a manifest/);
});

test("a manifest under another name unfolds all the same, and two systems of one id keep apart", async () => {
  const dataset = (path: string) => ({
    system_id: "one",
    versions: [{ version: "2.3", url: `${server.origin}${path}` }],
  });
  server.routes.set("/list/gbfs.json", { data: { datasets: [dataset("/a"), dataset("/b")] } });
  const feeds = await directory({ feed: [`${server.origin}/list/gbfs.json`] }).load(never);
  assert.deepEqual(
    feeds.map(({ key, target }) => [key, target.url.pathname]),
    [
      ["one", "/a"],
      ["one 2", "/b"],
    ],
  );
});

test("one row of the catalogue that cannot be used stops no other", async () => {
  const path = join(folder, "typo.csv");
  const row = (id: string, url: string) => `ES,${id},Here,${id},,${url},3.0,,,`;
  writeFileSync(
    path,
    [
      "Country Code,Name,Location,System ID,URL,Auto-Discovery URL,Supported Versions,Authentication Info URL,Authentication Type,Authentication Parameter Name",
      row("a", "https://x.example/a"),
      row("b", "https://x example/b"),
      row("c", "https://x.example/c"),
      row("c", "https://x.example/d"),
    ].join("\n"),
  );
  const feeds = await directory({ feeds: "all" }, new TestClock(), path).load(never);
  assert.deepEqual(
    feeds.map(({ key }) => key),
    ["a", "c.here", "c.here.2"],
  );
});
