/** `simulate`: what it prints, what it takes, and that its tables agree with the code they describe. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { nextMorning } from "../../../src/cli/demo.ts";
import { simulate } from "../../../src/cli/simulate.ts";
import { OPTIONS } from "../../../src/config/options.ts";
import { settle } from "../../../src/config/settings.ts";
import { ConfigError, UsageError } from "../../../src/errors.ts";
import { FAULT_MEANING, FAULTS } from "../../../src/simulate/faults.ts";
import { DIALECTS } from "../../../src/simulate/feed-files.ts";
import { commandContext } from "../../support/command-context.ts";
import { settled, TestClock } from "../../support/test-clock.ts";

async function urlOf(terminal: { readonly stdout: string }): Promise<string> {
  while (terminal.stdout === "") await settled();
  return terminal.stdout.trim();
}

test("prints its gbfs.json alone on stdout, serves it, and ends at the signal", async () => {
  const stop = new AbortController();
  const context = commandContext(["--port", "0", "--stations", "12"], new TestClock(), stop.signal);
  const done = simulate.run(context);
  const url = await urlOf(context.terminal);
  assert.match(url, /^http:\/\/127\.0\.0\.1:\d+\/gbfs\.json$/);
  const status = (await (await fetch(new URL("station_status.json", url))).json()) as {
    data: { stations: unknown[] };
  };
  assert.equal(status.data.stations.length, 12);
  assert.match(context.terminal.stderr, /^SIMULATED: 12 stations/);
  stop.abort();
  assert.equal(await done, 0);
  await assert.rejects(fetch(url));
});

test("serves for as long as it is told", async () => {
  const clock = new TestClock();
  const context = commandContext(["--port", "0", "--for", "5s", "--fault", "html"], clock);
  const done = simulate.run(context);
  await urlOf(context.terminal);
  assert.match(context.terminal.stderr, /Fault: station_status answers 200 with an HTML page/);
  await clock.advance(5_000);
  assert.equal(await done, 0);
});

test("serves well until --fault-after has passed", async () => {
  const clock = new TestClock();
  const stop = new AbortController();
  const args = ["--port", "0", "--stations", "5", "--fault", "5xx", "--fault-after", "1m"];
  const context = commandContext(args, clock, stop.signal);
  const done = simulate.run(context);
  const status = new URL("station_status.json", await urlOf(context.terminal));
  assert.match(context.terminal.stderr, /Fault after 1m: station_status answers 503/);
  assert.equal((await fetch(status)).status, 200);
  await clock.advance(60_000);
  assert.equal((await fetch(status)).status, 503);
  stop.abort();
  await done;
});

test("begins at the hour of --city-time, whatever the clock says", async () => {
  const changed = async (...args: string[]): Promise<number> => {
    const clock = new TestClock();
    const stop = new AbortController();
    const context = commandContext(["--port", "0", "--stations", "200", ...args], clock, stop.signal);
    const done = simulate.run(context);
    const status = new URL("station_status.json", await urlOf(context.terminal));
    const bikes = async (): Promise<readonly number[]> => {
      const { data } = (await (await fetch(status)).json()) as {
        data: { stations: { num_bikes_available: number }[] };
      };
      return data.stations.map(({ num_bikes_available: count }) => count);
    };
    const before = await bikes();
    await clock.advance(60_000);
    const after = await bikes();
    stop.abort();
    await done;
    return after.filter((count, index) => count !== before[index]).length;
  };
  const atNight = await changed("--city-time", "2026-11-20T03:30");
  const inTheRush = await changed("--city-time", "2026-11-20T08:30");
  assert.ok(inTheRush >= 10, `${inTheRush} of 200 stations changed in the rush hour`);
  assert.ok(atNight < inTheRush / 3, `${atNight} at night, ${inTheRush} in the rush hour`);
  assert.equal(await changed("--city-time", "2026-11-20T02:30Z"), atNight, "03:30 is meant in Paris");
  assert.equal(await changed("--city-time", "2026-11-20T02:30", "--timezone", "UTC"), atNight);
});

test("leaves the stations and the port that the environment sets for run alone", async () => {
  const clock = new TestClock();
  const context = commandContext(["--port", "0", "--for", "1s"], clock);
  const { settings, origins } = settle({
    args: ["--port", "0", "--for", "1s"],
    env: { VELOSTREAM_STATIONS: "16107" },
    accepts: simulate.options,
    commandName: "velostream simulate",
  });
  const done = simulate.run({ ...context, settings, origins });
  await urlOf(context.terminal);
  assert.match(context.terminal.stderr, /^SIMULATED: 1500 stations/);
  await clock.advance(1_000);
  await done;
});

test("refuses station codes where a number of stations is meant, and numbers out of range", async () => {
  const run = (...args: string[]): Promise<number> => simulate.run(commandContext(args, new TestClock()));
  await assert.rejects(run("--stations", "16107,32017"), UsageError);
  await assert.rejects(run("--stations", "0"), ConfigError);
  await assert.rejects(run("--speed", "max"), ConfigError);
  await assert.rejects(run("--city-time", "rush hour"), UsageError);
});

test("the demo opens at half past seven of the next weekday in Paris", () => {
  const opens = (iso: string): string => new Date(nextMorning(Date.parse(iso))).toISOString();
  assert.equal(opens("2026-11-24T06:30:00Z"), "2026-11-24T06:30:00.000Z");
  assert.equal(opens("2026-11-24T06:30:01Z"), "2026-11-25T06:30:00.000Z");
  assert.equal(opens("2026-11-27T12:00:00Z"), "2026-11-30T06:30:00.000Z", "over the weekend");
  assert.equal(opens("2026-07-01T00:00:00Z"), "2026-07-01T05:30:00.000Z", "in summer");
});

test("the option table, the faults and docs/simulate.md agree", () => {
  assert.deepEqual(OPTIONS.fault.choices, FAULTS);
  assert.deepEqual(OPTIONS.dialect.choices, DIALECTS);
  const page = readFileSync(new URL("../../../docs/simulate.md", import.meta.url), "utf8");
  for (const fault of FAULTS) assert.ok(page.includes(`| \`${fault}\` | ${FAULT_MEANING[fault]} |`), fault);
});
