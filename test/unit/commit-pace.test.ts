/** How often what a processor puts out is committed: nothing waits longer than the interval, and commits stay few. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CommitPace } from "../../src/log/commit-pace.ts";

/** When what arrives is committed, if whoever commits looks at every arrival and whenever something is due. */
function commitsOf(intervalMs: number, arrivals: readonly number[]): { atMs: number; oldestMs: number }[] {
  const pace = new CommitPace(intervalMs);
  const commits: { atMs: number; oldestMs: number }[] = [];
  let oldestMs: number | null = null;
  const commit = (atMs: number): void => {
    commits.push({ atMs, oldestMs: oldestMs ?? atMs });
    pace.committed(atMs);
    oldestMs = null;
  };
  for (const atMs of arrivals) {
    if (oldestMs !== null && pace.dueAtMs() <= atMs) commit(Math.max(oldestMs, pace.dueAtMs()));
    oldestMs ??= atMs;
    if (pace.isDue(atMs)) commit(atMs);
  }
  if (oldestMs !== null) commit(Math.max(oldestMs, pace.dueAtMs()));
  return commits;
}

const arrivals = fc
  .array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 200 })
  .map((gaps) => gaps.reduce<number[]>((times, gap) => [...times, (times.at(-1) ?? 0) + gap], []));

test("nothing waits longer than the interval", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 500 }), arrivals, (intervalMs, times) => {
      for (const { atMs, oldestMs } of commitsOf(intervalMs, times)) assert.ok(atMs - oldestMs <= intervalMs);
    }),
  );
});

test("of any stretch of time there is a commit an interval, and two more at most", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 500 }), arrivals, (intervalMs, times) => {
      const commits = commitsOf(intervalMs, times);
      for (const [from, { atMs: begins }] of commits.entries())
        for (const [to, { atMs: ends }] of commits.entries())
          if (to >= from)
            assert.ok(to - from + 1 <= Math.floor((ends - begins) / intervalMs) + 3, `${from} to ${to}`);
    }),
  );
});

test("what comes as often as the interval, now a little earlier and now a little later, does not wait", () => {
  const times = Array.from({ length: 200 }, (_, n) => n * 100 + (n % 2 === 0 ? 0 : -40));
  for (const { atMs, oldestMs } of commitsOf(100, times)) assert.equal(atMs, oldestMs);
});

test("without an interval everything is committed as it comes", () => {
  fc.assert(
    fc.property(arrivals, (times) => {
      const commits = commitsOf(0, times);
      assert.equal(commits.length, times.length);
      for (const { atMs, oldestMs } of commits) assert.equal(atMs, oldestMs);
    }),
  );
});
