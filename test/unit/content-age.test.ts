/** Of when a feed's content is: judged at the first poll, by whatever tells, and never younger than it can be. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { contentTime, type ContentSigns } from "../../src/domain/content-age.ts";
import { FeedTruth } from "../../src/domain/feed-truth.ts";
import { observation } from "../../src/record/change-detection.ts";
import type { StationStatus } from "../../src/record/station.ts";
import { presentSystems } from "../../src/http/systems.ts";
import { CollectorStatus } from "../../src/stages/collect/collector-status.ts";
import { SYSTEM } from "../support/scripted-feed.ts";
import { isOldContent, trustIn } from "../../web/src/view/freshness.ts";

const NOW_MS = Date.parse("2026-11-30T12:00:00Z");
const MINUTE = 60_000;
const DAY = 86_400_000;
const OLD_MS = NOW_MS - 408 * DAY;

function signs(told: Partial<ContentSigns>): ContentSigns {
  return { nowMs: NOW_MS, headerMs: null, reportedMs: null, changedAtMs: null, frozenSinceMs: null, ...told };
}

function stations(vehicles: number, lastReportedMs: number | null): StationStatus[] {
  return Array.from({ length: 150 }, (_, n) =>
    observation({
      stationId: String(n),
      stationCode: null,
      total: n === 0 ? vehicles : 5,
      electric: null,
      mechanical: null,
      docks: null,
      isInstalled: null,
      isRenting: null,
      isReturning: null,
      lastReportedMs,
      source: {},
    }),
  );
}

/** What API and page say after polls, a minute apart, that end now. */
function said(polls: readonly { header: number | null; reported?: number | null; vehicles?: number }[]) {
  const truth = new FeedTruth();
  const status = new CollectorStatus();
  status.described(SYSTEM);
  status.state = "live";
  polls.forEach(({ header, reported = null, vehicles = 1 }, index) => {
    const atMs = NOW_MS - (polls.length - 1 - index) * MINUTE;
    truth.observe({ atMs, lastUpdatedMs: header, stations: stations(vehicles, reported) });
    status.lastSuccessAtMs = atMs;
  });
  status.content = truth.content;
  const told = status.systemStatus();
  assert.ok(told !== null);
  const [system] = presentSystems([], { statuses: () => [told] }, NOW_MS + 1_000);
  assert.ok(system !== undefined);
  assert.equal(isOldContent(system, NOW_MS + 1_000), system.stale);
  return { stale: system.stale, contentAtMs: system.content_at, trust: trustIn(system, NOW_MS + 1_000) };
}

test("a feed of 408 days ago is stale at its first poll, told by its header or by its reports", () => {
  for (const poll of [
    { header: OLD_MS },
    { header: null, reported: OLD_MS },
    { header: NOW_MS, reported: OLD_MS },
    { header: OLD_MS, reported: OLD_MS + DAY },
  ]) {
    const { stale, contentAtMs, trust } = said([poll]);
    assert.deepEqual([stale, trust], [true, "stale"], JSON.stringify(poll));
    assert.ok((contentAtMs ?? NOW_MS) <= OLD_MS + DAY);
  }
});

test("an honest feed is fresh at its first poll, Vélib' too, whose newest report is 43 minutes old", () => {
  assert.deepEqual(said([{ header: NOW_MS - MINUTE }]).trust, "fresh");
  assert.deepEqual(said([{ header: NOW_MS - MINUTE, reported: NOW_MS - 43 * MINUTE }]).trust, "fresh");
  assert.deepEqual(said([{ header: null, reported: NOW_MS - 43 * MINUTE }]).trust, "fresh");
  assert.deepEqual(said([{ header: null }]).contentAtMs, null, "nothing tells");
});

test("a change that is seen is newer than what an old header or old reports say", () => {
  const polls = [1, 2, 3].map((vehicles) => ({ header: OLD_MS, reported: OLD_MS, vehicles }));
  assert.deepEqual(said(polls), { stale: false, contentAtMs: NOW_MS, trust: "fresh" });
});

test("content that stands still under a moving header ages from its last change", () => {
  const polls = Array.from({ length: 120 }, (_, n) => ({
    header: NOW_MS - (119 - n) * MINUTE,
    vehicles: Math.min(n, 10),
  }));
  assert.deepEqual(said(polls), { stale: true, contentAtMs: NOW_MS - 109 * MINUTE, trust: "stale" });
});

test("times of the future and of before there were feeds tell nothing", () => {
  assert.equal(contentTime(signs({ headerMs: NOW_MS + DAY })), null);
  assert.equal(contentTime(signs({ headerMs: 0, reportedMs: 12 })), null);
  assert.equal(contentTime(signs({ headerMs: NOW_MS + MINUTE })), NOW_MS, "clocks differ a little");
});
