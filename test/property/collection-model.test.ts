/**
 * The collection against a brute-force model of the documented rules (test/support/collection-model.ts): polls that are
 * short, empty, flapping, moved, renumbered, with vehicles; the log away and back; restarts from the log, also in the
 * middle of a publication. After each poll the topic, recounted as an aggregate would, holds what the model says.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Plan, PlannedRecord } from "../../src/domain/collection-plan.ts";
import { Collection, type Observed } from "../../src/domain/collection.ts";
import { areaOfFreeFloating } from "../../src/domain/free-floating.ts";
import { decodeStationStatus } from "../../src/domain/gbfs/station-status.ts";
import { decodeRawRecord } from "../../src/record/raw-record.ts";
import { parseStationKey } from "../../src/record/keys.ts";
import type { StationInformation, StationStatus } from "../../src/record/station.ts";
import { CollectionModel, type Listed, type ModelPoll } from "../support/collection-model.ts";

const SYSTEM = "town";
const AREAS = ["north", "east", "south"] as const;
const MOST_PLACES = 14;

/** What happens next: a change of the town, then a poll that sees it more or less. */
interface Step {
  readonly afterMs: number;
  readonly change:
    | { readonly kind: "nothing" }
    | { readonly kind: "bikes" | "break" | "open" | "close" | "move"; readonly places: readonly number[] }
    | { readonly kind: "renumber"; readonly places: readonly number[] | null };
  /** Places that the status leaves out; null: the status could not be had. */
  readonly hidden: readonly number[] | null;
  readonly vehicles: readonly (number | null)[] | null;
  /** Polls that come and go while the log is away, before this one is taken. */
  readonly skipped: boolean;
  /** The process ends after so much of the publication (of 1), and starts again; null: it does not. */
  readonly crash: number | null;
}

const place = fc.nat(MOST_PLACES - 1);
const some = fc.uniqueArray(place, { minLength: 1, maxLength: 3 });
const change: fc.Arbitrary<Step["change"]> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ kind: "nothing" as const }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("bikes" as const), places: some }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("break" as const), places: some }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom("open" as const, "close" as const), places: some }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("move" as const), places: some }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("renumber" as const),
      places: fc.option(fc.uniqueArray(place, { maxLength: MOST_PLACES }), { nil: null }),
    }),
  },
);
const everywhere = Array.from({ length: MOST_PLACES }, (_, n) => n);
const hidden = fc.oneof(
  { weight: 8, arbitrary: fc.constant<number[] | null>([]) },
  { weight: 3, arbitrary: some },
  { weight: 3, arbitrary: fc.subarray(everywhere, { minLength: 5, maxLength: 12 }) },
  { weight: 1, arbitrary: fc.constant(everywhere) },
  { weight: 1, arbitrary: fc.constant(null) },
);
const vehicles = fc.option(fc.tuple(...AREAS.map(() => fc.option(fc.nat(5), { nil: null }))), {
  nil: null,
  freq: 4,
});
const step: fc.Arbitrary<Step> = fc.record({
  afterMs: fc.constantFrom(1_000, 20_000, 60_000, 60_000, 60_000, 130_000, 310_000, 31 * 60_000),
  change,
  hidden,
  vehicles,
  skipped: fc.nat(9).map((n) => n === 0),
  crash: fc.oneof(
    { weight: 9, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: fc.constantFrom(0, 0.3, 0.7, 1) },
  ),
});
/** Some things only happen when a state lasts: a step is repeated with nothing else changing. */
const steps = fc
  .array(fc.tuple(step, fc.constantFrom(1, 1, 1, 2, 4)), { minLength: 1, maxLength: 25 })
  .map((list) =>
    list.flatMap(([one, times]): Step[] => [
      one,
      ...Array.from({ length: times - 1 }, (): Step => ({
        ...one,
        change: { kind: "nothing" },
        crash: null,
      })),
    ]),
  );

// ───────────────────────────── The town ─────────────────────────────

/** What is really there; ids are a scheme and a place. */
class Town {
  readonly #open = new Map<number, { id: string; area: string; bikes: number | null }>();
  #scheme = 0;

