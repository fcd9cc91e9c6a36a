/**
 * Who wrote a raw record: the header `writer` (docs/contracts.md), so that collectors of one topic know each other's
 * records, and leave each other's stations alone.
 *
 *   paris-1/4711/mgx3k2a1 5f3a9c1d 16107,32017
 *   └ collector ────────┘ └ feed ┘ └ stations ┘
 */

/** Name of the header. */
export const WRITER_HEADER = "writer";

/** A collector that wrote nothing for this long is taken for gone: a live one writes every five minutes (heartbeat.ts). */
export const OTHER_SILENT_MS = 15 * 60_000;
/** Codes of a selection that are named; the rest is a number. */
const CODES_NAMED = 10;

export interface Writer {
  /** Host, process and start, so that one that was started again is another. */
  readonly collector: string;
  /** A digest of where its feed is; `-` where that says nothing (a recording). */
  readonly feed: string;
  /** `all`, or the codes of `--stations`. */
  readonly stations: string;
}

/** Another collector as it is seen at work. */
export interface OtherWriter extends Writer {
  /** The header as written; empty for one that does not say who it is. */
  readonly header: string;
  /** When it wrote last, epoch ms by the clock of whoever watches. */
  seenAtMs: number;
}

/** @param startedMs when the collector's process started, epoch ms */
export function collectorId(host: string, pid: number, startedMs: number): string {
  return `${host.replace(/[^\w.-]/g, "_") || "host"}/${pid}/${startedMs.toString(36)}`;
}

/** When the collector started, epoch ms; -Infinity when its name does not say. */
export function startedMsOf(collector: string): number {
  const startedMs = parseInt(collector.slice(collector.lastIndexOf("/") + 1), 36);
  return collector.includes("/") && Number.isSafeInteger(startedMs) ? startedMs : -Infinity;
}

/** What `--stations` chose, in a few words. */
export function stationsText(selection: ReadonlySet<string> | null): string {
  if (selection === null) return "all";
  const codes = [...selection].toSorted();
  const named = codes.slice(0, CODES_NAMED).join(",");
  return codes.length > CODES_NAMED ? `${named},… (${codes.length})` : named;
}

export function encodeWriter({ collector, feed, stations }: Writer): string {
  return `${collector} ${feed} ${stations}`;
}

/** A header that is missing or not ours is a writer without a name. */
export function decodeWriter(header: string | undefined): Writer {
  const [, collector, feed, stations] = /^(\S+) (\S+) (.+)$/s.exec(header ?? "") ?? [];
  if (collector === undefined || feed === undefined || stations === undefined) return UNNAMED;
  return { collector, feed, stations };
}

const UNNAMED: Writer = { collector: "", feed: "-", stations: "" };
