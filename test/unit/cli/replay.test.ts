/** `replay`: a recorded day of a simulated city ends in the totals that a plain recount of its last capture gives. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { gzipSync } from "node:zlib";
import { replay } from "../../../src/cli/replay.ts";
import { StorageError } from "../../../src/errors.ts";
import { startSimulator } from "../../../src/simulate/simulator.ts";
import { systemClock } from "../../../src/telemetry/system-clock.ts";
import { commandContext } from "../../support/command-context.ts";
import { TestClock } from "../../support/test-clock.ts";

const CAPTURES = 30;

/** Captures of a simulated city, a minute apart: one gzip file each, or one NDJSON file. */
async function record(context: TestContext, form: "files" | "ndjson", broken: boolean): Promise<string> {
  const path = mkdtempSync(join(tmpdir(), "velostream-replay-"));
  context.after(() => rmSync(path, { recursive: true }));
  const simulator = await startSimulator({ clock: new TestClock(), stations: 120, speed: 10 });
  const captures: string[] = [];
  const get = async (name: string): Promise<string> =>
    (await fetch(new URL(`${name}.json`, simulator.url))).text();
  for (let capture = 0; capture < CAPTURES; capture += 1) {
    captures.push(await get("station_status"));
    simulator.advance(60_000);
  }
  writeFileSync(join(path, "station_information.json"), await get("station_information"));
  await simulator.stop();
  if (form === "ndjson") {
    const lines = broken ? captures.flatMap((capture) => [capture, capture.slice(0, 500)]) : captures;
    writeFileSync(join(path, "day.ndjson"), `${lines.join("\n")}\n`);
  } else
    captures.forEach((capture, index) =>
      writeFileSync(join(path, `station_status-${index}.json.gz`), gzipSync(capture)),
    );
  writeFileSync(join(path, "last-capture.txt"), captures.at(-1) ?? "");
  return path;
}

interface Station {
  readonly stationCode: string;
  readonly num_bikes_available: number;
  readonly num_bikes_available_types: [{ mechanical: number }, { ebike: number }];
}

/** Paris only: the arrondissement is the code without its last three digits. */
function recountParis(lastCapture: string): Map<string, string> {
  const sums = new Map<string, [number, number, number]>();
  for (const station of (JSON.parse(lastCapture) as { data: { stations: Station[] } }).data.stations) {
    const code = Number.parseInt(station.stationCode, 10);
    if (code >= 21_000) continue;
    const area = String(75_000 + Math.floor(code / 1000));
    const sum = sums.get(area) ?? [0, 0, 0];
    sum[0] += station.num_bikes_available;
    sum[1] += station.num_bikes_available_types[1].ebike;
    sum[2] += station.num_bikes_available_types[0].mechanical;
    sums.set(area, sum);
  }
  return new Map([...sums].map(([area, sum]) => [area, sum.join("/")]));
}

async function run(args: readonly string[]): Promise<{ exitCode: number; stdout: string }> {
  // The machine's clock: at these speeds nothing waits long, and a drain is never cut short.
  const context = commandContext(["--json", ...args], systemClock);
  const exitCode = await replay.run(context);
  return { exitCode, stdout: context.terminal.stdout };
}

for (const [form, broken] of [
  ["files", false],
  ["ndjson", false],
  ["ndjson", true],
] as const) {
  test(`a recording of ${form}${broken ? ", every second line broken," : ""} gives the recount of its end`, async (context) => {
    const path = await record(context, form, broken);
    const { exitCode, stdout } = await run([path, "--speed", "max"]);
    assert.equal(exitCode, 0);
    const table = new Map<string, string>();
    let simulated = true;
    for (const line of stdout.trimEnd().split("\n")) {
      const totals = JSON.parse(line) as Record<string, unknown>;
      simulated &&= totals["simulated"] === true;
      if (!String(totals["postcode"]).startsWith("75")) continue;
      table.set(
        String(totals["postcode"]),
        [totals["nbr_total"], totals["nbr_elec"], totals["nbr_meca"]].join("/"),
      );
    }
    const expected = recountParis(readFileSync(join(path, "last-capture.txt"), "utf8"));
    assert.deepEqual(table, expected);
    assert.ok(simulated, "every totals record of a simulated recording says so");
  });
}

test("the pace does not change the end", async (context) => {
  const path = await record(context, "files", false);
  const last = (stdout: string): string[] => {
    const table = new Map<string, string>();
    for (const line of stdout.trimEnd().split("\n"))
      table.set((JSON.parse(line) as { postcode: string }).postcode, line);
    return [...table.values()].toSorted();
  };
  const fast = await run([path, "--speed", "max"]);
  const paced = await run([path, "--speed", "36000"]);
  assert.deepEqual(last(paced.stdout), last(fast.stdout));
});

test("only the stations asked for", async (context) => {
  const path = await record(context, "files", false);
  const { stdout } = await run([path, "--speed", "max", "--stations", "16107,32017"]);
  const areas = new Set(
    stdout
      .trimEnd()
      .split("\n")
      .map((line) => (JSON.parse(line) as { postcode: string }).postcode),
  );
  assert.deepEqual([...areas].toSorted(), ["75016", "93200"]);
});

test("a path that is no recording ends the command with its error", async () => {
  await assert.rejects(run(["/nowhere/at/all", "--speed", "max"]), StorageError);
});
