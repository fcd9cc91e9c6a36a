/** The API's flag for misplaced stations follows the live view, and is not worked out for every question. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LiveView } from "../../../src/domain/live-view.ts";
import { Misplaced } from "../../../src/http/misplaced.ts";
import { countingMetrics } from "../../support/silent.ts";

function place(view: LiveView, id: string, area: string, lat: number, rule = "areas_file"): void {
  const value = { system_id: "velib", station_id: id, postcode: area, area_rule: rule, lat, lon: 2.3 };
  const text = JSON.stringify({ ...value, nbr_total: 1, nbr_elec: null, nbr_meca: null, observed_at: 1 });
  view.applyRaw({ partition: 0, key: `velib:${id}`, value: text, timestampMs: 1, headers: {} });
}

test("a station that comes among those of another area is flagged, a minute later at the latest", () => {
  const view = new LiveView();
  for (let at = 0; at < 12; at += 1) {
    place(view, `n${at}`, "north", 49 + at / 500);
    place(view, `s${at}`, "south", 48.8 + at / 500);
    place(view, `u${at}`, "unknown", 48.8 + at / 500, "unknown");
  }
  place(view, "lost", "unknown", 48, "unknown");
  let nowMs = 1_000_000;
  const misplaced = new Misplaced(view, { now: () => nowMs }, countingMetrics());
  assert.deepEqual([...misplaced.of("velib")], [], "nobody knows where unknown stations belong");
  assert.deepEqual([...misplaced.of("oslo")], []);
  place(view, "odd", "north", 48.811);
  assert.deepEqual([...misplaced.of("velib")], []);
  nowMs += 60_001;
  assert.deepEqual([...misplaced.of("velib")], ["velib:odd"]);
});
