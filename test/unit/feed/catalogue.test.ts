/** Systems by name: searched without accents, resolved or asked back, kept for days without a network. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { folded, searchSystems } from "../../../src/domain/catalogue.ts";
import { ConfigError, FeedError } from "../../../src/errors.ts";
import { parseCatalogue } from "../../../src/feed/catalogue-rows.ts";
import { Catalogue, targetOf } from "../../../src/feed/catalogue.ts";
import { HttpClient } from "../../../src/feed/http-client.ts";
import { FeedServer } from "../../support/feed-server.ts";
import { silentLogger } from "../../support/silent.ts";

const CSV = `Country Code,Name,Location,System ID,URL,Auto-Discovery URL,Supported Versions,Authentication Info URL,Authentication Type,Authentication Parameter Name
CA,BIXI Montréal,Montreal,Bixi_MTL,https://x.example/,https://gbfs.example.com/bixi/gbfs.json,1.0 ; 2.2,,,
CA,"LocoMotion, Montréal",Montreal,locomotion_montreal,,https://gbfs.example.com/loco/gbfs,3.0,,,
ES,Bicing,Barcelona,bike_barcelona,,https://gbfs.example.com/bicing/gbfs.json,1.1 ; 2.3 ; 3.0,,,
NO,Oslo Bysykkel,Oslo,oslobysykkel,,https://gbfs.example.com/oslo/gbfs.json,2.3,,,
FR,Vélib' Metropole,Paris,Paris,,https://velib-metropole-opendata.smovengo.cloud/opendata/Velib_Metropole/gbfs.json,1.0,,,
CH,Lime Wetzikon,Wetzikon,lime_wetzikon,,https://gbfs.example.com/lime/gbfs,2.3,https://x.example,2,Authorization
ES,Twice,Here,twice,,https://gbfs.example.com/1/gbfs.json,2.3,,,
ES,Other,There,twice,,https://gbfs.example.com/2/gbfs.json,2.3,,,
XX,No URL,Nowhere,none,,,,,,
XX,File,Nowhere,file,,file:///etc/passwd,,,,
`;
const { systems: SYSTEMS, unusable: UNUSABLE } = parseCatalogue(CSV);

const server = new FeedServer();
const folder = mkdtempSync(join(tmpdir(), "velostream-catalogue-"));
const clock = { ms: Date.now(), now: () => clock.ms };
let client: HttpClient;
before(async () => {
  await server.listen();
  client = new HttpClient({ userAgent: "velostream-test", now: clock.now });
});
after(async () => {
  await client.close();
  await server.close();
  rmSync(folder, { recursive: true });
});

let caches = 0;
function catalogue(
  source: string,
  cacheFile = join(folder, `kept-${(caches += 1)}`, "systems.csv"),
): Catalogue {
  return new Catalogue({ client, cacheFile, source, clock, logger: silentLogger });
}

test("reads the catalogue: quoted names, versions, who needs credentials; rows of no use are left out", () => {
  assert.deepEqual(
    SYSTEMS.map(({ systemId }) => systemId),
    [
      "Bixi_MTL",
      "locomotion_montreal",
      "bike_barcelona",
      "oslobysykkel",
      "Paris",
      "lime_wetzikon",
      "twice.here",
      "twice.there",
    ],
  );
  assert.deepEqual(SYSTEMS[2]?.versions, ["1.1", "2.3", "3.0"]);
  assert.deepEqual(
    SYSTEMS.filter(({ authenticated }) => authenticated).map(({ name }) => name),
    ["Lime Wetzikon"],
  );
  assert.deepEqual(parseCatalogue("<!doctype html>"), { systems: [], unusable: [] });
});

test("searches without accents or case, words in any order, the closest first", () => {
  const search = (text: string) => searchSystems(SYSTEMS, text).map(({ systemId }) => systemId);
  assert.deepEqual(search("montréal"), search("MONTREAL"));
  assert.deepEqual(search("montreal bixi"), ["Bixi_MTL"]);
  assert.deepEqual(search("barcelona")[0], "bike_barcelona");
  assert.deepEqual(search("velib"), ["Paris"]);
  assert.deepEqual(search("no such place"), []);
  assert.equal(search("").length, SYSTEMS.length);
  assert.equal(folded("Łódź, Ærø – Straße d'Azur"), "lodz aero strasse dazur");
});

test("resolves a name or an id to one system, whose URL is a stranger's", async () => {
  server.routes.set("/systems.csv", CSV);
  const one = catalogue(`${server.origin}/systems.csv`);
  for (const name of ["bicing", "Bicing", "bike_barcelona", "BIKE BARCELONA", "barcelona"]) {
    const target = await one.resolve(name);
    assert.deepEqual(
      [target.systemId, target.typed, target.url.pathname],
      ["bike_barcelona", false, "/bicing/gbfs.json"],
    );
  }
  assert.equal((await one.resolve("Paris")).systemId, "velib");
  assert.equal(server.count("/systems.csv"), 1, "fetched once");
});

test("asks back when a name is several systems', and names the nearest when it is none's", async () => {
  server.routes.set("/systems.csv", CSV);
  const one = catalogue(`${server.origin}/systems.csv`);
  await assert.rejects(one.resolve("montreal"), (error: Error) => {
    assert.ok(error instanceof ConfigError);
    assert.match(error.message, /2 systems: Bixi_MTL \(BIXI Montréal, Montreal\), locomotion_montreal/);
    return true;
  });
  await assert.rejects(one.resolve("bicnig"), /Did you mean bike_barcelona \(Bicing\)/);
  await assert.rejects(one.resolve("zzzzzzzzzz"), /No system is called "zzzzzzzzzz"\. Search with/);
  await assert.rejects(one.resolve("!"), /No system is called/);
});

test("keeps the catalogue for a day, then fetches it again; without a network it uses what it kept", async () => {
  server.routes.set("/systems.csv", CSV);
  const cacheFile = join(folder, "day", "systems.csv");
  const url = `${server.origin}/systems.csv`;
  const before = server.count("/systems.csv");
  await catalogue(url, cacheFile).load();
  await catalogue(url, cacheFile).load();
  assert.equal(server.count("/systems.csv"), before + 1);
  const yesterday = new Date(clock.ms - 25 * 3_600_000);
  utimesSync(cacheFile, yesterday, yesterday);
  server.routes.set("/systems.csv", "<h1>Maintenance</h1>");
  assert.equal((await catalogue(url, cacheFile).load()).length, SYSTEMS.length);
  assert.equal(readFileSync(cacheFile, "utf8"), CSV, "a page that is no catalogue replaces nothing");
  server.routes.set("/systems.csv", CSV.split("\n").slice(0, 3).join("\n"));
  assert.equal((await catalogue(url, cacheFile).load()).length, 2);
});

test("says what to do when there is no network and nothing kept", async () => {
  await assert.rejects(catalogue("http://catalogue.invalid/systems.csv").load(), (error: Error) => {
    assert.ok(error instanceof FeedError);
    assert.match(
      error.message,
      /catalogue\.invalid could not be resolved \(for \/systems\.csv\)\. Connect to the network once, or give the URL/,
    );
    return true;
  });
});

test("reads a catalogue file of one's own, and refuses one that is none", async () => {
  const own = join(folder, "own.csv");
  writeFileSync(own, CSV);
  assert.equal((await catalogue(own).load()).length, SYSTEMS.length);
  writeFileSync(own, "a,b\n1,2\n");
  await assert.rejects(catalogue(own).load(), /holds no systems.*System ID/);
  await assert.rejects(catalogue(join(folder, "absent")).load(), /cannot be read \(ENOENT\)/);
});

test("a system of the catalogue is never trusted as if it had been typed", () => {
  for (const system of SYSTEMS) assert.equal(targetOf(system).typed, false);
});

const HEAD = CSV.split("\n")[0] ?? "";
const row = (id: string, location: string, url: string) => `US,${id},${location},${id},,${url},2.2,,,`;

test("a row that cannot be used costs itself, and is named with its line", () => {
  assert.equal(UNUSABLE.length, 2);
  const bad = [
    "https://gbfs example.org/gbfs.json",
    "https:gbfs.example.org/gbfs.json",
    "https:/gbfs.example.org/gbfs.json",
    "htps://gbfs.example.org/gbfs.json",
    "gbfs.example.org/gbfs.json",
    "https://[::1/gbfs.json",
    "https://:443",
    "",
  ];
  const rows = bad.map((url, n) => row(`bad${n}`, "South", url));
  const { systems, unusable } = parseCatalogue(
    [HEAD, row("good", "North", "https://x.example/gbfs.json"), ...rows].join("\n"),
  );
  assert.deepEqual(
    systems.map(({ systemId }) => systemId),
    ["good"],
  );
  assert.equal(unusable.length, bad.length);
  unusable.forEach((said, n) =>
    assert.match(said, new RegExp(`^line ${n + 3} \\(bad${n}, bad${n}, South\\): its? `)),
  );
  assert.doesNotMatch(
    parseCatalogue([HEAD, row("x", "y", "htps://me:secret@x.example/?token=secret")].join("\n"))
      .unusable[0] ?? "",
    /secret/,
  );
});

test("towns that share an id each have one of their own, found by it, by the shared one and by name", async () => {
  const text = [
    HEAD,
    row("ONE", "North", "https://x.example/n"),
    row("ONE", "South", "https://x.example/s"),
    row("ONE", "South", "https://x.example/s2"),
    row("ONE", "South", "https://x.example/s"),
    row("other", "West", "https://x.example/w"),
  ].join("\n");
  const path = join(folder, "shared.csv");
  writeFileSync(path, text);
  const own = catalogue(path);
  const all = await own.load();
  assert.deepEqual(
    all.map(({ systemId }) => systemId),
    ["ONE.north", "ONE.south", "ONE.south.2", "other"],
  );
  assert.equal((await own.resolve("ONE.south")).url.pathname, "/s");
  await assert.rejects(own.resolve("ONE"), /3 systems: ONE\.north .* Give one by its id/);
  assert.deepEqual(
    all.map((system) => targetOf(system).systemId),
    all.map(({ systemId }) => systemId),
  );
});
