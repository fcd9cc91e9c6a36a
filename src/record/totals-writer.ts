/**
 * Who writes the totals: header `writer` of a totals record, `<engine>:<group>:<since>` (docs/contracts.md). Two writers
 * of one topic would each be right and together send totals backwards, so the one with the later claim is the writer.
 *
 *   nobody, or ourselves ──▶ ours           somebody else ──▶ refused ──--take-over──▶ ours, with a later claim
 */

export interface TotalsWriter {
  readonly engine: string;
  readonly group: string;
  /** When it took the topic over, epoch ms: the later claim counts. */
  readonly sinceMs: number;
}

export function encodeWriter({ engine, group, sinceMs }: TotalsWriter): string {
  return `${engine}:${group}:${sinceMs}`;
}

/** Reads a `writer` header; null when absent or malformed: a record of an older version, or a stranger's. */
export function decodeWriter(header: string | undefined): TotalsWriter | null {
  const match = /^([a-z]{1,20}):(.*):(\d{1,15})$/s.exec(header ?? "");
  const [, engine, group, since] = match ?? [];
  if (engine === undefined || group === undefined) return null;
  return { engine, group, sinceMs: Number(since) };
}

/** The one whose claim is the latest; null among none. */
export function newestWriter(writers: Iterable<TotalsWriter | null>): TotalsWriter | null {
  let newest: TotalsWriter | null = null;
  for (const writer of writers)
    if (writer !== null && (newest === null || writer.sinceMs > newest.sinceMs)) newest = writer;
  return newest;
}

export function isSameWriter(one: Pick<TotalsWriter, "engine" | "group">, other: typeof one): boolean {
  return one.engine === other.engine && one.group === other.group;
}

/** For messages: `Spark (group velostream-aggregate)`. */
export function nameOfWriter({ engine, group }: Pick<TotalsWriter, "engine" | "group">): string {
  const names: Readonly<Record<string, string>> = { node: "Node workers", spark: "Spark" };
  return `${names[engine] ?? engine} (group ${group})`;
}

/** What a start finds: the claim to write under, or whose totals they are. */
export type Claim =
  | { readonly ok: true; readonly writer: TotalsWriter; readonly from: TotalsWriter | null }
  | { readonly ok: false; readonly holder: TotalsWriter };

/**
 * Decides whether `self` may write.
 * @param newest of the records in the topic
 * @returns `from`: whose totals are there, when they are taken over
 */
export function claimOf(
  self: Pick<TotalsWriter, "engine" | "group">,
  newest: TotalsWriter | null,
  takeOver: boolean,
  nowMs: number,
): Claim {
  const { engine, group } = self;
  if (newest === null) return { ok: true, writer: { engine, group, sinceMs: nowMs }, from: null };
  if (isSameWriter(self, newest)) return { ok: true, writer: newest, from: null };
  if (!takeOver) return { ok: false, holder: newest };
  return {
    ok: true,
    writer: { engine, group, sinceMs: Math.max(nowMs, newest.sinceMs + 1) },
    from: newest,
  };
}
