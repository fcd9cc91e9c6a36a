/**
 * Invariant 5 of the design, at the processor: killed after any batch and restored from a log that compaction has been
 * at, every total put out is the recount of a prefix, prefixes only grow, and the final table is that of a recount.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeThrough, decodeTotals } from "../../src/record/totals-record.ts";
import { aggregateProcessor } from "../../src/stages/aggregate/totals-processor.ts";
import type { LogRecord, Processor } from "../../src/ports.ts";
import { recount, step, type Step } from "../support/history.ts";
import { parseAreaKey } from "../../src/record/keys.ts";
import { compacted, rawRecord } from "../support/raw-records.ts";
import { countingMetrics, silentLogger } from "../support/silent.ts";

const NO_AREA = { systemId: "none", area: "none" };
const TOPICS = { raw: "raw", totals: "totals", rejects: "rejects" };

interface Published {
  readonly total: number;
  readonly electric: number | null;
  readonly stations: number;
}

/** The totals topic and the committed offset, written together: the exactly-once log in its simplest form. */
class Outcome {
  committed = 0;
  readonly table = new Map<string, Published>();
  readonly through = new Map<string, number>();
}

function processorOver(outcome: Outcome): Processor {
  return aggregateProcessor({
    writer: { engine: "node", group: "test", sinceMs: 0 },
    topics: TOPICS,
    readReference: () => null,
    partitionCount: 1,
    publishedAreas: () =>
      Promise.resolve(new Map([...outcome.table.keys()].map((key) => [key, parseAreaKey(key) ?? NO_AREA]))),
    clock: { now: () => 0 },
    logger: silentLogger,
    metrics: countingMetrics(),
  });
}

function expected(steps: readonly Step[]): Map<string, Published> {
  return new Map(
    [...recount(steps)].map(
      ([key, { total, electric, stations }]) => [key, { total, electric, stations }] as const,
    ),
  );
}

async function* history(records: readonly LogRecord[]): AsyncGenerator<readonly LogRecord[]> {
  yield* records.length === 0 ? [] : [records];
  await Promise.resolve();
}

const share = fc.double({ min: 0, max: 1, noNaN: true });

/**
 * One collector writes a station's observations in order. (Compaction keeps the last record of a key, so an older
 * observation written after a newer one would win in a compacted log: docs/contracts.md, "Order".)
 */
function inOrder(steps: readonly Step[]): Step[] {
  return steps.map((next, index) =>
    next.kind === "remove"
      ? next
      : { kind: "observe", observation: { ...next.observation, observedAtMs: index + 1 } },
  );
}

test("killed and restored anywhere, totals are recounts of growing prefixes and the table ends whole", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 40 }).map(inOrder),
      fc.array(
        fc.record({
          batch: fc.integer({ min: 1, max: 12 }),
          kill: fc.boolean(),
          cleanedShare: share,
          backlogShare: share,
        }),
        { minLength: 1, maxLength: 20 },
      ),
      async (steps, moves) => {
        const records = steps.map((next, offset) => rawRecord(next, offset));
        const outcome = new Outcome();
        let processor: Processor | null = null;
        let cleanedTo = 0;
        let log = records;
        let position = 0;
        let killedHolding = 0;
        for (let turn = 0; outcome.committed < records.length; turn += 1) {
          const move = moves[turn % moves.length] ?? {
            batch: 1,
            kill: false,
            cleanedShare: 0,
            backlogShare: 0,
          };
          if (processor === null) {
            cleanedTo = Math.max(cleanedTo, Math.floor(move.cleanedShare * records.length));
            log = compacted(records, cleanedTo);
            processor = processorOver(outcome);
            await processor.restore(0, history(log.filter(({ offset }) => offset < outcome.committed)), {
              committedOffset: outcome.committed,
              endOffset: Math.max(
                outcome.committed,
                Math.ceil(move.backlogShare * records.length),
                cleanedTo,
              ),
            });
            position = outcome.committed;
          }
          const batch = log.filter(({ offset }) => offset >= position).slice(0, move.batch);
          const last = batch.at(-1);
          if (last === undefined) break;
          position = last.offset + 1;
          const outputs = processor.process(0, batch);
          // Killed while it holds, it begins again from the committed offset: at most once, or the test would not end.
          if (move.kill && (outputs !== null || (killedHolding += 1) < 5)) processor = null;
          if (outputs === null) continue;
          for (const output of outputs) {
            if (output.topic !== TOPICS.totals || output.key === null) continue;
            const through = decodeThrough(output.headers?.["through"]);
            assert.equal(through?.offset, last.offset);
            assert.ok((outcome.through.get(output.key) ?? -1) < last.offset, "prefixes only grow");
            outcome.through.set(output.key, last.offset);
            const truth = expected(steps.slice(0, last.offset + 1)).get(output.key);
            if (output.value === null) {
              assert.equal(truth, undefined, "a tombstone only for an empty area");
              assert.ok(outcome.table.delete(output.key), "a tombstone only for a published area");
            } else {
              const totals = decodeTotals(String(output.value));
              assert.ok(totals !== null && truth !== undefined);
              const published = { total: totals.total, electric: totals.electric, stations: totals.stations };
              assert.deepEqual(published, truth);
              outcome.table.set(output.key, published);
            }
          }
          outcome.committed = last.offset + 1;
        }
        const sorted = (table: ReadonlyMap<string, Published>): unknown =>
          [...table].sort(([a], [b]) => a.localeCompare(b));
        assert.deepEqual(sorted(outcome.table), sorted(expected(steps)));
      },
    ),
    { numRuns: 3_000 },
  );
});
