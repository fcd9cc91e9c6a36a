/**
 * A disk that fills and is freed at any operation, kills in between: what the archive holds is every record that the log
 * still had, once; and coverage and gaps say of the others that they are lost, and why.
 */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import type { ArchiveWriter } from "../../src/history/write/archive-writer.ts";
import { readManifest } from "../../src/history/files/manifest.ts";
import { ArchiveReader } from "../../src/history/read/archive-reader.ts";
import type { LogRecord, MissingRecords } from "../../src/ports.ts";
import { openWriter, ScriptedLog } from "../support/archive.ts";
import { faultyDisk } from "../support/faulty-disk.ts";
import { TestClock } from "../support/test-clock.ts";

const RUNS = Number(process.env["VELO_TEST_RUNS"] ?? 25);
const START = Date.UTC(2026, 10, 24, 6);
const POLL_MS = 60_000;
const SYSTEMS = ["velib", "oslo"];

const step = fc.record({
  polls: fc.nat(6),
  /** One operation in so many fails; none with 0. */
  failsOneIn: fc.constantFrom(0, 0, 0, 1, 2, 5),
  /** The log compacts what it has so far. */
  compacts: fc.integer({ min: 0, max: 4 }).map((n) => n === 0),
  after: fc.constantFrom("nothing", "tend", "flush", "kill", "close"),
});

test(
  "the archive holds what the log has, once, and tells the truth of the rest",
  { timeout: 170_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 14 }), fc.nat(), async (steps, seed) => {
        const folder = await mkdtemp(join(tmpdir(), "velostream-full-"));
        let failsOneIn = 0;
        let turn = seed;
        const mend = faultyDisk({
          fails: () => {
            turn = (Math.imul(turn, 1_103_515_245) + 12_345) >>> 0;
            return failsOneIn > 0 && (turn >>> 8) % failsOneIn === 0;
          },
        });
        const clock = new TestClock(START);
        const scripted = new ScriptedLog();
        /** What the log ever had, and what of it is gone. */
        const log: LogRecord[] = [];
        const gone = new Set<LogRecord>();
        let polls = 0;
        let writer: ArchiveWriter | null = null;

        /** As the stage does: from where the archive is, again what was not taken. */
        const read = async (archive: ArchiveWriter): Promise<boolean> => {
          const positions = archive.positions();
          const next = new Map<string, number>();
          const missing: MissingRecords[] = [];
          const records = log.filter((record) => {
            const { topic, partition, offset } = record;
            const at = `${topic}:${partition}`;
            if (offset < (positions.get(at) ?? 0) || gone.has(record)) return false;
            if (offset > (next.get(at) ?? positions.get(at) ?? 0))
              missing.push({ topic, partition, beforeOffset: offset, reason: "compacted" });
            next.set(at, offset + 1);
            return true;
          });
          for (let from = 0; from < records.length; from += 7) {
            const some = records.slice(from, from + 7);
            const behind = from + 7 < records.length;
            if ((await archive.append(some, { behind, missing })) < some.length) return false;
          }
          return true;
        };
        const reopened = async (): Promise<ArchiveWriter | null> =>
          openWriter(folder, clock, { flushRows: 20 }).catch((error: unknown) => {
            assert.ok(failsOneIn > 0, String(error));
            return null;
          });

        try {
          for (const each of steps) {
            ({ failsOneIn } = each);
            for (let poll = 0; poll < each.polls; poll += 1) {
              const observedAtMs = START + polls * POLL_MS;
              polls += 1;
              log.push(
                ...SYSTEMS.flatMap((systemId, index) =>
                  // The second system says something only at every other poll.
                  index === 1 && polls % 2 === 0
                    ? []
                    : scripted.batch([
                        { systemId, stationId: "1", total: polls % 30, observedAtMs },
                        { systemId, stationId: "2", total: polls % 7, observedAtMs },
                      ]),
                ),
              );
              await clock.advance(POLL_MS);
              writer ??= await reopened();
              if (writer !== null) await read(writer);
            }
            if (each.compacts) {
              const latest = new Map(log.map((record) => [`${record.topic} ${record.key}`, record]));
              for (const record of log)
                if (latest.get(`${record.topic} ${record.key}`) !== record) gone.add(record);
            }
            if (writer === null) continue;
            if (each.after === "tend") await writer.tend();
            if (each.after === "flush") await writer.flush();
            if (each.after === "kill") await writer.abandon();
            if (each.after === "close") await writer.close();
            if (each.after === "kill" || each.after === "close") writer = null;
          }
          failsOneIn = 0;
          await clock.advance(POLL_MS);
          writer ??= await reopened();
          assert.ok(writer !== null);
          while (!(await read(writer))) await clock.advance(POLL_MS);
          await writer.flush();
          assert.equal(writer.health().ok, true, writer.health().reason ?? "");
          await writer.close();
          mend();
          await check(folder, log, gone);
        } finally {
          mend();
          await rm(folder, { recursive: true, force: true });
        }
      }),
      { numRuns: RUNS },
    );
  },
);

async function check(folder: string, log: readonly LogRecord[], gone: ReadonlySet<LogRecord>): Promise<void> {
  const reader = new ArchiveReader(folder);
  try {
    const manifest = await readManifest(folder);
    const held = new Set<string>();
    await reader.query(async (_, connection) => {
      const { makeViews } = await import("../../src/history/sql/query.ts");
      await makeViews(connection, folder, await reader.snapshot());
      for (const [table, topic] of [
        ["stations", "raw"],
        ["areas", "totals"],
      ] as const) {
        const result = await connection.runAndReadAll(`SELECT log_offset::DOUBLE FROM ${table}`);
        for (const [cell] of result.getRowsJS()) {
          const offset = cell as number;
          assert.ok(!held.has(`${topic} ${offset}`), `${table} ${offset} is there twice`);
          held.add(`${topic} ${offset}`);
        }
      }
    });
    const isHeld = ({ topic, offset }: LogRecord): boolean => held.has(`${topic} ${offset}`);
    for (const record of log)
      assert.ok(gone.has(record) || isHeld(record), `${record.topic} ${record.offset} is lost`);
    const lost = log.filter((record) => !isHeld(record));
    for (const record of lost) {
      const { system_id: system = "velib" } = JSON.parse(record.value?.toString() ?? "{}") as {
        system_id?: string;
      };
      const inside = (one: { system: string; fromMs: number; toMs: number }): boolean =>
        one.system === system && one.fromMs < record.timestampMs && record.timestampMs < one.toMs;
      assert.ok(
        !manifest?.spans.some(inside),
        `${record.timestampMs - START} of ${system} is lost and covered`,
      );
      // What is lost at its very edge is not told of: another record of that instant is there.
      const within = (one: { system: string; fromMs: number; toMs: number }): boolean =>
        one.system === system && one.fromMs <= record.timestampMs && record.timestampMs <= one.toMs;
      const known = Math.min(
        ...(manifest?.spans ?? []).filter((one) => one.system === system).map(({ fromMs }) => fromMs),
      );
      if (record.timestampMs > known)
        assert.ok(manifest?.gaps.some(within), `${record.timestampMs - START} of ${system} is in no gap`);
    }
    if (lost.length === 0) assert.deepEqual(manifest?.gaps, []);
    for (const { reason } of manifest?.gaps ?? []) assert.match(reason, /^(compacted|disk_full)$/);
  } finally {
    reader.close();
  }
}
