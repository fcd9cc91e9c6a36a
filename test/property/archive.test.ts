/** Archive any generated history: any instant rebuilt from it is the reducers' state at that instant, whatever was flushed, compacted, killed or kept in the journal. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { AreaTotals } from "../../src/domain/area-totals.ts";
import type { Observation } from "../../src/record/raw-record.ts";
import { encodeTotals } from "../../src/record/totals-record.ts";
import { ArchiveReader } from "../../src/history/read/archive-reader.ts";
import { stationsAt } from "../../src/history/read/archive-rows.ts";
import type { StationRow } from "../../src/history/files/rows.ts";
import { openWriter, ScriptedLog } from "../support/archive.ts";
import { observation } from "../support/history.ts";
import { TestClock } from "../support/test-clock.ts";

const HOUR = 3_600_000;
const START = Date.UTC(2026, 2, 28, 12);
const RUNS = Number(process.env["VELO_TEST_RUNS"] ?? 15);

interface Batch {
  readonly partition: number;
  readonly steps: readonly Observation[];
  readonly tombstones: readonly string[];
  /** Hours that pass before it. */
  readonly hours: number;
  readonly after: "nothing" | "flush" | "reopen" | "kill";
  /** All systems are heard of, else the first two: where there are many, files are shared or not. */
  readonly wide: boolean;
}

const batch: fc.Arbitrary<Batch> = fc.record({
  partition: fc.integer({ min: 0, max: 1 }),
  // Late observations are among them: up to 30 minutes before the batch.
  steps: fc.array(observation, { maxLength: 6 }),
  tombstones: fc.array(fc.integer({ min: 1, max: 8 }).map(String), { maxLength: 1 }),
  hours: fc.constantFrom(0, 0.5, 1, 5, 13, 30),
  after: fc.constantFrom("nothing", "nothing", "flush", "reopen", "kill"),
  wide: fc.constantFrom(true, true, false),
});

/** One that has files of its own; so many that they share theirs. */
const ONE = ["velib"];
const MANY = Array.from({ length: 10 }, (_, index) => `system-${index}`);

for (const systems of [ONE, MANY])
  test(
    `any instant of any history of ${systems.length} systems is rebuilt as the reducers had it`,
    {
      timeout: 170_000,
    },
    async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(batch, { minLength: 1, maxLength: 10 }),
          fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 3, maxLength: 3 }),
          async (batches, shares) => {
            const folder = await mkdtemp(join(tmpdir(), "velostream-property-"));
            try {
              await check(folder, systems, batches, shares);
            } finally {
              await rm(folder, { recursive: true, force: true });
            }
          },
        ),
        { numRuns: systems === ONE ? RUNS : Math.ceil(RUNS / 2) },
      );
    },
  );

interface Applied {
  readonly atMs: number;
  readonly system: string;
  readonly partition: number;
  readonly observation: Observation | null;
  readonly key: string;
}

async function check(
  folder: string,
  systems: readonly string[],
  batches: readonly Batch[],
  shares: readonly number[],
): Promise<void> {
  const clock = new TestClock(START);
  const log = new ScriptedLog();
  const applied: Applied[] = [];
  // Sealed in parts of a few rows, where files are shared.
  const options = { sealedRows: 20 };
  let writer = await openWriter(folder, clock, options);
  for (const { partition, steps, tombstones, hours, after, wide } of batches) {
    await clock.advance(hours * HOUR);
    const nowMs = clock.now();
    const heard = wide ? systems : systems.slice(0, 2);
    const observations = heard.flatMap((systemId, index) =>
      steps.map((step) => ({
        ...step,
        systemId,
        total: step.total + index,
        observedAtMs: nowMs - (30 - step.observedAtMs) * 60_000,
      })),
    );
    const removals = heard.flatMap((system) =>
      tombstones.map((id) => ({ system, tombstone: `${system}:${id}`, atMs: nowMs })),
    );
    for (const one of observations) {
      const { systemId: system, observedAtMs: atMs, stationId } = one;
      applied.push({ atMs, system, partition, observation: one, key: `${system}:${stationId}` });
    }
    for (const { system, tombstone, atMs } of removals)
      applied.push({ atMs, system, partition, observation: null, key: tombstone });
    await writer.append(log.batch([...observations, ...removals], partition));
    await writer.tend();
    if (after === "flush") await writer.flush();
    if (after === "reopen") {
      await writer.close();
      writer = await openWriter(folder, clock, options);
    }
    if (after === "kill") {
      await writer.abandon();
      writer = await openWriter(folder, clock, options);
    }
  }
  const reader = new ArchiveReader(folder);
  try {
    for (const share of shares) {
      const atMs = Math.round(START - HOUR + share * (clock.now() - START + HOUR));
      // The first, the last, and one between: three tell as much as ten.
      for (const system of new Set([systems[0], systems[4], systems.at(-1)].map((one) => one ?? "velib"))) {
        const rows = await reader.query(async (snapshot, connection) =>
          stationsAt(folder, snapshot, connection, { system, epoch: 1, atMs }),
        );
        const own = applied.filter((one) => one.system === system);
        assert.deepEqual(totalsOf(rows), expected(own, atMs));
      }
    }
  } finally {
    reader.close();
    await writer.close();
  }
}

/** The reducers, one a partition, fed in the order of the log with everything up to the instant. */
function expected(applied: readonly Applied[], atMs: number): ReadonlyMap<string, readonly string[]> {
  const reducers = [new AreaTotals(), new AreaTotals()];
  for (const one of applied) {
    if (one.atMs > atMs) continue;
    if (one.observation === null) reducers[one.partition]?.remove(one.key, one.atMs);
    else reducers[one.partition]?.apply(one.observation);
  }
  return comparable(reducers);
}

function totalsOf(rows: readonly StationRow[]): ReadonlyMap<string, readonly string[]> {
  const reducers = [new AreaTotals(), new AreaTotals()];
  for (const row of rows)
    reducers[row.partition]?.apply({
      ...row,
      systemId: row.system,
      area: row.area ?? "",
      total: row.total ?? 0,
      retired: row.event === "retired",
    });
  return comparable(reducers);
}

/** `as_of` remembers stations that have left since: it is compared where the records themselves are (playback). */
function comparable(reducers: readonly AreaTotals[]): ReadonlyMap<string, readonly string[]> {
  const all = new Map<string, readonly string[]>();
  for (const [partition, reducer] of reducers.entries())
    for (const [key, totals] of [...reducer.totals()].sort(([a], [b]) => a.localeCompare(b)))
      all.set(`${partition} ${key}`, [encodeTotals({ ...totals, asOfMs: 0 })]);
  return all;
}