  constructor() {
    for (let n = 0; n < 10; n += 1) this.#open.set(n, { id: `0-${n}`, area: AREAS[n % 3] ?? "", bikes: n });
  }

  change(what: Step["change"]): void {
    if (what.kind === "renumber") this.#scheme += 1;
    for (const n of what.kind === "nothing" ? [] : (what.places ?? this.#open.keys())) {
      const station = this.#open.get(n);
      if (what.kind === "open" && station === undefined)
        this.#open.set(n, { id: `${this.#scheme}-${n}`, area: AREAS[n % 3] ?? "", bikes: n });
      if (station === undefined) continue;
      if (what.kind === "close") this.#open.delete(n);
      else if (what.kind === "bikes") station.bikes = ((station.bikes ?? 0) + n + 1) % 17;
      else if (what.kind === "break") station.bikes = null;
      else if (what.kind === "move")
        station.area = AREAS[(AREAS.indexOf(station.area as never) + 1) % 3] ?? "";
      else if (what.kind === "renumber") station.id = `${this.#scheme}-${n}`;
    }
  }

  listed(without: readonly number[] = []): Listed[] {
    return [...this.#open]
      .filter(([n]) => !without.includes(n))
      .map(([n, station]) => ({ place: n, ...station }));
  }
}

// ───────────────────────────── The topic ─────────────────────────────

/** The raw topic: compacted, and recounted as its readers do. */
class Topic {
  readonly records: PlannedRecord[] = [];

  write(records: readonly PlannedRecord[]): void {
    this.records.push(...records);
  }

  /** The newest value of each key in each partition, without tombstones and last words. */
  standing(): Map<string, Record<string, unknown>> {
    const newest = new Map<string, PlannedRecord>();
    for (const record of this.records) newest.set(`${record.partition} ${record.key}`, record);
    const standing = new Map<string, Record<string, unknown>>();
    for (const { key, value } of newest.values()) {
      const fields = value === null ? null : (JSON.parse(value) as Record<string, unknown>);
      if (fields === null || fields["retired"] === true) continue;
      assert.ok(!standing.has(key), `${key} stands in two partitions`);
      standing.set(key, fields);
    }
    return standing;
  }

  areas(): Record<string, number> {
    const sums: Record<string, number> = {};
    const slots = new Set<string>();
    for (const [key, { postcode, nbr_total: total, slot }] of this.standing()) {
      const area = postcode as string;
      sums[area] = (sums[area] ?? 0) + (total as number);
      const taken = `${area} ${String(slot)}`;
      assert.ok(!slots.has(taken), `slot ${taken} is taken twice, by ${key} too`);
      slots.add(taken);
    }
    return sums;
  }
}

function newCollection(): Collection {
  return new Collection({
    systemId: SYSTEM,
    mode: "changes",
    simulated: false,
    resolveArea: (information, _, stationId) =>
      areaOfFreeFloating(stationId) ?? { area: information?.regionId ?? "none", rule: "region" },
  });
}

function restored(topic: Topic): Collection {
  const collection = newCollection();
  const standing = new Map<string, (typeof topic.records)[number]>();
  for (const record of topic.records) {
    const place = `${record.partition} ${record.key}`;
    standing.delete(place);
    standing.set(place, record);
  }
  for (const { key, value, partition } of standing.values()) {
    if (value === null) continue;
    const decoded = decodeRawRecord(key, value, NOW.ms, () => null);
    assert.ok(decoded.ok, decoded.ok ? "" : JSON.stringify(decoded.reject));
    collection.restore(decoded.record, partition);
  }
  return collection;
}

function observedOf({ atMs, listed, vehicles }: ModelPoll, town: Town): Observed {
  const records = (listed ?? []).map(({ id, bikes }) => ({ station_id: id, num_bikes_available: bikes }));
  const status = decodeStationStatus({ data: { stations: records } }, new Map()) ?? assert.fail();
  const free = [...(vehicles ?? [])].map(([area, count]): StationStatus => {
    const stationId = `free-floating:areas_file:${area}`;
    const source = { station_id: stationId, num_bikes_available: count };
    const decoded = decodeStationStatus({ data: { stations: [source] } }, new Map())?.stations[0];
    return decoded ?? assert.fail();
  });
  const information = town.listed().map(({ id, place: n, area }): StationInformation => ({
    stationId: id,
    stationCode: null,
    name: `Place ${n}`,
    lat: 48 + n / 100,
    lon: 2,
    capacity: 20,
    postCode: null,
    regionId: area,
  }));
  return {
    observedAtMs: atMs,
    stations: [...status.stations, ...free],
    unreadable: new Set(status.rejects.flatMap(({ stationId }) => stationId ?? [])),
    unobserved: [
      ...(listed === null ? ["stations" as const] : []),
      ...(vehicles === null ? ["vehicles" as const] : []),
    ],
    information: new Map(information.map((one) => [one.stationId, one])),
    partitionCount: 3,
  };
}

function judge(topic: Topic, model: CollectionModel, after: string): void {
  assert.deepEqual(topic.areas(), model.areas(), after);
}

function checkPublished(
  plan: Plan,
  model: CollectionModel,
  { must, may }: ReturnType<CollectionModel["poll"]>,
): void {
  const published = new Set(
    plan.records
      .filter(({ value }) => value !== null && !value.includes('"retired":true'))
      .map(({ key }) => parseStationKey(key)?.stationId ?? "")
      .filter((id) => !id.startsWith("free-floating:")),
  );
  for (const id of must) assert.ok(published.has(id), `${id} changed`);
  for (const id of published) {
    assert.ok(must.has(id) || may.has(id), `${id} did not change`);
    const held = model.stations.get(id);
    if (held !== undefined) held.publishedAtMs = NOW.ms;
  }
}

/** What a process that starts finds: stations, each to be published at its next poll, and vehicles by area. */
function standingOf(topic: Topic): Parameters<CollectionModel["restart"]> {
  const stations: Parameters<CollectionModel["restart"]>[0] = new Map();
  const free = new Map<string, number>();
  for (const [key, { postcode, nbr_total: total }] of topic.standing()) {
    const id = parseStationKey(key)?.stationId ?? "";
    const [area, bikes] = [postcode as string, total as number];
    if (id.startsWith("free-floating:")) free.set(area, bikes);
    else stations.set(id, { place: Number(id.split("-")[1]), area, bikes, publishedAtMs: -Infinity });
  }
  return [stations, free];
}

const NOW = { ms: 0 };

function run(script: readonly Step[]): void {
  const [town, topic, model] = [new Town(), new Topic(), new CollectionModel()];
  let collection = newCollection();
  NOW.ms = 1_700_000_000_000;
  for (const [
    n,
    { afterMs, change: what, hidden: without, vehicles: free, skipped, crash },
  ] of script.entries()) {
    NOW.ms += afterMs;
    town.change(what);
    // The log is away: a newer poll takes this one's place before it is planned.
    if (skipped) continue;
    const counts = free?.flatMap((count, i): [string, number][] =>
      count === null ? [] : [[AREAS[i] ?? "", count]],
    );
    const poll: ModelPoll = {
      atMs: NOW.ms,
      listed: without === null ? null : town.listed(without),
      informed: new Set(town.listed().map(({ id }) => id)),
      vehicles: counts === undefined ? null : new Map(counts),
    };
    const plan = collection.plan(observedOf(poll, town));
    if (crash !== null) {
      topic.write(plan.records.slice(0, Math.round(plan.records.length * crash)));
      collection = restored(topic);
      model.restart(...standingOf(topic));
      judge(topic, model, `restart after step ${n}`);
      continue;
    }
    checkPublished(plan, model, model.poll(poll));
    topic.write(plan.records);
    collection.acknowledge(plan);
    judge(topic, model, `step ${n}`);
  }
}

test("after every poll the topic holds what the documented rules say, whatever polls, log and process do", () => {
  fc.assert(fc.property(steps, run), { numRuns: 400 });
});
