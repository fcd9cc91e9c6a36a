/** The poll schedule, held against simulated publishers of every period, phase and mood. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { PollSchedule, GREATEST_RETRY_AFTER_MS, type PollOutcome } from "../../src/domain/poll-schedule.ts";

const VELIB = { intervalMs: "auto", minMs: 10_000, maxMs: 60_000, respectTtl: false } as const;

/** Polls a source whose content changes every `periodMs`, and says what a schedule did. */
function follow(schedule: PollSchedule, periodMs: number, phaseMs: number, forMs: number, random = 0.5) {
  const startMs = 1_760_000_000_000;
  const waitsMs: number[] = [];
  const lagsMs: number[] = [];
  let missed = 0;
  let atMs = startMs;
  let seen = -1;
  while (atMs < startMs + forMs) {
    const version = Math.floor((atMs - startMs + phaseMs) / periodMs);
    const changed = version !== seen;
    if (changed && seen !== -1) {
      lagsMs.push((atMs - startMs + phaseMs) % periodMs);
      missed += version - seen - 1;
    }
    seen = version;
    const kind = changed ? "changed" : "unchanged";
    const nextMs = schedule.next(
      { kind, atMs, retryAfterMs: null, ttlSeconds: 3600, lastUpdatedMs: startMs },
      random,
    );
    waitsMs.push(nextMs - atMs);
    atMs = nextMs;
  }
  return { waitsMs, lagsMs, missed };
}

test("learns a real change period within 5 %, and never leaves its bounds", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 25_000, max: 58_000 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (periodMs, phase) => {
        const schedule = new PollSchedule(VELIB);
        const { waitsMs } = follow(schedule, periodMs, phase * periodMs, periodMs * 40);
        for (const waitMs of waitsMs) assert.ok(waitMs >= 10_000 && waitMs <= 60_000, `${waitMs}`);
        const learned = schedule.changePeriodMs;
        assert.ok(learned !== null && Math.abs(learned / periodMs - 1) < 0.05, `${learned} for ${periodMs}`);
      },
    ),
    { numRuns: 1000 },
  );
});

test("once learned, polls soon after each change, misses none, and spends about one request on each", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 30_000, max: 58_000 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (periodMs, phase) => {
        const schedule = new PollSchedule(VELIB);
        follow(schedule, periodMs, phase * periodMs, 0);
        const { lagsMs, missed, waitsMs } = follow(schedule, periodMs, phase * periodMs, periodMs * 60);
        const late = lagsMs.slice(20).toSorted((a, b) => a - b);
        const median = late[Math.floor(late.length / 2)] ?? Infinity;
        assert.equal(missed, 0);
        assert.ok(median <= 10_000, `median lag ${median} ms at a period of ${periodMs} ms`);
        assert.ok(waitsMs.length <= 60 * 2.5, `${waitsMs.length} polls for 60 changes`);
      },
    ),
    { numRuns: 1000 },
  );
});

test("follows Vélib's minute: half of its changes are seen within three seconds", () => {
  const { lagsMs, missed } = follow(new PollSchedule(VELIB), 60_000, 21_000, 3 * 3_600_000);
  const sorted = lagsMs.slice(20).toSorted((a, b) => a - b);
  assert.equal(missed, 0);
  assert.ok((sorted[sorted.length >> 1] ?? Infinity) <= 3_000, `${sorted[sorted.length >> 1]}`);
});

test("a source that never changes is polled ever more slowly, down to the bound", () => {
  const { waitsMs } = follow(new PollSchedule(VELIB), 1e15, 0, 3_600_000);
  assert.equal(waitsMs[0], 10_000);
  assert.equal(waitsMs.at(-1), 60_000);
});

