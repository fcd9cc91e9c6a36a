/** Reconnecting to the event stream by Last-Event-ID, anywhere and as often as one likes, is an uninterrupted stream. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LiveView } from "../../src/domain/live-view.ts";
import { EventHub } from "../../src/http/event-hub.ts";
import { presentArea, presentStation, type StreamFilter } from "../../src/http/present.ts";
import type { Metrics } from "../../src/ports.ts";
import { step, type Step } from "../support/history.ts";
import { rawRecord, TotalsWriter } from "../support/live-records.ts";
import { SILENT } from "../../src/telemetry/logger.ts";
import { StreamState, TestSink } from "../support/sse.ts";
import { TestClock } from "../support/test-clock.ts";

/** Counts the clients that have joined. */
let joined = 0;
const METRICS: Metrics = {
  count: (name) => {
    if (name === "velostream_stream_joins_total") joined += 1;
  },
  set() {},
  observe() {},
  forget() {},
};

interface Life {
  readonly batches: readonly (readonly Step[])[];
  /** After each batch: stay, leave, or leave and come back at once. */
  readonly moves: readonly ("stay" | "leave" | "return")[];
  readonly filter: StreamFilter;
  readonly journalItems: number;
}

const life: fc.Arbitrary<Life> = fc
  .array(
    fc.tuple(fc.array(step, { minLength: 1, maxLength: 5 }), fc.constantFrom("stay", "leave", "return")),
    {
      minLength: 1,
      maxLength: 12,
    },
  )
  .chain((turns) =>
    fc.record({
      batches: fc.constant(turns.map(([batch]) => batch)),
      moves: fc.constant(turns.map(([, move]) => move)),
      filter: fc.record({
        systemId: fc.constantFrom(null, "velib", "oslo"),
        areas: fc.boolean(),
        stations: fc.boolean(),
      }),
      journalItems: fc.constantFrom(5, 20, 1_000),
    }),
  );

test("an interrupted client sees the events of an uninterrupted one, each once, or a snapshot of the same state", async () => {
  await fc.assert(
    fc.asyncProperty(life, async ({ batches, moves, filter, journalItems }) => {
      const view = new LiveView({ journalItems });
      const hub = new EventHub({
        view,
        systems: () => [],
        clock: new TestClock(0),
        logger: SILENT,
        metrics: METRICS,
        epoch: "e",
      });
      hub.goLive();
      const writer = new TotalsWriter();
      const connect = async (sink: TestSink, lastEventId: string): Promise<() => void> => {
        const before = joined;
        const leave = hub.connect({ filter, lastEventId, gzip: false, sink });
        while (joined === before) await new Promise<void>((resolve) => setImmediate(resolve));
        return leave;
      };
      const always = new TestSink();
      await connect(always, "");
      let sink: TestSink | null = null;
      let leave = (): void => {};
      let lastEventId = "";
      const state = new StreamState();
      const ids: string[] = [];
      const read = (): void => {
        for (const event of sink?.changes ?? []) {
          state.apply(event);
          if (event.event === "delta") ids.push(event.lastEventId);
        }
        // As a browser does: an id stays until another comes.
        if (sink !== null && sink.parser.lastEventId !== "") lastEventId = sink.parser.lastEventId;
      };
      for (const [index, batch] of batches.entries()) {
        const records = batch.map((next) => rawRecord(next));
        for (const record of records) view.applyRaw(record);
        for (const record of writer.write(records)) view.applyTotals(record);
        const delta = view.commit();
        if (delta !== null) hub.publish(delta);
        const move = moves[index];
        if (sink !== null && move !== "stay") {
          leave();
          read();
          sink = null;
        }
        if (sink === null && move !== "leave") {
          const next = new TestSink();
          leave = await connect(next, lastEventId);
          sink = next;
        }
      }
      if (sink === null) {
        sink = new TestSink();
        await connect(sink, lastEventId);
      }
      read();
      assert.equal(new Set(ids).size, ids.length, "nothing twice");
      const wanted = new StreamState();
      for (const event of always.changes) wanted.apply(event);
      assert.deepEqual(sorted(state.areas), sorted(wanted.areas));
      assert.deepEqual(sorted(state.stations), sorted(wanted.stations));
      const ofSystem = ({ system_id: id }: { system_id: string }): boolean =>
        filter.systemId === null || filter.systemId === id;
      const areas = filter.areas ? [...view.areas()].map(presentArea).filter(ofSystem) : [];
      const stations = filter.stations ? [...view.stations()].map(presentStation).filter(ofSystem) : [];
      assert.deepEqual(sorted(wanted.areas), sorted(new Map(areas.map((a) => [a.key, a]))));
      assert.deepEqual(sorted(wanted.stations), sorted(new Map(stations.map((s) => [s.key, s]))));
      hub.close();
    }),
    { numRuns: 250 },
  );
});

function sorted<T>(map: ReadonlyMap<string, T>): [string, T][] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1));
}
