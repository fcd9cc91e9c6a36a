/** Stations that come with other ids are the same stations: never both counted, from the first poll on. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Collection } from "../../src/domain/collection.ts";
import { decodeStationInformation } from "../../src/domain/gbfs/station-information.ts";
import { decodeStationStatus } from "../../src/domain/gbfs/station-status.ts";
import { decodeRawRecord } from "../../src/record/raw-record.ts";

const MINUTE_MS = 60_000;

interface Station {
  readonly id: string;
  /** Thousandths of a degree, 111 m each; null: not in the information. */
  readonly at?: number | null;
  readonly name?: string;
  readonly bikes?: number;
}

/** One system's topic, recounted after every poll. */
class Town {
  readonly topic = new Map<string, string>();
  #collection = this.#made();
  #minute = 0;
  renumbered = 0;

  #made(): Collection {
    return new Collection({
      systemId: "town",
      mode: "changes",
      simulated: false,
      resolveArea: () => ({ area: "town", rule: "system" }),
    });
  }

  /** @param informed what the information lists, when that is another list */
  poll(listed: readonly Station[], informed: readonly Station[] = listed): void {
    const stations = listed.map(({ id, bikes = 2 }) => ({ station_id: id, num_bikes_available: bikes }));
    const status = decodeStationStatus({ data: { stations } }, new Map()) ?? assert.fail();
    const information = decodeStationInformation({
      data: {
        stations: informed
          .filter(({ at }) => at !== null)
          .map(({ id, at = 0, name = "" }) => ({ station_id: id, name, lat: 48 + (at ?? 0) / 1000, lon: 2 })),
      },
    });
    const plan = this.#collection.plan({
      observedAtMs: (this.#minute += 1) * MINUTE_MS,
      stations: status.stations,
      unreadable: new Set(),
      information: new Map(information?.stations.map((one) => [one.stationId, one])),
      partitionCount: 2,
    });
    for (const { key, value } of plan.records) {
      if (value === null) this.topic.delete(key);
      else this.topic.set(key, value);
    }
    this.renumbered += plan.renumbered;
    this.#collection.acknowledge(plan);
  }

  restart(): void {
    this.#collection = this.#made();
    for (const [key, value] of this.topic) {
      const decoded = decodeRawRecord(key, value, this.#minute * MINUTE_MS, () => null);
      assert.ok(decoded.ok);
      this.#collection.restore(decoded.record, 0);
    }
  }

  get total(): number {
    return [...this.topic.values()].reduce(
      (sum, value) => sum + (JSON.parse(value) as { nbr_total: number }).nbr_total,
      0,
    );
  }
}

const list = (count: number, id: (n: number) => string, more: (n: number) => Partial<Station> = () => ({})) =>
  Array.from({ length: count }, (_, n): Station => ({ id: id(n), at: n * 5, ...more(n) }));
const blind = (): Partial<Station> => ({ at: null });
const old = (n: number) => `old${n}`;
const uuid = (n: number) => `uuid-${n}`;

/** Polls twice, and checks what stands right after the second. */
function change(before: Parameters<Town["poll"]>, after: Parameters<Town["poll"]>, restart = false): Town {
  const town = new Town();
  town.poll(...before);
  if (restart) town.restart();
  town.poll(...after);
  return town;
}

test("all ids replaced, one station fewer, with or without information: the old ones leave when the new ones come", () => {
  for (const restart of [false, true]) {
    const unknown = change([list(10, old, blind)], [list(9, uuid, blind)], restart);
    assert.deepEqual([unknown.total, unknown.renumbered], [18, 10]);
    const known = change([list(10, old)], [list(9, uuid)], restart);
    assert.deepEqual([known.total, known.renumbered], [18, 10]);
    const stale = change([list(10, old)], [list(9, uuid), list(10, old)], restart);
    assert.deepEqual([stale.total, stale.renumbered], [18, 10], "the information is not read again yet");
    const one = change([list(10, old, () => ({ at: 0 }))], [list(9, uuid, () => ({ at: 0 }))], restart);
    assert.deepEqual([one.total, one.renumbered], [18, 10], "all at one place");
    const prefixed = change([list(10, old)], [list(10, (n) => `town:old${n}`)], restart);
    assert.deepEqual([prefixed.total, prefixed.renumbered], [20, 10]);
  }
});

test("half of the ids replaced, by the new ids alone or by places, names and codes", () => {
  const half = (n: number) => (n % 2 === 0 ? old(n) : uuid(n));
  assert.equal(change([list(10, old, blind)], [list(10, half, blind)]).total, 20);
  assert.equal(change([list(10, old)], [list(10, half)]).total, 20);
  assert.equal(change([list(10, old)], [list(10, half), list(10, old)]).total, 20, "stale information");
  assert.equal(change([list(10, old)], [list(10, half)], true).total, 20, "over a restart");
  const named = (n: number): Partial<Station> => ({ name: `Place ${n}` });
  assert.equal(change([list(10, old, named)], [list(10, half, named)]).total, 20);
});

