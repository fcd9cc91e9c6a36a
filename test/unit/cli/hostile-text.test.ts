/** Whatever a feed, a file, an option or a record is called: of what reaches a terminal, the sequences are our own. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { COMMANDS } from "../../../src/cli/commands.ts";
import { dispatch } from "../../../src/cli/dispatch.ts";
import { createTerminal } from "../../../src/cli/terminal.ts";
import { MemoryLog } from "../../../src/log/memory-log.ts";
import { topicSpecs } from "../../../src/log/topics.ts";
import { PrintStage } from "../../../src/stages/print/print.ts";
import { createLogger, SILENT } from "../../../src/telemetry/logger.ts";
import { escapeJson, plainText } from "../../../src/telemetry/plain-text.ts";
import { systemClock } from "../../../src/telemetry/system-clock.ts";
import { openWriter, ScriptedLog } from "../../support/archive.ts";
import { FeedServer } from "../../support/feed-server.ts";
import { runSink } from "../../support/run-sink.ts";
import { countingMetrics } from "../../support/silent.ts";
import {
  ATTACKS,
  HOSTILE,
  NOT_PLAIN,
  OWN_SEQUENCES,
  rememberingStreams,
} from "../../support/hostile-text.ts";
import { TestClock } from "../../support/test-clock.ts";

const NOW_MS = Date.now();
const folder = mkdtempSync(join(tmpdir(), "velostream-hostile-"));
const dataDir = join(folder, "data");
const captures = join(folder, "captures");
const server = await new FeedServer().listen();
const data = ["--data-dir", dataDir];
const feed = ["--feed", server.url("/gbfs.json").href];

before(async () => {
  const stations = [{ station_id: HOSTILE, num_bikes_available: 3, num_docks_available: 1, is_renting: 1 }];
  const information = [{ station_id: HOSTILE, name: HOSTILE, lat: 48.8, lon: 2.3, post_code: HOSTILE }];
  const head = { last_updated: Math.floor(NOW_MS / 1000), ttl: 60, version: "2.3" };
  const url = (name: string): string => server.url(`/${name}.json`).href;
  const feeds = ["system_information", "station_status", "station_information"].map((name) => ({
    name,
    url: url(name),
  }));
  server.routes.set("/gbfs.json", { ...head, data: { en: { feeds } } });
  server.routes.set("/system_information.json", {
    ...head,
    data: { system_id: HOSTILE, name: HOSTILE, timezone: HOSTILE, language: "en" },
  });
  server.routes.set("/station_status.json", { ...head, data: { stations } });
  server.routes.set("/station_information.json", { ...head, data: { stations: information } });
  server.routes.set(
    "/systems.csv",
    `Country Code,Name,Location,System ID,URL,Auto-Discovery URL,Supported Versions,Authentication Info URL\nFR,"${HOSTILE}","${HOSTILE}",${plainText(HOSTILE).replaceAll(/\W/g, "")},https://x.example,https://x.example/gbfs.json,2.3,\n`,
  );
  mkdirSync(captures);
  writeFileSync(
    join(captures, `station_status-${NOW_MS}.json`),
    JSON.stringify({ ...head, data: { stations } }),
  );
  writeFileSync(
    join(captures, "station_information.json"),
    JSON.stringify({ data: { stations: information } }),
  );
  mkdirSync(join(dataDir), { recursive: true });
  const writer = await openWriter(join(dataDir, "history"), new TestClock(NOW_MS - 60_000));
  const log = new ScriptedLog();
  await writer.append(
    log.batch([{ total: 5, observedAtMs: NOW_MS - 60_000, area: HOSTILE, stationId: HOSTILE }]),
  );
  await writer.close();
});
after(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

/** What a command does with hostile data, by its name: each line is one call. A new command needs a row here. */
const RECIPES: Readonly<Record<string, readonly (readonly string[])[]>> = {
  run: [
    [...feed, "--no-serve", "--for", "2s", ...data],
    [...feed, "--no-serve", "--for", "2s", "--json", ...data],
  ],
  collect: [["--brokers", HOSTILE, ...feed, "--for", "1s"]],
  aggregate: [["--member-id", HOSTILE]],
  serve: [["--host", HOSTILE, "--tiles", HOSTILE]],
  "topics create": [["--raw-topic", HOSTILE]],
  "topics list": [["--totals-topic", HOSTILE]],
  archive: [["--data-dir", join(folder, HOSTILE.replaceAll("\u0000", ""))]],
  "watch totals": [["--from", HOSTILE]],
  "watch raw": [["--from", HOSTILE]],
  demo: [["--stations", HOSTILE, "--no-serve", "--for", "1s"]],
  replay: [
    [captures, "--no-serve", "--speed", "max", "--for", "2s"],
    [join(folder, HOSTILE.replaceAll("\u0000", "")), "--no-serve"],
  ],
  import: [
    [captures, "--data-dir", join(folder, "imported")],
    [HOSTILE, "--data-dir", join(folder, "imported")],
  ],
  "history area": [
    [HOSTILE, ...data],
    [HOSTILE, "--timezone", HOSTILE, ...data],
    [`velib:${HOSTILE}`, ...data],
  ],
  "history station": [
    [HOSTILE, ...data],
    [HOSTILE, "--at", HOSTILE, ...data],
  ],
  "history export": [
    ["--format", "csv", ...data],
    ["--format", "ndjson", ...data],
    ["--table", "areas", "--format", "csv", ...data],
    ["--output", join(folder, HOSTILE.replaceAll("\u0000", ""), "x.csv"), ...data],
  ],
  "history sql": [
    ["SELECT * FROM stations", ...data],
    ["SELECT * FROM stations", "--format", "table", ...data],
    ["SELECT * FROM stations", "--format", "json", ...data],
    ["SELECT * FROM stations", "--format", "ndjson", ...data],
    [
      `SELECT '${HOSTILE.replaceAll("\u0000", "")}' AS "${HOSTILE.replaceAll("\u0000", "")}"`,
      "--format",
      "table",
      ...data,
    ],
    [`SELEKT ${HOSTILE}`, ...data],
  ],
  completion: [[HOSTILE], ["bash"], ["zsh"], ["fish"]],
  simulate: [
    ["--stations", HOSTILE],
    ["--city-time", HOSTILE],
  ],
  doctor: [
    [...feed, ...data, "--port", "0"],
    [...feed, ...data, "--json", "--port", "0"],
  ],
  systems: [
    ["--catalogue", server.url("/systems.csv").href, ...data],
    ["--catalogue", server.url("/systems.csv").href, "--json", ...data],
    [HOSTILE, "--catalogue", server.url("/systems.csv").href, ...data],
  ],
};

