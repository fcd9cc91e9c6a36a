/** Generated station histories (fast-check) and the brute-force recount that judges every aggregate. */
import fc from "fast-check";
import type { Observation } from "../../src/record/raw-record.ts";
import type { Totals } from "../../src/record/totals-record.ts";

/** One step of a history. */
export type Step =
  | { readonly kind: "observe"; readonly observation: Observation }
  | { readonly kind: "remove"; readonly key: string };

const AREAS = ["75001", "75002", "93200", "unknown"];
const count = fc.integer({ min: 0, max: 40 });
const maybe = fc.option(count, { nil: null, freq: 4 });

export const observation: fc.Arbitrary<Observation> = fc.record({
  systemId: fc.constantFrom("velib", "velib", "oslo"),
  stationId: fc.integer({ min: 1, max: 8 }).map(String),
  area: fc.constantFrom(...AREAS),
  total: count,
  electric: maybe,
  mechanical: maybe,
  docks: maybe,
  observedAtMs: fc.integer({ min: 1, max: 30 }),
  retired: fc.boolean().chain((a) => fc.boolean().map((b) => a && b)),
  simulated: fc.constant(false),
});

export const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 9, arbitrary: observation.map((observation): Step => ({ kind: "observe", observation })) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom("velib", "oslo"), fc.integer({ min: 1, max: 8 }))
      .map(([system, id]): Step => ({ kind: "remove", key: `${system}:${id}` })),
  },
);

/** The recount, in plain loops: keep every observation, pick the latest of each station, add them up. */
export function recount(steps: readonly Step[]): Map<string, Omit<Totals, "asOfMs">> {
  const held = new Map<string, Observation[]>();
  for (const step of steps) {
    if (step.kind === "remove") held.delete(step.key);
    else {
      const key = `${step.observation.systemId}:${step.observation.stationId}`;
      held.set(key, [...(held.get(key) ?? []), step.observation]);
    }
  }
  const totals = new Map<string, Omit<Totals, "asOfMs">>();
  for (const observations of held.values()) {
    const latest = observations.toSorted(order).at(-1);
    if (latest === undefined || latest.retired) continue;
    const key = latest.systemId === "velib" ? latest.area : `${latest.systemId}:${latest.area}`;
    const before = totals.get(key);
    totals.set(key, {
      systemId: latest.systemId,
      area: latest.area,
      total: (before?.total ?? 0) + latest.total,
      electric: add(before?.electric ?? null, latest.electric),
      mechanical: add(before?.mechanical ?? null, latest.mechanical),
      stations: (before?.stations ?? 0) + 1,
      docks: add(before?.docks ?? null, latest.docks),
      stationsWithoutSplit:
        (before?.stationsWithoutSplit ?? 0) +
        (latest.electric === null || latest.mechanical === null ? 1 : 0),
      simulated: latest.simulated,
    });
  }
  return totals;
}

function add(sum: number | null, share: number | null): number | null {
  return share === null ? sum : (sum ?? 0) + share;
}

/** The order of docs/contracts.md, written independently of the reducer. */
function order(a: Observation, b: Observation): number {
  const rank = (o: Observation): (number | string)[] => [
    o.observedAtMs,
    o.retired ? 0 : 1,
    o.total,
    o.electric ?? -1,
    o.mechanical ?? -1,
    o.docks ?? -1,
    o.area,
  ];
  const left = rank(a);
  const right = rank(b);
  for (const [index, value] of left.entries()) {
    const other = right[index] ?? 0;
    if (value !== other) return value < other ? -1 : 1;
  }
  return 0;
}