test("one station with another id is known by its place or its name", () => {
  const all = list(10, old, (n) => ({ name: `Place ${n}` }));
  const one = (more: Partial<Station>) => [...all.slice(1), { ...all[0], id: "new", ...more } as Station];
  assert.equal(change([all], [one({})]).total, 20);
  assert.equal(change([all], [one({ name: "Other" })]).total, 20, "its place alone");
  assert.equal(change([all], [one({ at: 0.6 })]).total, 20, "its name, measured again 67 m off");
  assert.equal(change([all], [one({ name: "Other", at: 700 })]).total, 22, "neither: one closes, one opens");
  assert.equal(change([all], [one({ at: 700 })]).total, 22, "the same name far away");
  assert.equal(change([all], [one({}), all]).total, 22, "not known from information that is not there");
});

test("openings, closings and cuts are not taken for other ids", () => {
  const all = list(10, old, (n) => ({ name: `Place ${n}` }));
  const fresh = (count: number) => list(count, uuid, (n) => ({ at: 900 + n * 5, name: `New ${n}` }));
  const cases: [string, readonly Station[], number][] = [
    ["a cut", all.slice(0, 3), 20],
    ["nothing at all", [], 20],
    ["an opening", [...all, ...fresh(1)], 22],
    ["many openings", [...all, ...fresh(8)], 36],
    ["one closes, one opens", [...all.slice(1), ...fresh(1)], 22],
    ["five close, five open elsewhere", [...all.slice(5), ...fresh(5)], 30],
    ["a cut, and an opening", [...all.slice(0, 3), ...fresh(1)], 22],
  ];
  for (const [what, after, total] of cases) {
    const town = change([all], [after]);
    assert.deepEqual([town.total, town.renumbered], [total, 0], what);
  }
  const blindly = change([list(10, old, blind)], [[...list(8, old, blind), ...list(2, uuid, blind)]]);
  assert.deepEqual([blindly.total, blindly.renumbered], [24, 0], "two of ten: no more than opens and closes");
});

test("a feed that serves its stations in parts has them all", () => {
  const all = list(10, old, (n) => ({ name: `Place ${n}` }));
  const town = new Town();
  town.poll(all.slice(0, 5), all);
  town.poll(all.slice(5), all);
  town.poll(all.slice(0, 5), all);
  assert.deepEqual([town.total, town.renumbered], [20, 0]);
});

test("replicas with old and new ids in turn never count a station twice", () => {
  const town = new Town();
  for (let n = 0; n < 6; n += 1) {
    town.poll(n % 2 === 0 ? list(10, old) : list(9, uuid));
    assert.equal(town.total, n % 2 === 0 ? 20 : 18);
  }
});

test("ids that differ in case alone are two stations", () => {
  const both = [
    { id: "ABC-1", at: 0, bikes: 5 },
    { id: "abc-1", at: 0, bikes: 2 },
  ];
  const town = change([both], [both]);
  assert.deepEqual([town.total, town.renumbered], [7, 0]);
});

test("ids shuffled among places, or any part of them replaced: the total is that of the newest poll", () => {
  const shuffle = fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], { minLength: 10 });
  fc.assert(
    fc.property(
      shuffle,
      fc.integer({ min: 0, max: 10 }),
      fc.array(fc.nat(20), { minLength: 10, maxLength: 10 }),
      fc.boolean(),
      (order, replaced, bikes, restart) => {
        const named = (n: number): Partial<Station> => ({ name: `Place ${n}`, bikes: bikes[n] ?? 0 });
        const after = list(10, (n) => ((order[n] ?? 0) < replaced ? uuid(n) : old(order[n] ?? 0)), named);
        const ids = new Set(after.map(({ id }) => id));
        assert.equal(ids.size, 10);
        const town = change([list(10, old, named)], [after], restart);
        const sum = bikes.reduce((all, one) => all + one, 0);
        assert.equal(town.total, sum);
      },
    ),
  );
});

test("a station whose new id the information tells of later is counted twice until then, and no longer", () => {
  const before = list(
    10,
    (n) => `old${n}`,
    (n) => ({ name: `Station ${n}` }),
  );
  const [first, ...others] = before;
  const after = [{ ...first, id: "new0" }, ...others];
  const town = new Town();
  town.poll(before);
  town.poll(after, before);
  assert.equal(town.total, 22);
  town.poll(after);
  assert.deepEqual([town.total, town.renumbered], [20, 1]);
});

test("information that comes for the first time, while some stations are not served, takes none out", () => {
  const all = list(
    10,
    (n) => `s${n}`,
    (n) => ({ name: `Station ${n}` }),
  );
  const town = new Town();
  town.poll(all, []);
  town.poll(all.slice(0, 6), all);
  assert.deepEqual([town.total, town.renumbered], [20, 0]);
  town.poll(all.slice(0, 6), all.slice(0, 6));
  assert.deepEqual([town.total, town.renumbered], [20, 0]);
});
