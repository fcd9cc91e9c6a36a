/** The codec of keys: no two things share a key, and every key tells what it is of. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { areaPartitionKey } from "../../src/record/partitioning.ts";
import { FormerKeys } from "../../src/record/former-keys.ts";
import {
  areaKey,
  areaOfTombstone,
  areasNamed,
  parseAreaKey,
  parseRuleKey,
  parseStationKey,
  plainAreaKey,
  plainStationKey,
  ruleKey,
  stationKey,
  stationOfTombstone,
  stationsNamed,
  systemKey,
  systemOfKey,
} from "../../src/record/keys.ts";

/** Names that are made to be confused. */
const part = fc
  .oneof(
    fc.array(fc.constantFrom("velib", "lyon", ":", "%", "25", "3A", "%3A", "%25", "1", "é", " "), {
      minLength: 1,
      maxLength: 5,
    }),
    fc.array(fc.string({ minLength: 1, maxLength: 8, unit: "grapheme" }), { minLength: 1, maxLength: 1 }),
  )
  .map((pieces) => pieces.join(""));

describe("keys", () => {
  test("read back to exactly what they were written of", () => {
    fc.assert(
      fc.property(part, part, (systemId, name) => {
        assert.deepEqual(parseStationKey(stationKey(systemId, name)), { systemId, stationId: name });
        assert.deepEqual(parseAreaKey(areaKey(systemId, name)), { systemId, area: name });
        const scope = areaKey(systemId, name);
        assert.deepEqual(parseRuleKey(ruleKey(name, scope)), { rule: name, scope });
        assert.equal(systemOfKey(systemKey(systemId)), systemId);
        assert.equal(systemOfKey(stationKey(systemId, name)), systemId);
        assert.deepEqual([...stationsNamed(stationKey(systemId, name))][0], { systemId, stationId: name });
        assert.deepEqual([...areasNamed(areaKey(systemId, name))][0], { systemId, area: name });
      }),
      { numRuns: 5_000 },
    );
  });

  test("of two things are two", () => {
    fc.assert(
      fc.property(part, part, part, part, (system, name, otherSystem, otherName) => {
        const same = system === otherSystem && name === otherName;
        assert.equal(stationKey(system, name) === stationKey(otherSystem, otherName), same);
        assert.equal(areaKey(system, name) === areaKey(otherSystem, otherName), same);
      }),
      { numRuns: 10_000 },
    );
  });

  test("without a colon or percent sign are what they always were", () => {
    assert.equal(stationKey("velib", "213688169"), "velib:213688169");
    assert.equal(areaKey("velib", "75016"), "75016");
    assert.equal(areaKey("oslo", "Grünerløkka"), "oslo:Grünerløkka");
    assert.equal(areaKey("velib", "Zone 1: Nord"), "Zone 1%3A Nord");
    assert.equal(areaKey("lyon", "100% Est"), "lyon:100%25 Est");
    assert.equal(areaPartitionKey("velib", "Zone 1: Nord"), "velib:Zone 1: Nord", "hashed in plain text");
    fc.assert(
      fc.property(part, part, (systemId, name) => {
        fc.pre(!/[:%]/.test(systemId + name));
        assert.equal(stationKey(systemId, name), plainStationKey(systemId, name));
        assert.equal(areaKey(systemId, name), plainAreaKey(systemId, name));
      }),
    );
  });

  test("that no codec wrote are none", () => {
    for (const key of ["", ":", "a:", ":b", "a:b:c", "a%2Fb:c", "a:%", "a:%3a", "no-colon"])
      assert.equal(parseStationKey(key), null, key);
    for (const key of ["", ":", "a:", ":b", "a:b:c", "%", "50% Est", "velib:75016", "%3a"])
      assert.equal(parseAreaKey(key), null, key);
    assert.equal(parseRuleKey("no-colon"), null);
  });

  test("of tombstones are read by the system that these name; without one as version 0.1.0 wrote them", () => {
    assert.deepEqual(areaOfTombstone("Zone 1%3A Nord", "velib"), { systemId: "velib", area: "Zone 1: Nord" });
    assert.deepEqual(areaOfTombstone("lyon:1", "lyon"), { systemId: "lyon", area: "1" });
    assert.equal(areaOfTombstone("lyon:1", "velib"), null, "a key of old is cleared away");
    assert.equal(areaOfTombstone("lyon:A:B", "lyon"), null);
    assert.deepEqual(areaOfTombstone("100% Est", undefined), { systemId: "velib", area: "100% Est" });
    assert.deepEqual(areaOfTombstone("lyon:A:B", undefined), { systemId: "lyon", area: "A:B" });
    assert.deepEqual(stationOfTombstone("velib:a%3A1", "velib"), { systemId: "velib", stationId: "a:1" });
    assert.deepEqual(stationOfTombstone("velib:a%3A1", undefined), { systemId: "velib", stationId: "a%3A1" });
    assert.equal(stationOfTombstone("velib:a:1", "velib"), null);
    assert.equal(stationOfTombstone("no-colon", undefined), null);
  });

  test("name every thing that they may be of, likeliest first", () => {
    assert.deepEqual(
      [...stationsNamed("a:b%3Ac")].map(({ systemId, stationId }) => [systemId, stationId]),
      [
        ["a", "b:c"],
        ["a", "b%3Ac"],
      ],
    );
    assert.deepEqual(
      [...stationsNamed("a:b:c")].map(({ systemId, stationId }) => [systemId, stationId]),
      [
        ["a", "b:c"],
        ["a:b", "c"],
      ],
    );
    assert.deepEqual([...stationsNamed(":a:")], []);
    assert.deepEqual(
      [...areasNamed("a:b")].map(({ systemId, area }) => [systemId, area]),
      [
        ["a", "b"],
        ["velib", "a:b"],
        ["a", "b"],
      ],
    );
    assert.deepEqual([...areasNamed("")], []);
    assert.equal(systemOfKey("a%3Ab:c"), "a:b");
    assert.equal(systemOfKey("a%b:c"), "a%b");
    assert.equal(systemOfKey(""), "");
  });
});

describe("former keys", () => {
  test("a tombstone takes away what stands under its key, and nothing that stands elsewhere", () => {
    const keys = new FormerKeys();
    keys.read("velib:a%3A1", "velib:a:1");
    assert.equal(keys.at("velib:a:1"), "velib:a%3A1", "the old key still holds it");
    assert.equal(keys.at("velib:a%3A1"), null, "its own does not yet");
    keys.read("velib:a%3A1", "velib:a%3A1");
    assert.equal(keys.at("velib:a%3A1"), "velib:a%3A1");
    assert.equal(keys.at("velib:a:1"), "velib:a:1", "nothing that is held");
  });

  test("one thing's old key may be another's own", () => {
    const keys = new FormerKeys();
    keys.read("lyon%3A1", "lyon:1");
    keys.read("lyon:1", "lyon:1");
    assert.equal(keys.at("lyon:1"), "lyon:1", "the last record of a key says whose it is");
    assert.equal(keys.at("lyon%3A1"), "lyon%3A1");
  });
});

test("of two things that 0.1.0 kept under one key, one that moves to its own leaves the other's where it stands", () => {
  const keys = new FormerKeys();
  keys.read("a", "shared");
  keys.read("b", "shared");
  assert.equal(keys.at("shared"), "b");
  keys.read("a", "a");
  assert.equal(keys.at("shared"), "b");
  assert.deepEqual([keys.has("shared"), keys.has("a"), keys.has("b")], [true, false, false]);
});