test("a source that freezes after its period was learned is polled at the bound, and followed again afterwards", () => {
  const schedule = new PollSchedule(VELIB);
  let atMs = 0;
  const waits: number[] = [];
  for (let n = 0; n < 400; n += 1) {
    const frozen = atMs > 1_800_000 && atMs < 9_000_000;
    const changed = !frozen && n % 3 === 0;
    const next = schedule.next({ ...ok(atMs), kind: changed ? "changed" : "unchanged" }, 0.5);
    if (atMs > 5_000_000 && frozen) waits.push(next - atMs);
    atMs = next;
  }
  assert.ok(waits.length > 10 && waits.every((waitMs) => waitMs === 60_000));
});

test("a fixed interval stays on its grid, however long each poll takes", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 100, max: 60_000 }),
      fc.array(fc.integer({ min: 0, max: 200_000 }), { minLength: 1, maxLength: 30 }),
      (intervalMs, durations) => {
        const schedule = new PollSchedule({ intervalMs, minMs: 10_000, maxMs: 60_000, respectTtl: true });
        const first = schedule.next({ ...ok(1_000_000), ttlSeconds: 300 }, 0.5);
        let planned = first;
        for (const durationMs of durations) {
          const atMs = planned + durationMs;
          const next = schedule.next({ ...ok(atMs), ttlSeconds: 300 }, 0.5);
          assert.ok(next > atMs && next <= atMs + intervalMs);
          assert.equal((next - first) % intervalMs, 0);
          planned = next;
        }
      },
    ),
  );
});

test("failures back off, bounded, within full jitter, and Retry-After is obeyed", () => {
  const options = fc.record({
    intervalMs: fc.oneof(fc.constant("auto" as const), fc.integer({ min: 100, max: 100_000 })),
    minMs: fc.constant(10_000),
    maxMs: fc.constant(60_000),
    respectTtl: fc.boolean(),
  });
  fc.assert(
    fc.property(
      options,
      fc.integer({ min: 1, max: 40 }),
      fc.double({ min: 0, max: 0.999_999, noNaN: true }),
      fc.option(fc.integer({ min: -5, max: 1e12 })),
      (options, failures, random, retryAfterMs) => {
        const schedule = new PollSchedule(options);
        let atMs = 1_000;
        for (let n = 0; n < failures; n += 1) atMs = schedule.next(failed(atMs), random);
        const waitMs = schedule.next({ ...failed(atMs), retryAfterMs }, random) - atMs;
        const paceMs = options.intervalMs === "auto" ? options.minMs : options.intervalMs;
        const obeyedMs = Math.min(Math.max(0, retryAfterMs ?? 0), GREATEST_RETRY_AFTER_MS);
        assert.ok(Number.isFinite(waitMs) && waitMs >= paceMs && waitMs >= obeyedMs);
        assert.ok(waitMs <= Math.max(options.maxMs, paceMs, obeyedMs) + 1);
      },
    ),
  );
});

test("a ttl within the specification is never violated, whatever the header's clock says", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 300 }),
      fc.option(fc.integer({ min: -10_000_000, max: 10_000_000 })),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      fc.constantFrom("changed" as const, "unchanged" as const),
      (ttlSeconds, skewMs, random, kind) => {
        const schedule = new PollSchedule({
          intervalMs: "auto",
          minMs: 10_000,
          maxMs: 300_000,
          respectTtl: true,
        });
        const atMs = 1_760_000_000_000;
        const lastUpdatedMs = skewMs === null ? null : atMs + skewMs;
        const next = schedule.next({ kind, atMs, retryAfterMs: null, ttlSeconds, lastUpdatedMs }, random);
        const age = lastUpdatedMs === null ? 0 : atMs - lastUpdatedMs;
        const expiryMs = age >= 0 && age < ttlSeconds * 1000 ? atMs - age + ttlSeconds * 1000 : null;
        assert.ok(next >= (expiryMs ?? atMs + ttlSeconds * 1000));
        assert.ok(next <= atMs + Math.max(10_000, ttlSeconds * 1000 + 1_000));
      },
    ),
  );
});

function ok(atMs: number): PollOutcome {
  return { kind: "unchanged", atMs, retryAfterMs: null, ttlSeconds: null, lastUpdatedMs: null };
}

function failed(atMs: number): PollOutcome {
  return { ...ok(atMs), kind: "failed" };
}
