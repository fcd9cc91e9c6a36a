import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CollectorStatus } from "../../src/stages/collect/collector-status.ts";

describe("a collector's status", () => {
  it("counts the rejects of the last poll by reason, and says where the first of each is", () => {
    const status = new CollectorStatus();
    status.rejected([
      { reason: "negative_count", path: "data.stations[3]" },
      { reason: "no_id", path: "data.stations[5]" },
      { reason: "negative_count", path: "data.stations[9]" },
    ]);
    assert.deepEqual(status.rejects, [
      { reason: "negative_count", count: 2, firstPath: "data.stations[3]" },
      { reason: "no_id", count: 1, firstPath: "data.stations[5]" },
    ]);
    assert.equal(status.rejectsNow, 3);
    status.rejected([]);
    assert.deepEqual(status.rejects, []);
    assert.equal(status.rejectsTotal, 3);
  });

  it("tells what polling has cost and saved, and nothing where nothing is counted", () => {
    const status = new CollectorStatus();
    status.described({
      systemId: "velib",
      name: "Vélib'",
      timezone: null,
      attribution: null,
      licenseUrl: null,
      simulated: false,
    });
    assert.equal(status.systemStatus()?.traffic, null);
    const traffic = { requests: 4, notModified: 3, transferredBytes: 30_000, savedBytes: 1_400_000 };
    status.traffic = traffic;
    assert.deepEqual(status.systemStatus()?.traffic, traffic);
  });
});