async function said(
  args: readonly string[],
  isTTY: boolean,
  env: Record<string, string> = {},
): Promise<string> {
  const streams = rememberingStreams(isTTY);
  const terminal = createTerminal({ ...streams, env: { TERM: "xterm", ...env }, onClosed: () => {} });
  const stop = AbortSignal.timeout(20_000);
  await dispatch({ args, env, terminal, signal: stop });
  await terminal.flush();
  return streams.written();
}

function assertPlain(text: string, what: string): void {
  const rest = text.replace(OWN_SEQUENCES, "");
  const found = NOT_PLAIN.exec(rest);
  const near =
    found === null ? "" : JSON.stringify(rest.slice(Math.max(0, found.index - 60), found.index + 20));
  assert.equal(found, null, `${what}: ${near}`);
}

for (const { name } of COMMANDS) {
  test(`${name}: hostile text from options, files and feeds only shows`, async () => {
    const words = name.split(" ");
    const anywhere = [
      [`--${HOSTILE}`],
      ["--log-level", HOSTILE],
      ["--config", join(folder, HOSTILE.replaceAll("\u0000", ""))],
      [HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE],
    ];
    const recipes = RECIPES[name];
    assert.ok(recipes !== undefined && recipes.length > 0, `no recipe for "${name}": write one above`);
    for (const args of [...anywhere, ...recipes]) {
      for (const isTTY of [true, false]) {
        const text = await said([...words, ...args], isTTY);
        assert.notEqual(text, "", args.join(" "));
        assertPlain(text, `${name} ${args.join(" ")}`);
        // Colours are our own only where a terminal is: nobody can have them from outside.
        if (!isTTY) assert.ok(!text.includes("\u001B"), name);
        assert.doesNotMatch(text, /^error: all is lost/m, "a name begins no line of its own");
        assert.doesNotMatch(text, /^ok {3}feed(?! {5})/m);
      }
    }
  });
}

test("an unknown command, and a variable of the environment, are echoed plainly", async () => {
  assertPlain(await said([HOSTILE], true), "command");
  assertPlain(await said(["watch", HOSTILE], true), "second word");
  assertPlain(await said(["doctor"], true, { [`VELOSTREAM_${HOSTILE}`]: "1" }), "environment");
});

