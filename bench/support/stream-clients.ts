/**
 * A process of event-stream clients for stream-latency.ts: opens COUNT connections to URL's stream with gzip, notes
 * when each event's last byte arrives, and on stdin's end prints what it saw as one line of JSON.
 *
 * Clients do not unpack: that is a browser's own work, on its own processor. Events are HTTP chunks, told apart by
 * their length; the first client of the process unpacks too, and so knows which length is which event.
 */
import { connect, type Socket } from "node:net";
import { createGunzip } from "node:zlib";

const url = new URL(process.argv[2] ?? "");
const count = Number(process.argv[3]);

/** Lengths and arrival times (epoch ms) of the chunks of each client, in order. */
const arrivals: { lengths: number[]; atMs: number[] }[] = [];
/** The events as the first client unpacked them: which length, which event, which observation. */
const events: { length: number; event: string; observedAtMs: number }[] = [];

interface Delta {
  readonly areas: readonly { readonly as_of: number }[];
  readonly stations: readonly { readonly observed_at: number }[];
}

function open(index: number): Promise<Socket> {
  const seen = { lengths: [] as number[], atMs: [] as number[] };
  arrivals.push(seen);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(url.port), url.hostname, () => {
      socket.write(
        `GET /api/v1/events HTTP/1.1\r\nHost: ${url.host}\r\nAccept-Encoding: gzip\r\nAccept: text/event-stream\r\n\r\n`,
      );
    });
    socket.setNoDelay(true);
    const read = chunkReader((chunk) => {
      seen.lengths.push(chunk.length);
      seen.atMs.push(Date.now());
    });
    const unpack = index === 0 ? eventReader() : null;
    let head: Buffer | null = Buffer.alloc(0);
    socket.on("data", (bytes: Buffer) => {
      if (head === null) {
        read(bytes, unpack);
        return;
      }
      head = Buffer.concat([head, bytes]);
      const end = head.indexOf("\r\n\r\n");
      if (end < 0) return;
      if (!head.toString("latin1").startsWith("HTTP/1.1 200"))
        return reject(new Error(head.toString("latin1")));
      const rest = head.subarray(end + 4);
      head = null;
      read(rest, unpack);
      resolve(socket);
    });
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("the server closed a stream")));
  });
}

/** Reads HTTP chunks; keeps no copy of their bytes but for the client that unpacks. */
function chunkReader(
  onChunk: (chunk: { readonly length: number }) => void,
): (bytes: Buffer, unpack: ((bytes: Buffer, whole: number | null) => void) | null) => void {
  let header = "";
  let left = -1;
  let length = 0;
  let skip = 0;
  return (bytes, unpack) => {
    let at = 0;
    while (at < bytes.length) {
      if (skip > 0) {
        const step = Math.min(skip, bytes.length - at);
        skip -= step;
        at += step;
      } else if (left < 0) {
        const newline = bytes.indexOf(10, at);
        const end = newline < 0 ? bytes.length : newline + 1;
        header += bytes.toString("latin1", at, end);
        at = end;
        if (newline < 0) return;
        left = length = Number.parseInt(header, 16);
        header = "";
      } else {
        const step = Math.min(left, bytes.length - at);
        const done = step === left;
        unpack?.(bytes.subarray(at, at + step), done ? length : null);
        at += step;
        left -= step;
        if (!done) continue;
        onChunk({ length });
        left = -1;
        skip = 2;
      }
    }
  };
}

/** Unpacks, and notes the event that ends each chunk. */
function eventReader(): (bytes: Buffer, whole: number | null) => void {
  const gunzip = createGunzip();
  const ends: { length: number; packed: number }[] = [];
  let packed = 0;
  let text = "";
  gunzip.on("data", (chunk: Buffer) => {
    text += chunk.toString("utf8");
    for (;;) {
      const end = text.indexOf("\n\n");
      if (end < 0) return;
      const block = text.slice(0, end);
      text = text.slice(end + 2);
      const event = /^event: (.*)$/m.exec(block)?.[1] ?? "";
      // The header of the gzip stream is a chunk without an event.
      const { length } = ends.shift() ?? { length: 0 };
      events.push({ length, event, observedAtMs: event === "delta" ? observation(block) : 0 });
    }
  });
  return (bytes, whole) => {
    packed += bytes.length;
    if (whole !== null && whole !== 10) ends.push({ length: whole, packed });
    gunzip.write(bytes);
  };
}

function observation(block: string): number {
  const delta = JSON.parse(block.slice(block.indexOf("data: ") + 6)) as Delta;
  return Math.max(...delta.areas.map((a) => a.as_of), ...delta.stations.map((s) => s.observed_at));
}

for (let opened = 0; opened < count; opened += 50) {
  await Promise.all(Array.from({ length: Math.min(50, count - opened) }, (_, i) => open(opened + i)));
}
console.log("open");
process.stdin.resume();
process.stdin.on("end", () => {
  // Per poll: when the last of its deltas had arrived, at each client.
  const byObservation = new Map<number, Set<number>>();
  for (const { event, observedAtMs, length } of events) {
    if (event !== "delta") continue;
    byObservation.set(observedAtMs, (byObservation.get(observedAtMs) ?? new Set()).add(length));
  }
  const polls = [...byObservation].map(([observedAtMs, lengths]) => ({
    observedAtMs,
    bytes: [...lengths].reduce((a, b) => a + b, 0),
    latenciesMs: arrivals.map(({ lengths: seen, atMs }) => {
      let last = -1;
      seen.forEach((length, i) => {
        const at = atMs[i] ?? 0;
        if (lengths.has(length) && at >= observedAtMs && at < observedAtMs + 1_900) last = at;
      });
      return last < 0 ? null : last - observedAtMs;
    }),
  }));
  console.log(JSON.stringify(polls));
  process.exit(0);
});
