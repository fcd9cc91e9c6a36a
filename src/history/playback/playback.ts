/**
 * Plays a range of the archive back as the raw records that it was made of. Where the archive holds the totals that were
 * published of them, each record says which of these follow it (record/publication.ts), so that the aggregate behind any
 * log publishes the same ones again.
 *
 *   state at `from` ─▶ rows of the epoch that tells, poll by poll ─▶ … another epoch: the stations go, its state ─▶ … `to`
 */
import { areaPartitionKey } from "../../record/partitioning.ts";
import { encodePublication, PUBLICATION_HEADER } from "../../record/publication.ts";
import { RAW_SCHEMA } from "../../record/raw-record.ts";
import type { Clock, ProduceRecord } from "../../ports.ts";
import { watched, type ArchiveReader } from "../read/archive-reader.ts";
import { totalsRows } from "../read/archive-rows.ts";
import { PlaybackState } from "./state.ts";
import { inOneSequence, type PlayedRow } from "./order.ts";
import { readStretch } from "./windows-read.ts";
import { rawValue } from "./raw-value.ts";
import { areaKey, stationKey, SYSTEM_HEADER } from "../../record/keys.ts";

export interface PlaybackOptions {
  readonly reader: ArchiveReader;
  readonly system: string;
  /** The first instant played. */
  readonly fromMs: number;
  /** The first instant that is not. */
  readonly toMs: number;
  readonly rawTopic: string;
  readonly clock: Pick<Clock, "now">;
}

/** One batch: to be published at once, when it is due. */
export interface PlayedBatch {
  /** Event time, epoch ms. */
  readonly atMs: number;
  readonly records: readonly ProduceRecord[];
}

/** A stretch that one epoch tells of, gaps and all. */
interface Stretch {
  readonly epoch: number;
  readonly fromMs: number;
  readonly toMs: number;
}

export async function* playBack(options: PlaybackOptions): AsyncGenerator<PlayedBatch> {
  const { reader, system, rawTopic } = options;
  let before: PlaybackState | null = null;
  for (const stretch of await stretchesOf(options)) {
    const query = { system, ...stretch };
    const published = await reader.query(
      async (snapshot, connection) =>
        (await totalsRows(reader.folder, snapshot, connection, query, 1)).length > 0,
    );
    const { state, windows } = await readStretch(reader, query);
    const playing = new PlaybackState(published);
    const begins = playing.begin(state);
    let first = true;
    for await (const window of windows) {
      const rows = playing.play(window);
      if (first) {
        const areas = new Set([...begins, ...[...rows.values()].flat()].map(({ row }) => row.area));
        const ends = before?.end(stretch.fromMs, areas) ?? [];
        const rowsBefore = [...ends, ...begins];
        if (rowsBefore.length > 0) yield batchOf(rowsBefore, stretch.fromMs, rawTopic);
        first = false;
      }
      yield* polls(rows, rawTopic);
    }
    before = playing;
  }
}

async function stretchesOf({
  reader,
  system,
  fromMs,
  toMs,
  clock,
}: PlaybackOptions): Promise<readonly Stretch[]> {
  return reader.query((snapshot) => {
    const { segments } = watched(snapshot, system, { fromMs, toMs }, clock.now());
    const stretches: { epoch: number; fromMs: number; toMs: number }[] = [];
    for (const { epoch, fromMs: beginMs } of segments) {
      const held = stretches.at(-1);
      if (epoch === null || held?.epoch === epoch) continue;
      if (held !== undefined) held.toMs = beginMs;
      stretches.push({ epoch, fromMs: beginMs, toMs });
    }
    return Promise.resolve(stretches);
  });
}

/** The rows of a window, a batch each time. */
function* polls(
  partitions: ReadonlyMap<number, readonly PlayedRow[]>,
  rawTopic: string,
): Generator<PlayedBatch> {
  let atMs = -Infinity;
  let rows: PlayedRow[] = [];
  for (const played of inOneSequence(partitions.values())) {
    if (played.atMs !== atMs && rows.length > 0) yield batchOf(rows.splice(0), atMs, rawTopic);
    atMs = played.atMs;
    rows.push(played);
  }
  if (rows.length > 0) yield batchOf(rows, atMs, rawTopic);
}

function batchOf(rows: readonly PlayedRow[], atMs: number, rawTopic: string): PlayedBatch {
  const records = rows.map(({ row, publish }): ProduceRecord => {
    const { system, area } = row;
    const keys = publish?.map((each) => areaKey(system, each));
    return {
      topic: rawTopic,
      key: stationKey(system, row.stationId),
      value: row.event === "removed" ? null : rawValue(row),
      partitionKey: areaPartitionKey(system, area ?? ""),
      headers: {
        schema: RAW_SCHEMA,
        ...(row.event === "removed" ? { [SYSTEM_HEADER]: system } : {}),
        ...(keys === undefined ? {} : { [PUBLICATION_HEADER]: encodePublication(keys) }),
      },
      timestampMs: row.observedAtMs,
    };
  });
  return { atMs, records };
}
