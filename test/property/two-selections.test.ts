/**
 * Two collectors of one system, each with stations of its own, on one topic: whatever they give away before they have read
 * of each other, a reader that keeps the newest record a slot (Spark) and one that keeps the newest a station end with the
 * same sums (issue 14: two selections that started at the same instant on an empty topic).
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Collection } from "../../src/domain/collection.ts";
import { decodeStationStatus } from "../../src/domain/gbfs/station-status.ts";
import { decodeRawRecord } from "../../src/record/raw-record.ts";
import { parseStationKey } from "../../src/record/keys.ts";
import type { OtherWriter } from "../../src/record/writer.ts";

const SYSTEM = "town";
const IDS = ["1", "2", "3", "4", "5", "6"];
const START_MS = 1_700_000_000_000;

interface Written {
  readonly by: Collector;
  readonly key: string;
  readonly value: string | null;
  readonly partition: number;
}

const log: Written[] = [];
let nowMs = START_MS;

class Collector {
  readonly #mine: ReadonlySet<string>;
  readonly #collection = newCollection();
  readonly #writer: OtherWriter;
  /** How much of the log it has read. */
  #read = 0;

  constructor(name: string, mine: readonly string[]) {
    this.#mine = new Set(mine);
    const collector = `host/${name}/1`;
    this.#writer = {
      collector,
      feed: "feed",
      stations: mine.join(),
      header: `${collector} feed`,
      seenAtMs: START_MS,
    };
  }

  reads(count: number): void {
    for (const { by, key, value, partition } of log.slice(this.#read, this.#read + count)) {
      const stationId = parseStationKey(key)?.stationId ?? assert.fail();
      const decoded = value === null ? null : decodeRawRecord(key, value, nowMs, () => null);
      if (by === this) this.#collection.learnOwn(stationId);
      else {
        const record = decoded === null ? null : decoded.ok ? decoded.record : assert.fail();
        this.#collection.learn(stationId, record, partition, by.#writer, this.#mine.has(stationId));
      }
    }
    this.#read = Math.min(log.length, this.#read + count);
  }

  polls(bikes: ReadonlyMap<string, number>): void {
    nowMs += 1_000;
    const source = [...bikes].filter(([id]) => this.#mine.has(id));
    const records = source.map(([id, count]) => ({ station_id: id, num_bikes_available: count }));
    const status = decodeStationStatus({ data: { stations: records } }, new Map()) ?? assert.fail();
    const plan = this.#collection.plan({
      observedAtMs: nowMs,
      stations: status.stations,
      unreadable: new Set(),
      unwanted: new Set([...bikes.keys()].filter((id) => !this.#mine.has(id))),
      information: new Map(),
      partitionCount: 1,
    });
    for (const { key, value, partition } of plan.records) log.push({ by: this, key, value, partition });
    this.#collection.acknowledge(plan);
  }
}

function newCollection(): Collection {
  return new Collection({
    systemId: SYSTEM,
    mode: "changes",
    simulated: false,
    resolveArea: () => ({ area: "north", rule: "region" }),
  });
}

/** What Spark sums: of each slot the newest observation, of two of one time the one that is not retired. */
function bySlot(): number {
  const slots = new Map<
    number,
    { readonly observed_at: number; readonly nbr_total: number; retired?: boolean }
  >();
  for (const { value } of log) {
    if (value === null) continue;
    const record = JSON.parse(value) as {
      slot: number;
      observed_at: number;
      nbr_total: number;
      retired?: boolean;
    };
    const before = slots.get(record.slot);
    const wins = before === undefined || record.observed_at > before.observed_at;
    if (wins || (record.observed_at === before.observed_at && before.retired === true))
      slots.set(record.slot, record);
  }
  return [...slots.values()].reduce((sum, { nbr_total }) => sum + nbr_total, 0);
}

function byStation(): number {
  const stations = new Map<string, number>();
  for (const { key, value } of log)
    stations.set(key, value === null ? 0 : (JSON.parse(value) as { nbr_total: number }).nbr_total);
  return [...stations.values()].reduce((sum, total) => sum + total, 0);
}

const step = fc.record({
  who: fc.nat(1),
  what: fc.constantFrom("poll" as const, "read" as const, "read" as const),
  count: fc.nat(4),
  /** Station whose bikes change before a poll. */
  changes: fc.nat(IDS.length - 1),
});

test("a slot that two collectors gave away at once is one station's in the end, for every reader", () => {
  fc.assert(
    fc.property(
      fc.subarray(IDS, { minLength: 1, maxLength: IDS.length - 1 }),
      fc.array(step, { maxLength: 20 }),
      fc.boolean(),
      (first, steps, otherOrder) => {
        log.length = 0;
        nowMs = START_MS;
        const both = [
          new Collector("a", first),
          new Collector(
            "b",
            IDS.filter((id) => !first.includes(id)),
          ),
        ] as const;
        const bikes = new Map(IDS.map((id, index) => [id, index + 1]));
        for (const { who, what, count, changes } of steps) {
          const id = IDS[changes] ?? "";
          if (what === "read") both[who === 0 ? 0 : 1].reads(count);
          else {
            bikes.set(id, ((bikes.get(id) ?? 0) + 3) % 17);
            both[who === 0 ? 0 : 1].polls(bikes);
          }
        }
        // Both go on in quiet: each reads all, then polls.
        for (let round = 0; round < 3; round += 1)
          for (const one of otherOrder ? [both[0], both[1]] : [both[1], both[0]]) {
            one.reads(Infinity);
            one.polls(bikes);
          }
        const wanted = [...bikes.values()].reduce((sum, count) => sum + count, 0);
        assert.equal(byStation(), wanted);
        assert.equal(bySlot(), wanted);
        // And then there is nothing left to say.
        const written = log.length;
        for (const one of both) {
          one.reads(Infinity);
          one.polls(bikes);
        }
        assert.equal(log.length, written, "they go on correcting each other");
      },
    ),
    { numRuns: 500 },
  );
});
