/** Archives in folders of their own, written and read as tests need them; totals as an aggregate on the log makes them. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { AreaTotals } from "../../src/domain/area-totals.ts";
import type { Observation } from "../../src/record/raw-record.ts";
import { encodeThrough, encodeTotals } from "../../src/record/totals-record.ts";
import type { ArchiveWriterOptions } from "../../src/history/write/archive-writer-options.ts";
import { ArchiveWriter } from "../../src/history/write/archive-writer.ts";
import { FileMaker } from "../../src/history/write/file-maker.ts";
import type { Clock, LogRecord } from "../../src/ports.ts";
import { countingMetrics, silentLogger } from "./silent.ts";
import { stationKey } from "../../src/record/keys.ts";

/** A folder that goes with the test. */
export async function temporaryFolder(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "velostream-history-"));
  context.after(async () => rm(folder, { recursive: true, force: true }));
  return folder;
}

export async function openWriter(
  folder: string,
  clock: Clock,
  options: Partial<ArchiveWriterOptions> = {},
): Promise<ArchiveWriter> {
  return ArchiveWriter.open({
    folder,
    kind: "kafka",
    topics: { raw: "raw", totals: "totals" },
    readReference: () => null,
    retainMs: null,
    clock,
    logger: silentLogger,
    metrics: countingMetrics(),
    // In this process: a test opens dozens. What is different in a process of its own has its own tests.
    openParquet: (path) => new FileMaker(path),
    ...options,
  });
}

/** One log: numbers the raw records of each partition, and aggregates them. */
export class ScriptedLog {
  readonly #totals = new Map<number, AreaTotals>();
  readonly #offsets = new Map<string, number>();

  /** One batch of one partition: its raw records, then the totals that changed. */
  batch(
    steps: readonly (Partial<Observation> | { readonly tombstone: string; readonly atMs: number })[],
    partition = 0,
  ): LogRecord[] {
    const totals = this.#totals.get(partition) ?? new AreaTotals();
    this.#totals.set(partition, totals);
    const raw = steps.map((step): LogRecord => {
      if ("tombstone" in step) {
        totals.remove(step.tombstone, step.atMs);
        return this.#record("raw", partition, step.tombstone, null, step.atMs, {});
      }
      const one: Observation = { ...DEFAULTS, ...step };
      totals.apply(one);
      const value = {
        system_id: one.systemId,
        station_id: one.stationId,
        stationCode: `c${one.stationId}`,
        postcode: one.area,
        nbr_total: one.total,
        nbr_elec: one.electric,
        nbr_meca: one.mechanical,
        nbr_docks: one.docks,
        observed_at: one.observedAtMs,
        name: `Station ${one.stationId}`,
        is_renting: 1,
        ...(one.retired ? { retired: true } : {}),
        ...(one.simulated ? { simulated: true } : {}),
      };
      const key = stationKey(one.systemId, one.stationId);
      return this.#record("raw", partition, key, JSON.stringify(value), one.observedAtMs, {});
    });
    const last = raw.at(-1);
    const headers = { through: encodeThrough({ partition, offset: last?.offset ?? -1 }) };
    const changes = totals
      .drain()
      .map(({ key, totals: changed }) =>
        this.#record(
          "totals",
          partition,
          key,
          changed === null ? null : encodeTotals(changed),
          changed?.asOfMs ?? last?.timestampMs ?? 0,
          headers,
        ),
      );
    return [...raw, ...changes];
  }

  #record(
    topic: string,
    partition: number,
    key: string,
    value: string | null,
    timestampMs: number,
    headers: Readonly<Record<string, string>>,
  ): LogRecord {
    const at = `${topic}:${partition}`;
    const offset = this.#offsets.get(at) ?? 0;
    this.#offsets.set(at, offset + 1);
    return {
      topic,
      partition,
      offset,
      key,
      value: value === null ? null : Buffer.from(value),
      headers,
      timestampMs,
    };
  }
}

const DEFAULTS: Observation = {
  systemId: "velib",
  stationId: "1",
  area: "75016",
  total: 0,
  electric: null,
  mechanical: null,
  docks: null,
  observedAtMs: 0,
  retired: false,
  simulated: false,
};
