/** Reads the captures of recorded files one at a time, plain or gzip; what cannot be read is a value, not an exception. */
import { createReadStream } from "node:fs";
import { pipeline, type Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { asObject, asTimeMs } from "../record/feed-values.ts";
import { openDataCapture } from "./open-data-csv.ts";
import type { RecordedFile } from "./recording-files.ts";

/** A capture larger than this is no poll: 100,000 stations are 35 MB. */
const GREATEST_CAPTURE_BYTES = 256 * 1024 * 1024;

/** One capture as found. */
export type Capture =
  | {
      readonly kind: "read";
      /** File, and line where it has many. */
      readonly origin: string;
      readonly body: unknown;
      /** A station_information that came with it. */
      readonly information?: unknown;
      readonly text: string;
      /** When it was fetched, epoch ms. */
      readonly timeMs: number;
    }
  | {
      readonly kind: "unreadable";
      readonly origin: string;
      /** Stable word for metrics. */
      readonly outcome: "not_json" | "too_large" | "unreadable_file" | "no_time" | "wrong_time";
      /** Completes "capture …". */
      readonly problem: string;
    };

/** Every capture of one file, in the file's own order. Never throws. */
export async function* readCaptures(
  file: RecordedFile,
  greatestBytes = GREATEST_CAPTURE_BYTES,
  content: () => Readable = () => contentOf(file),
): AsyncGenerator<Capture> {
  let number = 0;
  const origin = (): string => (file.format !== "ndjson" ? file.name : `${file.name}, line ${number}`);
  try {
    for await (const text of texts(file, greatestBytes, content())) {
      number += 1;
      if (text === null) {
        const problem = `is larger than ${greatestBytes} bytes`;
        yield { kind: "unreadable", origin: origin(), outcome: "too_large", problem };
      } else if (file.format !== "ndjson" || text.trim() !== "") yield parse(file, text, origin());
    }
  } catch (error) {
    number += 1;
    const problem = `cannot be read to its end (${(error as NodeJS.ErrnoException).code ?? String(error)})`;
    yield { kind: "unreadable", origin: origin(), outcome: "unreadable_file", problem };
  }
}

/** Captures as they come in a stream of NDJSON: it can be read once. */
export function readCaptureStream(stream: Readable): AsyncGenerator<Capture> {
  return readCaptures(STREAM, GREATEST_CAPTURE_BYTES, () => stream);
}

const STREAM: RecordedFile = {
  path: "-",
  name: "stdin",
  format: "ndjson",
  gzip: false,
  nameTimeMs: null,
  modifiedAtMs: NaN,
};

/** The first JSON value of a small file beside the captures; undefined when there is none. */
export async function readWhole(file: RecordedFile): Promise<unknown> {
  for await (const capture of readCaptures(file)) if (capture.kind === "read") return capture.body;
  return undefined;
}

function parse(file: RecordedFile, text: string, origin: string): Capture {
  if (file.format === "csv") return parseTable(file, text, origin);
  try {
    // Some editors and recorders put a byte order mark in front.
    const body: unknown = JSON.parse(text.startsWith("\uFEFF") ? text.slice(1) : text);
    const timeMs = eventTime(body, file);
    if (Number.isNaN(timeMs)) {
      const problem = 'tells no time (wrap it: {"fetched_at": …, "station_status": …})';
      return { kind: "unreadable", origin, outcome: "no_time", problem };
    }
    return { kind: "read", origin, body: unwrapped(body), text, timeMs };
  } catch {
    return { kind: "unreadable", origin, outcome: "not_json", problem: "is not JSON" };
  }
}

function parseTable(file: RecordedFile, text: string, origin: string): Capture {
  const table = openDataCapture(text);
  if (table === null) {
    const problem =
      "is not a table of Paris' open data (it names no column stationcode or numbikesavailable)";
    return { kind: "unreadable", origin, outcome: "not_json", problem };
  }
  const { status: body, information } = table;
  return { kind: "read", origin, body, information, text, timeMs: eventTime(body, file) };
}

/** A recorder may wrap what it fetched: `{"fetched_at": …, "station_status": {…}}`. */
function unwrapped(body: unknown): unknown {
  return asObject(asObject(body)?.["station_status"]) ?? body;
}

/**
 * When a capture was fetched; the first that is there:
 * the recorder's `fetched_at`, the feed's own header, the time in the file's name, the file's date
 * (docs/decisions/0061-event-time-of-recordings.md).
 */
function eventTime(body: unknown, file: RecordedFile): number {
  const wrapper = asObject(body);
  const inner = asObject(unwrapped(body));
  return (
    fetchedAt(wrapper?.["fetched_at"]) ??
    asTimeMs(inner?.["last_updated"] ?? inner?.["lastUpdatedOther"]) ??
    file.nameTimeMs ??
    file.modifiedAtMs
  );
}

/** Epoch ms, epoch seconds or RFC 3339. */
function fetchedAt(value: unknown): number | null {
  return typeof value === "number" && value >= 1e11 && Number.isFinite(value) ? value : asTimeMs(value);
}

/** The texts of a file: its lines, or all of it; null stands for one that is too large. */
async function* texts(
  file: RecordedFile,
  greatestBytes: number,
  content: Readable,
): AsyncGenerator<string | null> {
  let parts: Buffer[] = [];
  let bytes = 0;
  const take = (): string | null => {
    const text = bytes > greatestBytes ? null : Buffer.concat(parts).toString("utf8");
    parts = [];
    bytes = 0;
    return text;
  };
  const keep = (part: Buffer): void => {
    bytes += part.length;
    if (bytes > greatestBytes) parts = [];
    else parts.push(part);
  };
  for await (const chunk of content as AsyncIterable<Buffer>) {
    let from = 0;
    for (;;) {
      const end = file.format === "ndjson" ? chunk.indexOf(0x0a, from) : -1;
      if (end === -1) break;
      keep(chunk.subarray(from, end));
      yield take();
      from = end + 1;
    }
    keep(chunk.subarray(from));
    // Nothing more of this capture is wanted, and it may be endless (a gzip bomb).
    if (file.format !== "ndjson" && bytes > greatestBytes) break;
  }
  if (file.format !== "ndjson" || bytes > 0) yield take();
}

function contentOf(file: RecordedFile): Readable {
  const raw = createReadStream(file.path, { highWaterMark: 256 * 1024 });
  if (!file.gzip) return raw;
  // The callback is the pipeline's own; the error reaches whoever reads the result.
  return pipeline(raw, createGunzip({ chunkSize: 256 * 1024 }), () => {});
}
