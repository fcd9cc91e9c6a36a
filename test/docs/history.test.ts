/** The commands of docs/history.md do what the page says, on an archive made of a few captures. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { AREA_COLUMNS, STATION_COLUMNS } from "../../src/history/files/rows.ts";
import { velibStation } from "../support/scripted-feed.ts";

const run = promisify(execFile);
const PAGE = readFileSync("docs/history.md", "utf8");
const COMMANDS = [...PAGE.matchAll(/```sh tested\n([\s\S]*?)```/g)].flatMap(([, block = ""]) =>
  block.trim().split("\n"),
);
const BIN = join(process.cwd(), "bin/velostream.js");
/** Half past six in Paris. */
const START_MS = Date.UTC(2026, 10, 20, 5, 30);

describe("docs/history.md", { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "velostream-docs-history-"));
  const outputs = new Map<string, string>();

  before(async () => {
    await mkdir(join(folder, "captures"));
    const lines: string[] = [];
    for (let poll = 0; poll < 40; poll += 1) {
      const stations = [
        velibStation({ id: 213688169, code: "16107", mechanical: poll % 7, electric: 2 }),
        velibStation({ id: 653222953, code: "32017", mechanical: 5, electric: poll % 3 }),
      ];
      const body = JSON.stringify({
        lastUpdatedOther: START_MS / 1000 + poll * 300,
        ttl: 60,
        data: { stations },
      });
      lines.push(body);
      await writeFile(join(folder, "captures", `station_status-${String(poll).padStart(2, "0")}.json`), body);
    }
    await writeFile(join(folder, "captures.ndjson.gz"), gzipSync(lines.join("\n")));
    await shell("npx velostream import captures/");
    for (const command of COMMANDS) outputs.set(command, await shell(command));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  async function shell(command: string): Promise<string> {
    const line = command.replaceAll("npx velostream", `"${process.execPath}" "${BIN}"`);
    const { stdout } = await run("sh", ["-c", line], {
      cwd: folder,
      env: { PATH: process.env["PATH"] ?? "", HOME: folder },
    });
    return stdout;
  }

  const outputOf = (start: string): string => {
    const found = [...outputs].find(([command]) => command.includes(start));
    assert.ok(found !== undefined, `the page has no command ${start}`);
    return found[1];
  };

  test("every command is run", () => assert.ok(outputs.size >= 12, `${outputs.size} commands`));

  test("steps are those asked for, in Paris time", () => {
    const lines = outputOf("history area 75016 --from").trim().split("\n");
    assert.equal(lines.length, 1 + 24);
    assert.match(lines[1] ?? "", /^2026-11-20T07:00:00\+01:00,\d/);
  });

  test("half past eight is the state of the poll then", () => {
    // 08:30 is two hours, 24 polls, after the first.
    assert.match(outputOf("--at 2026-11-20T08:30"), /2026-11-20T08:30:00\+01:00,5,2,3,20/);
  });

  test("a day by the hour is 24 steps and names its gaps", () => {
    const { steps, gaps } = JSON.parse(outputOf("--aggregate max")) as {
      steps: { nbr_total: number | null }[];
      gaps: { reason: string }[];
    };
    assert.equal(steps.length, 24);
    assert.equal(steps[7]?.nbr_total, 8);
    assert.equal(steps[20]?.nbr_total, null);
    assert.deepEqual(
      gaps.map(({ reason }) => reason),
      ["before_archive", "not_collected"],
    );
  });

  test("the views have the columns the page lists", () => {
    const listed = (view: string): string[] =>
      [
        ...(PAGE.split(`<!-- fields: sql ${view} -->`)[1]?.split("<!--")[0] ?? "").matchAll(/^\| `(\w+)`/gm),
      ].map(([, name = ""]) => name);
    assert.deepEqual(listed("stations"), ["system", ...STATION_COLUMNS.map(({ name }) => name), "day"]);
    assert.deepEqual(listed("areas"), ["system", ...AREA_COLUMNS.map(({ name }) => name), "day"]);
  });

  test("a replay gives the totals records again", () => {
    const lines = outputOf("replay --from").trim().split("\n");
    assert.ok(lines.length > 12);
    for (const line of lines)
      assert.match(line, /^\{"postcode":"(75016|93200)","nbr_total":\d+,"nbr_elec":\d+,/);
  });

  test("SQL and exports answer", () => {
    assert.match(outputOf("SELECT day, count"), /^day,changes\n2026-11-20,\d+\n$/);
    assert.match(outputOf("max(total)"), /"area":"75016","most":8/);
    assert.match(outputOf("FROM coverage"), /velib,1,2026-11-20 05:30:00,2026-11-20 08:45:00/);
    assert.match(outputOf("--format ndjson").split("\n")[0] ?? "", /./);
    assert.equal(outputOf("--format parquet"), "");
  });
});
