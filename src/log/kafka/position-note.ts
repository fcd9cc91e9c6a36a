/**
 * What is kept beside a committed position, as the group's own metadata: which topic it counts in, and under which
 * circumstances the totals up to it were put out. A topic deleted and made again has the same name, and offsets that
 * mean other records.
 *
 *   position + note ──▶ the same topic? ──yes──▶ go on              its totals still where they were, partitions as many?
 *                            │ no                                          │ no
 *                            ▼                                             ▼
 *                        begin at its start, under another sequence     go on, but put out every area anew
 *                                                                        (without a note, too)
 */

export interface PositionNote {
  /** Kafka's id of the topic; null on brokers that have none (before 2.8). */
  readonly topicId: string | null;
  /** What `through` headers name: the topic's id, or a name made up where the broker has none. */
  readonly sequence: string;
  /** Partitions that the topic had. */
  readonly partitions: number;
  /** Id of the topic that is written to; null where it is not known. */
  readonly outputId: string | null;
  /** The last record before the position: without ids, its time tells one topic from another. */
  readonly last: { readonly offset: number; readonly timeMs: number } | null;
}

export function encodeNote({ topicId, sequence, partitions, outputId, last }: PositionNote): string {
  return JSON.stringify({ v: 1, topicId, sequence, partitions, outputId, last });
}

/** Null for what is not one of ours: an older version's, or another tool's. */
export function decodeNote(text: string | null): PositionNote | null {
  let value: unknown;
  try {
    value = JSON.parse(text ?? "");
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  const { v, topicId, sequence, partitions, outputId, last } = value as Record<string, unknown>;
  if (v !== 1 || typeof sequence !== "string" || typeof partitions !== "number") return null;
  const { offset, timeMs } = (last ?? {}) as Record<string, unknown>;
  return {
    topicId: typeof topicId === "string" ? topicId : null,
    sequence,
    partitions,
    outputId: typeof outputId === "string" ? outputId : null,
    last: typeof offset === "number" && typeof timeMs === "number" ? { offset, timeMs } : null,
  };
}

/** A position of the group, with its note where it has one. */
export interface NotedPosition {
  readonly offset: number;
  readonly note: PositionNote | null;
}

/** The topics as they are. */
export interface TopicsNow {
  readonly topicId: string | null;
  readonly partitions: number;
  readonly outputId: string | null;
  /** Of the partition. */
  readonly start: number;
  readonly end: number;
  /** Time of the record at the note's last position; null when it is not there, or was not asked for. */
  readonly lastTimeMs: number | null;
}

export interface Resumption {
  /** Next offset to consume. */
  readonly position: number;
  /** Why it does not go on from where the group was; null when it does. */
  readonly replaced: string | null;
  /** What was put out before does not follow from the records up to the position. */
  readonly renewed: boolean;
  /** Of what is consumed from here on. */
  readonly note: PositionNote;
}

export function resume(before: NotedPosition | null, now: TopicsNow, nowMs: number): Resumption {
  const { topicId, partitions, outputId, start, end } = now;
  const madeUp = topicId === null ? `n${nowMs}` : topicId;
  const noteOf = (sequence: string, last: PositionNote["last"]): PositionNote => {
    return { topicId, sequence, partitions, outputId, last };
  };
  // Kafka forgets positions in a topic that is deleted: what is in the totals may be of one that went before.
  if (before === null) return { position: start, replaced: null, renewed: true, note: noteOf(madeUp, null) };
  const { offset, note } = before;
  const replaced = replacement(before, now);
  if (replaced !== null) {
    // The same topic that lost its newest records counts offsets a second time.
    const again = topicId !== null && topicId === note?.topicId ? `${topicId}.${nowMs}` : madeUp;
    return { position: start, replaced, renewed: true, note: noteOf(again, null) };
  }
  // Without a note it is an older version's, whose totals follow other rules: a record from the future froze its station.
  const moved = note === null || note.partitions !== partitions || differs(note.outputId, outputId);
  return {
    position: Math.min(Math.max(offset, start), Math.max(end, start)),
    replaced: null,
    renewed: moved,
    note: noteOf(note?.sequence ?? madeUp, note?.last ?? null),
  };
}

/** Why the position is none in the topic as it is; null when it is one. */
function replacement({ offset, note }: NotedPosition, now: TopicsNow): string | null {
  if (note !== null && differs(note.topicId, now.topicId)) return "it has another id";
  if (offset > now.end) return "it ends before the group's position";
  const { lastTimeMs } = now;
  const known = now.topicId !== null && note?.topicId === now.topicId;
  if (!known && note !== null && note.last !== null && lastTimeMs !== null && lastTimeMs !== note.last.timeMs)
    return "another record stands at the group's position";
  return null;
}

/** Two ids of one topic's name; where one is not known they are taken for the same. */
export function differs(one: string | null | undefined, other: string | null | undefined): boolean {
  return typeof one === "string" && typeof other === "string" && one !== other;
}