test("records of strangers print as JSON that means the same and only shows", async () => {
  const streams = rememberingStreams(true);
  const terminal = createTerminal({ ...streams, env: {}, onClosed: () => {} });
  const topics = { raw: "raw", totals: "totals", rejects: "rejects" };
  const log = new MemoryLog({ clock: systemClock });
  await log.createTopics(topicSpecs(topics, { partitions: 1, replicationFactor: 1 }));
  const producer = await log.producer();
  const record = { station_id: HOSTILE, name: HOSTILE, [HOSTILE]: HOSTILE };
  const totals = {
    postcode: HOSTILE,
    nbr_total: 1,
    nbr_elec: null,
    nbr_meca: null,
    system_id: "velib",
    stations: 1,
    docks: 1,
    as_of: NOW_MS,
  };
  await producer.publish([
    {
      topic: "raw",
      partition: 0,
      key: `velib:${HOSTILE}`,
      value: Buffer.from(JSON.stringify(record)),
      headers: {},
    },
    { topic: "raw", partition: 0, key: `velib:${HOSTILE}`, value: null, headers: {} },
    { topic: "raw", partition: 0, key: "velib:x", value: Buffer.from(HOSTILE), headers: {} },
    { topic: "totals", partition: 0, key: HOSTILE, value: Buffer.from(JSON.stringify(totals)), headers: {} },
    { topic: "totals", partition: 0, key: HOSTILE, value: null, headers: {} },
  ]);
  const given = { log, topics, clock: systemClock, logger: SILENT, metrics: countingMetrics() };
  for (const what of ["raw", "totals"] as const) {
    const print = new PrintStage({ what, from: "earliest", write: (lines) => terminal.json(lines) });
    await runSink(print, given, new AbortController().signal, AbortSignal.abort());
  }
  const text = streams.written();
  assertPlain(text, "records");
  const lines = text.trimEnd().split("\n");
  assert.deepEqual(JSON.parse(lines[0] ?? ""), record);
  assert.deepEqual(JSON.parse(lines[1] ?? ""), { key: `velib:${HOSTILE}`, tombstone: true });
});

test("log lines only show, for people and for machines, and JSON means the same", () => {
  for (const format of ["pretty", "json"] as const) {
    const streams = rememberingStreams(true);
    const terminal = createTerminal({ ...streams, env: { FORCE_COLOR: "1" }, onClosed: () => {} });
    const logger = createLogger({
      level: "debug",
      format,
      style: (style, text) => terminal.errStyle(style, text),
      write: (line) => terminal.err(line),
    });
    logger.warn("event", HOSTILE, { name: HOSTILE, [HOSTILE]: { deep: [HOSTILE] }, err: new Error(HOSTILE) });
    const text = streams.written();
    assertPlain(text, format);
    assert.doesNotMatch(text, /^error: all is lost/m);
    // oxlint-disable-next-line no-control-regex
    if (format === "pretty") assert.match(text, /\u001B\[33mWARN\u001B\[39m/);
    else assert.equal((JSON.parse(text) as { msg: string }).msg, HOSTILE);
  }
});

test("our own colours and redraws are the only sequences: text that imitates their marks gains nothing", () => {
  const streams = rememberingStreams(true);
  const terminal = createTerminal({ ...streams, env: { FORCE_COLOR: "1" }, onClosed: () => {} });
  const seen = terminal.style("bold", "x");
  assert.notEqual(seen, "\u001B[1mx\u001B[22m", "marks are not the sequences themselves");
  void terminal.out(terminal.style("red", `a${ATTACKS.erase}\nb`));
  void terminal.out(terminal.style("bold", `in ${terminal.style("red", "side")}`));
  void terminal.out(`${terminal.erased(3)}\u001B[3A`);
  assert.equal(
    streams.written(),
    "\u001B[31ma b\u001B[39m\u001B[1min \u001B[31mside\u001B[39m\u001B[22m\u001B[1G\u001B[3A\u001B[0J",
  );
});

test("any text becomes one plain line, and any JSON keeps its meaning", () => {
  const text = fc
    .array(
      fc.oneof(
        fc.string({ unit: "binary" }),
        fc.constantFrom(...Object.values(ATTACKS), "[", "]0;", "é", "👍🏽"),
      ),
    )
    .map((parts) => parts.join(""));
  fc.assert(
    fc.property(text, (one) => {
      const plain = plainText(one);
      assert.doesNotMatch(plain, NOT_PLAIN);
      assert.doesNotMatch(plain, /[\n\t]/);
      assert.equal(plainText(plain), plain);
      const json = escapeJson(JSON.stringify({ [one]: one }));
      assert.doesNotMatch(json, NOT_PLAIN);
      assert.deepEqual(JSON.parse(json), JSON.parse(JSON.stringify({ [one]: one })));
    }),
  );
  assert.equal(plainText("Cité Universitaire — 中央 👍🏽 ❤️"), "Cité Universitaire — 中央 👍🏽 ❤️");
});
