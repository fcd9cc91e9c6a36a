/**
 * What Kafka benches feed: files of raw records, written to a topic in one transaction, so that a worker which is up
 * and idle sees all of them at the same instant; and the totals that must come out of them.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { decodeRawRecord } from "../../src/record/raw-record.ts";
import { rawRecords } from "./raw-records.ts";

/** The fields that every engine must agree on, as JSON. */
export type Table = Map<string, string>;

export interface Load {
  readonly file: string;
  readonly records: number;
  readonly bytes: number;
  /** The final totals once this load, and those before it, are aggregated. */
  readonly expected: Table;
}

/** Writes one file per share of the polls; totals are recounted from scratch, by no code of the aggregate's. */
export function writeLoads(
  folder: string,
  stations: number,
  polls: readonly number[],
  partitions: number,
  name = "load",
): Load[] {
  const latest = new Map<
    string,
    { area: string; total: number; electric: number; mechanical: number; docks: number }
  >();
  const source = rawRecords(
    stations,
    polls.reduce((sum, count) => sum + count, 0),
    partitions,
  );
  return polls.map((count, index) => {
    const file = `${folder}/${name}-${index}`;
    const out = openSync(file, "w");
    let records = 0;
    let bytes = 0;
    let asOfMs = 0;
    for (let poll = 0; poll < count; poll += 1) {
      const next = source.next().value;
      if (next === undefined) throw new Error("the source ended early");
      asOfMs = next.observedAtMs;
      const frames: Buffer[] = [];
      for (const { key, value, partition } of next.records) {
        const frame = Buffer.alloc(20);
        const body = Buffer.from(value ?? "");
        frame.writeInt32BE(partition, 0);
        frame.writeBigInt64BE(BigInt(next.observedAtMs), 4);
        frame.writeInt32BE(key.length, 12);
        const length = Buffer.alloc(4);
        length.writeInt32BE(body.length);
        frames.push(frame.subarray(0, 16), Buffer.from(key), length, body);
        records += 1;
        bytes += body.length;
        const decoding = decodeRawRecord(key, value ?? "", Infinity, () => null);
        if (!decoding.ok) throw new Error("a raw record cannot be read");
        const { area, total, electric, mechanical, docks } = decoding.record;
        latest.set(key, {
          area,
          total,
          electric: electric ?? NaN,
          mechanical: mechanical ?? NaN,
          docks: docks ?? NaN,
        });
      }
      writeSync(out, Buffer.concat(frames));
    }
    closeSync(out);
    return { file, records, bytes, expected: recount([...latest.values()], asOfMs) };
  });
}

function recount(
  stations: readonly { area: string; total: number; electric: number; mechanical: number; docks: number }[],
  asOfMs: number,
): Table {
  const table: Table = new Map();
  for (const [area, list] of Map.groupBy(stations, (station) => station.area)) {
    const sum = (field: "total" | "electric" | "mechanical" | "docks"): number =>
      list.reduce((total, station) => total + station[field], 0);
    table.set(
      area,
      comparable({
        nbr_total: sum("total"),
        nbr_elec: sum("electric"),
        nbr_meca: sum("mechanical"),
        stations: list.length,
        docks: sum("docks"),
        as_of: asOfMs,
      }),
    );
  }
  return table;
}

/** Of a totals value, what every engine must agree on. */
export function comparable(totals: Readonly<Record<string, unknown>>): string {
  return ["nbr_total", "nbr_elec", "nbr_meca", "stations", "docks", "as_of"]
    .map((field) => `${field} ${String(totals[field])}`)
    .join(", ");
}

/** A load that is written but not committed. */
export interface Written {
  /** Makes the records visible; resolves when they are, with the epoch ms at which the commit was sent. */
  commit(): Promise<number>;
}

export async function write(
  classPath: string,
  broker: string,
  topic: string,
  load: Load,
  compression: string,
): Promise<Written> {
  const child: ChildProcess = spawn(
    "taskset",
    [
      "-c",
      "0",
      "java",
      "-Xmx512m",
      "-cp",
      classPath,
      "velostream.bench.Loader",
      broker,
      topic,
      load.file,
      compression,
    ],
    { stdio: ["pipe", "pipe", "inherit"] },
  );
  const exited = once(child, "exit") as Promise<[number | null]>;
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => {
    const line = await lines.next();
    if (line.done === true) throw new Error(`the loader ended early (exit ${(await exited)[0]})`);
    return line.value;
  };
  if ((await next()) !== "written") throw new Error("the loader said something else");
  return {
    async commit() {
      child.stdin?.end("commit\n");
      const sentAtMs = Number(await next());
      await exited;
      return sentAtMs;
    },
  };
}
