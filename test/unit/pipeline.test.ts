/** The pipeline as a library: starts and stops from a program, twice in one process, and leaves nothing open. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { AppError, StorageError } from "../../src/errors.ts";
import { historyFolder } from "../../src/history/files/layout.ts";
import { type AreaTotalsRecord, pipeline } from "../../src/index.ts";
import { startSimulator } from "../../src/simulate/simulator.ts";
import { systemClock } from "../../src/telemetry/system-clock.ts";
import { activeResources, leftOf } from "../support/active-resources.ts";
import { openWriter, temporaryFolder } from "../support/archive.ts";
import { TestClock } from "../support/test-clock.ts";

test("two pipelines run in one process, tell their totals, and leave nothing open", async (context) => {
  const simulator = await startSimulator({ clock: systemClock, seed: 1, changePeriodMs: 60_000 });
  context.after(async () => simulator.stop());
  const before = activeResources();
  const folders = [await temporaryFolder(context), await temporaryFolder(context)];
  const running = await Promise.all(
    folders.map(async (dataDir) => {
      const totals: AreaTotalsRecord[] = [];
      const first = Promise.withResolvers<void>();
      const started = await pipeline({
        feed: [simulator.url],
        serve: true,
        port: 0,
        archive: true,
        dataDir,
        onTotals: (record) => {
          totals.push(record);
          first.resolve();
        },
      });
      return { started, totals, first: first.promise };
    }),
  );
  assert.notEqual(running[0]?.started.url, running[1]?.started.url);
  for (const { first, totals, started } of running) {
    await first;
    assert.equal(typeof totals[0]?.nbr_total, "number");
    assert.equal((await fetch(`${started.url}/healthz`)).status, 200);
  }
  for (const { started } of running) {
    await started.stop();
    await started.stop();
  }
  const after = await leftOf(before);
  assert.ok(after.length <= before.length + 2, `${before.join()} → ${after.join()}`);
  assert.deepEqual(
    after.filter((name) => name === "Timeout" || name === "TCPServerWrap"),
    before.filter((name) => name === "Timeout" || name === "TCPServerWrap"),
  );
  // The folders are free.
  for (const folder of folders) await (await openWriter(historyFolder(folder), new TestClock())).close();
});

test("a port that is taken leaves no lock, timer or server behind", async (context) => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  context.after(() => taken.close());
  const address = taken.address();
  assert.ok(address !== null && typeof address === "object");
  const dataDir = await temporaryFolder(context);
  const before = activeResources();
  await assert.rejects(
    pipeline({
      feed: ["http://127.0.0.1:9/gbfs.json"],
      serve: true,
      port: address.port,
      archive: true,
      dataDir,
    }),
    (error) => error instanceof AppError && error.code === "VELOSTREAM_HTTP_PORT",
  );
  assert.deepEqual(await leftOf(before), before);
  assert.ok(existsSync(join(dataDir)));
  const writer = await openWriter(historyFolder(dataDir), new TestClock());
  await assert.rejects(
    pipeline({ feed: ["http://127.0.0.1:9/gbfs.json"], archive: true, dataDir }),
    StorageError,
  );
  await writer.close();
});

test("an option that means nothing is an error with its name", async () => {
  await assert.rejects(pipeline({ nonsense: 1 } as never), /"nonsense" is not an option/);
  await assert.rejects(pipeline({ interval: 1 }), /too little/);
  await assert.rejects(pipeline({ commitInterval: -1 }), /is not a duration/);
  await assert.rejects(pipeline({ mqtt: "http://broker" }), /--mqtt: not the address of a broker/);
});
