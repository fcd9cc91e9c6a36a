import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { HistoryAnswer } from "../../../src/http/api-types.ts";
import { SeenHistory, type Seen } from "../../../web/src/live/seen-history.ts";
import { chartData } from "../../../web/src/view/history-data.ts";

const seen = (atMs: number, total: number): Seen => ({
  atMs,
  total,
  electric: null,
  mechanical: null,
  docks: 1,
});

describe("what the page has seen", () => {
  it("keeps a point for every change and none for a repetition", () => {
    const history = new SeenHistory();
    for (const [atMs, total] of [
      [1, 5],
      [2, 5],
      [3, 6],
      [3, 7],
      [2, 9],
    ] as const)
      history.record("a", seen(atMs, total), 1);
    assert.deepEqual(
      history.of("a").map(({ atMs, total }) => [atMs, total]),
      [
        [1, 5],
        [3, 7],
      ],
    );
  });

  it("gives back what was seen, the unknown as unknown, and its totals as a trend", () => {
    const history = new SeenHistory();
    const points: Seen[] = [
      { atMs: 1, total: 5, electric: 2, mechanical: 3, docks: 0 },
      { atMs: 2, total: 5, electric: null, mechanical: null, docks: null },
      { atMs: 3, total: 5, electric: 0, mechanical: 5, docks: null },
    ];
    for (const point of points) history.record("a", point, 1);
    history.record("a", { ...points[2], atMs: 4 } as Seen, 1);
    assert.deepEqual(history.of("a"), points);
    const trend = history.trendOf("a");
    assert.deepEqual([trend.length, trend.atMs(2), trend.total(2)], [3, 3, 5]);
    history.forget("a");
    assert.deepEqual([history.of("a").length, history.trendOf("a").length], [0, 0]);
  });

  it("stays bounded however many stations there are", () => {
    const history = new SeenHistory();
    for (let at = 0; at < 2_000; at += 1) history.record("a", seen(at, at), 100);
    assert.equal(history.of("a").length, 720);
    for (let at = 0; at < 100; at += 1) history.record("b", seen(at, at), 50_000);
    assert.equal(history.of("b").length, 8);
  });
});

describe("a history chart", () => {
  it("without an archive shows what was seen, carried on to now", () => {
    const data = chartData({ kind: "none" }, [seen(1_000, 5), seen(3_000, 7)], 2_000, 9_000);
    assert.deepEqual(data.at, [2, 3, 9]);
    assert.deepEqual(data.total, [5, 7, 7]);
  });

  it("joins the archive's steps with what came since, and keeps gaps", () => {
    const history: HistoryAnswer = {
      key: "75001",
      system_id: "velib",
      from: 0,
      to: 4_000,
      step_ms: 1_000,
      at: [0, 1_000, 2_000, 3_000],
      aggregate: "mean",
      nbr_total: [1, null, 3, 4],
      nbr_elec: [0, null, 1, 1],
      nbr_meca: [1, null, 2, 3],
      docks: [9, null, 7, 6],
      gaps: [],
    };
    const data = chartData(
      { kind: "answered", history, typical: null },
      [seen(2_500, 4), seen(5_000, 8)],
      0,
      6_000,
    );
    assert.deepEqual(data.at, [0, 1, 2, 3, 4, 5, 6]);
    assert.deepEqual(data.total, [1, null, 3, 4, 4, 8, 8]);
  });

  it("has columns of one length, in growing time", () => {
    const data = chartData({ kind: "none" }, [seen(1_000, 1), seen(1_000, 2), seen(2_000, 3)], 0, 2_000);
    assert.ok(data.at.every((at, index) => index === 0 || at > (data.at[index - 1] ?? at)));
    for (const column of Object.values(data)) assert.equal(column.length, data.at.length);
  });
});
