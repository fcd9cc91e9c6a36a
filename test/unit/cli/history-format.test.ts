/** `--json` on the commands of history means what it means everywhere, beside `--format`. */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { before, describe, test, after } from "node:test";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { historyExport } from "../../../src/cli/history-export.ts";
import { askedFormat } from "../../../src/cli/history-format.ts";
import { historyArea } from "../../../src/cli/history-series.ts";
import { historySql } from "../../../src/cli/history-sql.ts";
import type { OptionName } from "../../../src/config/options.ts";
import { settle } from "../../../src/config/settings.ts";
import { openWriter, ScriptedLog } from "../../support/archive.ts";
import { commandContext } from "../../support/command-context.ts";
import { TestClock } from "../../support/test-clock.ts";

const START = Date.UTC(2026, 10, 24, 6);
const HOUR = 3_600_000;

describe("--json on an archive", () => {
  let dataDir = "";
  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "velostream-format-"));
    const folder = join(dataDir, "history");
    await mkdir(dirname(folder), { recursive: true });
    const writer = await openWriter(folder, new TestClock(START));
    await writer.append(new ScriptedLog().batch([{ total: 5, observedAtMs: START }]));
    await writer.close();
  });
  after(async () => rm(dataDir, { recursive: true, force: true }));

  const asked = (...args: readonly string[]) =>
    commandContext([...args, "--data-dir", dataDir], new TestClock(START + HOUR));

  test("what cannot be written is refused before anything is said of the answer", async () => {
    const context = asked("75016", "--since", "1h", "--format", "parquet");
    await assert.rejects(historyArea.run(context), /a series is a table, csv, ndjson or json, not parquet/);
    assert.equal(context.terminal.stderr, "");
  });

  test("a beginning that is still to come is told as that", async () => {
    await assert.rejects(historyArea.run(asked("75016", "--from", "2027-01-01")), /is still to come/);
  });

  test("an area that is not there is named with its own system", async () => {
    await assert.rejects(historyArea.run(asked("oslo:1")), /knows no area "1" of system oslo/);
  });

  test("of a series is one JSON object", async () => {
    const context = asked("75016", "--from", "2026-11-24T06:00Z", "--every", "10m", "--json");
    assert.equal(await historyArea.run(context), 0);
    const answer = JSON.parse(context.terminal.stdout) as { steps: readonly { nbr_total: number }[] };
    assert.equal(answer.steps[0]?.nbr_total, 5);
  });

  test("of a query is its rows as JSON", async () => {
    const context = asked("SELECT total FROM stations", "--json");
    assert.equal(await historySql.run(context), 0);
    assert.deepEqual(JSON.parse(context.terminal.stdout), [{ total: 5 }]);
  });

  test("of an export is a line of JSON each: there may be millions", async () => {
    const context = asked("--json");
    assert.equal(await historyExport.run(context), 0);
    const lines = context.terminal.stdout.trim().split("\n");
    assert.equal((JSON.parse(lines[0] ?? "") as { station_id: string }).station_id, "1");
  });

  test("is an option of each of them", () => {
    for (const { options } of [historyArea, historySql, historyExport]) assert.ok(options.includes("json"));
  });
});

describe("--json beside --format", () => {
  const formatOf = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    askedFormat(
      settle({
        args,
        env,
        accepts: ["json", "format"] satisfies OptionName[],
        commandName: "velostream history",
      }),
      "json",
      "csv",
    );

  test("neither: what is usual", () => assert.equal(formatOf([]), "csv"));
  test("the same twice is no contradiction", () =>
    assert.equal(formatOf(["--json", "--format", "json"]), "json"));
  test("two that differ are an error with a remedy", () =>
    assert.throws(() => formatOf(["--json", "--format", "csv"]), /contradict each other\. Leave one/));
  test("what is typed wins over the environment", () => {
    assert.equal(formatOf(["--format", "csv"], { VELOSTREAM_JSON: "true" }), "csv");
    assert.equal(formatOf(["--json"], { VELOSTREAM_FORMAT: "csv" }), "json");
  });
});
