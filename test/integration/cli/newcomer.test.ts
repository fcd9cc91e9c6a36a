/**
 * What someone meets who tries the command line for the first time: typos, wrong URLs, a feed that answers HTML,
 * Ctrl-C, pipes. Every process is a real one; the feed is a simulator in this one.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startSimulator, type Simulator } from "../../../src/simulate/simulator.ts";
import { systemClock } from "../../../src/telemetry/system-clock.ts";
import { shell, velostream, type Finished } from "../../support/velostream.ts";

/** A Friday, 8:30 in Paris: at night nobody rides, and nothing changes. */
const RUSH_HOUR_MS = Date.UTC(2026, 10, 20, 7, 30);

let simulator: Simulator;
before(async () => {
  simulator = await startSimulator({ clock: systemClock, stations: 80, changePeriodMs: 86_400_000 });
});
after(() => simulator.stop());

const run = (...args: string[]): string[] => ["run", "--no-serve", "--json", ...args];
const onSimulator = (...args: string[]): string[] =>
  run("--feed", simulator.url, "--interval", "1s", ...args);

/** Exit code and stdout as said, one error line that says something, no stack, no colour in a pipe. */
function refused(finished: Finished, exitCode: number, message: RegExp): void {
  assert.deepEqual([finished.exitCode, finished.stdout], [exitCode, ""], finished.stderr);
  assert.match(finished.stderr, message);
  assert.doesNotMatch(finished.stderr, /\n\s+at |bug:/);
  assert.ok(!finished.stderr.includes("\u001B"), "no colour in a pipe");
}

function totals(stdout: string): Map<string, Record<string, unknown>> {
  const table = new Map<string, Record<string, unknown>>();
  for (const line of stdout.trimEnd().split("\n")) {
    const record = JSON.parse(line) as Record<string, unknown>;
    table.set(String(record["postcode"]), record);
  }
  return table;
}

test("no arguments show what there is, and --help anywhere shows a command's options", async () => {
  const help = [
    await velostream(["help", "topics", "list"]).finished,
    await velostream(["topics", "list", "-h"]).finished,
  ];
  assert.equal(help[0]?.stdout, help[1]?.stdout);
  const alone = await velostream([]).finished;
  assert.match(alone.stdout, /velostream demo/);
  for (const args of [["--help"], ["run", "--help"], ["run", "--feed", "-h"], ["replay", "--help"]]) {
    const { exitCode, stdout, stderr } = await velostream(args).finished;
    assert.deepEqual([exitCode, stderr], [0, ""], args.join(" "));
    assert.match(stdout, /Examples:/);
    for (const line of stdout.split("\n")) assert.ok(line.length <= 80, line);
  }
});

test("a typo in a flag, a command or a variable names what was meant", async () => {
  refused(
    await velostream(run("--inteval", "5s")).finished,
    64,
    /--inteval is not an option\. Did you mean --interval\?/,
  );
  refused(await velostream(["simulat"]).finished, 64, /Did you mean "velostream simulate"\?/);
  refused(
    await velostream(["topics", "crate"]).finished,
    64,
    /"topics crate" is not a command\. Did you mean "velostream topics create"\?/,
  );
  refused(
    await velostream(run(), { VELOSTREAM_INTERVALL: "5s" }).finished,
    78,
    /VELOSTREAM_INTERVALL \(environment\) is not an option\. Did you mean VELOSTREAM_INTERVAL\?/,
  );
});

test("a malformed value says where it came from and what one looks like", async () => {
  refused(await velostream(run("--interval", "5")).finished, 78, /--interval: "5" is not a duration: .*10s/);
  refused(
    await velostream(run(), { VELOSTREAM_INTERVAL: "soon" }).finished,
    78,
    /VELOSTREAM_INTERVAL \(environment\): "soon" is not a duration/,
  );
});

test("a server that is not there: which host, tried again, and what to see instead; 69", async () => {
  // Port 9 (discard) of loopback: nothing listens there.
  const { exitCode, stdout, stderr } = await velostream(
    run("--feed", "http://127.0.0.1:9/gbfs.json", "--for", "2s"),
  ).finished;
  assert.deepEqual([exitCode, stdout], [69, ""], stderr);
  assert.match(stderr, /127\.0\.0\.1:9 refused the connection/);
  assert.match(stderr, /npm run demo.*replay/);
});

test("a host that does not exist is named", async () => {
  const { exitCode, stdout, stderr } = await velostream(
    run("--feed", "https://feed.invalid/gbfs.json", "--for", "5s"),
  ).finished;
  assert.deepEqual([exitCode, stdout], [69, ""], stderr);
  assert.match(stderr, /feed\.invalid could not be resolved/);
});

test("a feed that answers HTML is told as such, and nothing is invented from it", async (context) => {
  const broken = await startSimulator({ clock: systemClock, stations: 5 });
  context.after(() => broken.stop());
  broken.setFault("html", ["gbfs", "station_status"]);
  const { exitCode, stdout, stderr } = await velostream(run("--feed", broken.url, "--for", "2s")).finished;
  assert.deepEqual([exitCode, stdout], [69, ""], stderr);
  assert.match(stderr, /not JSON/);
});

