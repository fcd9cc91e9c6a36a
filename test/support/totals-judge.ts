/** Judges a totals topic against its raw topic: is every total the recount of a prefix, and the final table right? */
import assert from "node:assert/strict";
import { AreaTotals } from "../../src/domain/area-totals.ts";
import { decodeRawRecord } from "../../src/record/raw-record.ts";
import {
  decodeThrough,
  decodeTotals,
  supersedes,
  type Kept,
  type Totals,
} from "../../src/record/totals-record.ts";
import type { Log, LogRecord, TopicNames } from "../../src/ports.ts";

export async function readAll(log: Log, topic: string): Promise<LogRecord[]> {
  const all: LogRecord[] = [];
  for await (const { records } of log.read({ topics: [topic], from: "earliest", until: "end" }))
    all.push(...records);
  return all;
}

/** What a reader holds at the end: the greatest `through` of each key, tombstones taken away. */
export function finalTable(records: readonly LogRecord[]): Map<string, Totals> {
  const kept = new Map<string, Kept>();
  const table = new Map<string, Totals>();
  for (const { key, value, headers } of records) {
    if (key === null) continue;
    const through = decodeThrough(headers["through"]);
    const totals = value === null ? null : decodeTotals(value.toString());
    if (!supersedes(kept.get(key), through, totals?.asOfMs ?? null)) continue;
    kept.set(key, { through, asOfMs: totals?.asOfMs ?? 0 });
    if (totals === null) table.delete(key);
    else table.set(key, totals);
  }
  return table;
}

/** The reducer's table over the whole raw topic: one reducer a partition, as the aggregate has it. */
export function reducedTable(raw: readonly LogRecord[]): Map<string, Totals> {
  const table = new Map<string, Totals>();
  for (const records of Map.groupBy(raw, ({ partition }) => partition).values()) {
    const totals = new AreaTotals();
    for (const record of records) {
      apply(totals, record);
      totals.drain();
    }
    for (const [key, value] of totals.totals()) table.set(key, value);
  }
  return table;
}

function apply(totals: AreaTotals, record: LogRecord): void {
  if (record.value === null) {
    totals.remove(record.key ?? "", record.timestampMs);
    return;
  }
  const decoded = decodeRawRecord(record.key, record.value.toString(), record.timestampMs, () => null);
  if (decoded.ok) totals.apply(decoded.record);
}

/** @throws AssertionError unless every total put out is the recount of the prefix that its `through` names */
export function assertRecountsOfPrefixes(raw: readonly LogRecord[], emitted: readonly LogRecord[]): void {
  const partitions = Map.groupBy(
    emitted,
    ({ headers }) => decodeThrough(headers["through"])?.partition ?? -1,
  );
  assert.ok(!partitions.has(-1), "every record says what it covers");
  for (const [partition, records] of partitions) {
    const history = raw.filter((record) => record.partition === partition);
    const totals = new AreaTotals();
    let position = 0;
    const ordered = records
      .map((record) => ({ record, offset: decodeThrough(record.headers["through"])?.offset ?? -1 }))
      .sort((a, b) => a.offset - b.offset);
    for (const { record, offset } of ordered) {
      for (; position < history.length && (history[position]?.offset ?? 0) <= offset; position += 1) {
        const next = history[position];
        if (next !== undefined) apply(totals, next);
        // An area that empties begins anew, as it does for whoever puts out each state.
        totals.drain();
      }
      const key = record.key ?? "";
      const expected = new Map(totals.totals()).get(key) ?? null;
      const actual = record.value === null ? null : decodeTotals(record.value.toString());
      assert.deepEqual(actual, expected, `${key} through ${partition}:${offset}`);
    }
  }
}

/** Throws unless Spark's table, as a reader keeps it, is the reducer's. */
export async function assertSameTable(log: Log, topics: TopicNames): Promise<void> {
  const sorted = (table: ReadonlyMap<string, Totals>): unknown =>
    [...table].sort(([a], [b]) => (a < b ? -1 : 1));
  const raw = await readAll(log, topics.raw);
  assert.deepEqual(sorted(finalTable(await readAll(log, topics.totals))), sorted(reducedTable(raw)));
}
