/** A session that keeps history: what it showed can be asked for, by it and by others, and a folder has one writer. */
import assert from "node:assert/strict";
import { describe, test, type TestContext } from "node:test";
import { historyArea } from "../../src/cli/history-series.ts";
import { run as runCommand } from "../../src/cli/run.ts";
import { runSession } from "../../src/cli/session.ts";
import { StorageError } from "../../src/errors.ts";
import { historyFolder } from "../../src/history/files/layout.ts";
import { fixedSupply } from "../../src/stages/collect/systems.ts";
import { openWriter, temporaryFolder } from "../support/archive.ts";
import { commandContext } from "../support/command-context.ts";
import { scriptedFeed, type ScriptedPoll } from "../support/scripted-feed.ts";
import { TestClock } from "../support/test-clock.ts";

const POLL = (mechanical: number): ScriptedPoll => ({
  kind: "stations",
  stations: [{ id: 213688169, code: "16107", mechanical, electric: 1 }],
});

async function session(context: TestContext, args: readonly string[], archive: "wanted" | "required") {
  const clock = new TestClock(Date.UTC(2026, 10, 20, 7));
  const command = commandContext(["--json", "--no-serve", ...args], clock);
  const supply = fixedSupply([
    {
      source: scriptedFeed(clock, [POLL(4), POLL(6), POLL(8)]),
      areasFor: () => () => ({ area: "75016", rule: "station_code" }),
      pacerFor: () => ({ next: ({ atMs }) => atMs + 60_000, changePeriodMs: null }),
    },
  ]);
  let settled = false;
  const done = runSession({ context: command, supply, lossless: true, aggregate: true, archive });
  done.finally(() => (settled = true)).catch(() => {});
  // The archive's files are real: the clock goes on until they are written.
  while (!settled) {
    await clock.advance(2_000);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  context.after(async () => done.catch(() => {}));
  return { done, clock, output: command.terminal };
}

describe("a session with an archive", () => {
  test("keeps what it published: the history command answers from it", async (context) => {
    const folder = await temporaryFolder(context);
    const { done, clock } = await session(context, ["--data-dir", folder], "required");
    assert.equal(await done, 0);
    for (const [aggregate, answer] of [
      ["min", "5,1,4,20"],
      ["max", "9,1,8,20"],
    ] as const) {
      const asked = commandContext(
        ["75016", "--data-dir", folder, "--from", "2026-11-20", "--to", "2026-11-21", "--every", "1d"].concat(
          ["--aggregate", aggregate],
        ),
        clock,
      );
      assert.equal(await historyArea.run(asked), 0);
      assert.equal(
        asked.terminal.stdout,
        `at,nbr_total,nbr_elec,nbr_meca,docks\n2026-11-20T00:00:00+01:00,${answer}\n`,
      );
    }
  });

  test("does not start where the folder that was named has a writer", async (context) => {
    const folder = await temporaryFolder(context);
    const other = await openWriter(historyFolder(folder), new TestClock());
    const { done } = await session(context, ["--data-dir", folder], "wanted");
    await assert.rejects(done, StorageError);
    await other.close();
  });
});

test("run takes the options of the archive", () => {
  for (const option of ["archive", "data-dir", "retain"] as const)
    assert.ok(runCommand.options.includes(option));
});