test("a station code that the feed does not have names the nearest ones", async () => {
  refused(
    await velostream(onSimulator("--stations", "16107,32018")).finished,
    78,
    /no station 32018 \(nearest: .*32017/,
  );
});

test("the reference stations give exactly their two areas, labelled simulated", async () => {
  const running = velostream(onSimulator("--stations", "16107,32017"));
  await running.seen("stdout", /\n.*\n/);
  // Ten more polls of the same content.
  const enough = simulator.requests + 10;
  while (simulator.requests < enough) await systemClock.sleep(50);
  running.process.kill("SIGINT");
  const { exitCode, stdout, stderr } = await running.finished;
  assert.equal(exitCode, 0, stderr);
  const expected = (index: number): readonly unknown[] => {
    const { mechanical, electric } = simulator.model.counts(index);
    return [mechanical + electric, electric, mechanical, true];
  };
  const got = [...totals(stdout)].map(([area, record]) => [
    area,
    [record["nbr_total"], record["nbr_elec"], record["nbr_meca"], record["simulated"]],
  ]);
  assert.deepEqual(Object.fromEntries(got), { "75016": expected(0), "93200": expected(1) });
  assert.equal(stdout.trimEnd().split("\n").length, 2, "identical polls print nothing new");
});

test("one Ctrl-C drains and ends with 0, with whole lines on stdout", async () => {
  const running = velostream(onSimulator());
  await running.seen("stdout", /\n/);
  running.process.kill("SIGINT");
  const { exitCode, stdout, stderr } = await running.finished;
  assert.equal(exitCode, 0, stderr);
  assert.match(stderr, /Ctrl-C again quits at once/);
  assert.ok(stdout.endsWith("\n"));
  const sum = [...totals(stdout).values()].reduce((total, record) => total + Number(record["nbr_total"]), 0);
  assert.equal(sum, simulator.model.docked);
});

test("Ctrl-C twice quits at once with 130, when what is in hand cannot be finished", async (context) => {
  const lively = await startSimulator({
    clock: systemClock,
    stations: 400,
    changePeriodMs: 100,
    speed: 600,
    cityStartsAtMs: RUSH_HOUR_MS,
  });
  context.after(() => lively.stop());
  const running = velostream(run("--feed", lively.url, "--interval", "100ms"));
  // Nobody reads: the pipe fills (some 15 kB a poll), and the drain has to wait for its reader.
  running.process.stdout?.pause();
  while (lively.requests < 60) await systemClock.sleep(50);
  running.process.kill("SIGINT");
  await running.seen("stderr", /Ctrl-C again quits at once/);
  running.process.kill("SIGINT");
  const [exitCode] = await once(running.process, "exit");
  running.process.stdout?.resume();
  assert.equal(exitCode, 130);
});

test("| head -1 gets its line, and the process ends at its next one without a complaint", async (context) => {
  const lively = await startSimulator({
    clock: systemClock,
    stations: 80,
    changePeriodMs: 1000,
    speed: 600,
    cityStartsAtMs: RUSH_HOUR_MS,
  });
  context.after(() => lively.stop());
  const command = run("--feed", lively.url, "--interval", "1s").join(" ");
  const { exitCode, stdout, stderr } = await shell(`$velostream ${command} | head -1; exit \${PIPESTATUS[0]}`)
    .finished;
  assert.equal(stdout.trimEnd().split("\n").length, 1);
  assert.equal(totals(stdout).size, 1);
  assert.doesNotMatch(stderr, /EPIPE|bug:|error:/);
  assert.equal(exitCode, 0, stderr);
});

test("the demo needs nothing, and takes nothing simulated to a broker that the environment names", async () => {
  const running = velostream(["demo", "--no-serve", "--json", "--stations", "16107,32017"], {
    KAFKA_BROKERS: "127.0.0.1:9",
  });
  await running.seen("stdout", /\n.*\n/);
  running.process.kill("SIGINT");
  const { exitCode, stdout, stderr } = await running.finished;
  assert.equal(exitCode, 0, stderr);
  assert.deepEqual([...totals(stdout).keys()].toSorted(), ["75016", "93200"]);
  for (const record of totals(stdout).values()) assert.equal(record["simulated"], true);
  assert.match(stderr, /^SIMULATED: a city of 1500 stations/);
});

test("a search of the catalogue ends its lines, found or not", async (context) => {
  const folder = await mkdtemp(join(tmpdir(), "velostream-catalogue-"));
  context.after(async () => rm(folder, { recursive: true }));
  const catalogue = join(folder, "systems.csv");
  await writeFile(
    catalogue,
    "Country Code,Name,Location,System ID,URL,Auto-Discovery URL\nFR,Vélo,Lyon,velo,https://v.example,https://v.example/gbfs.json\n",
  );
  const search = (text: string) => velostream(["systems", text, "--catalogue", catalogue]).finished;
  assert.match((await search("lyon")).stderr, /^1 of 1 systems\..*\n$/);
  assert.match((await search("oslo")).stderr, /^No system .*\n0 of 1 systems\..*\n$/);
});

test("a recording that is not there says so", async () => {
  refused(await velostream(["replay", "/nowhere/at/all"]).finished, 78, /\/nowhere\/at\/all cannot be read/);
  refused(await velostream(["replay"]).finished, 64, /needs PATH/);
});

test("simulate prints its URL alone on stdout, how to use it beside, and ends with 0 when told to", async () => {
  const serving = velostream(["simulate", "--port", "0", "--stations", "30"]);
  await serving.seen("stderr", /run --feed \S+/);
  serving.process.kill("SIGTERM");
  const { exitCode, stdout, stderr } = await serving.finished;
  assert.equal(exitCode, 0, stderr);
  assert.match(stdout, /^http:\/\/127\.0\.0\.1:\d+\/gbfs\.json\n$/);
  assert.ok(stderr.includes(stdout.trim()));
});
