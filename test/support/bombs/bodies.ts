/** Answers made to exhaust whoever reads them: each as the file it stands for, and what its bytes are. */
import { brotliCompressSync, constants, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";

const MIB = 1024 * 1024;

export interface Bomb {
  /** The GBFS file that it is served as. */
  readonly file: "gbfs" | "station_status" | "station_information" | "vehicle_status" | "system_alerts";
  /** `Content-Encoding`; null for none. */
  readonly encoding: string | null;
  /** The pieces, written as they are asked for. */
  readonly pieces: () => Iterable<Buffer>;
}

/** Some `mib` of a text over and over. */
function* over(start: string, text: string, mib: number): Generator<Buffer> {
  yield Buffer.from(start);
  const block = Buffer.from(text.repeat(Math.ceil(MIB / 4 / text.length)));
  for (let written = 0; written < mib * MIB; written += block.length) yield block;
}

/** `count` elements of a list, each made from its number, some thousand at a time. */
function* listed(
  start: string,
  count: number,
  element: (n: number) => string,
  end = "]}}",
): Generator<Buffer> {
  yield Buffer.from(start);
  for (let n = 0; n < count;) {
    let block = "";
    for (const last = Math.min(count, n + 2_000); n < last; n += 1)
      block += (n === 0 ? "" : ",") + element(n);
    yield Buffer.from(block);
  }
  yield Buffer.from(end);
}

const FOLD = {
  gzip: (bytes: Buffer) => gzipSync(bytes, { level: 1 }),
  br: (bytes: Buffer) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 3 } }),
  zstd: (bytes: Buffer) => zstdCompressSync(bytes),
  deflate: (bytes: Buffer) => deflateSync(bytes, { level: 1 }),
} as const;

/** Folded once, when it is first asked for. */
function folded(codings: readonly (keyof typeof FOLD)[], pieces: () => Iterable<Buffer>): Bomb["pieces"] {
  let bytes: Buffer | null = null;
  return () => {
    bytes ??= codings.reduce((all, coding) => FOLD[coding](all), Buffer.concat([...pieces()]));
    return [bytes];
  };
}

function plain(pieces: () => Iterable<Buffer>, file: Bomb["file"] = "station_status"): Bomb {
  return { file, encoding: null, pieces };
}

function packed(
  codings: readonly (keyof typeof FOLD)[],
  pieces: () => Iterable<Buffer>,
  file: Bomb["file"] = "station_status",
): Bomb {
  return { file, encoding: codings.join(", "), pieces: folded(codings, pieces) };
}

const STATIONS = '{"last_updated":1764547200,"ttl":10,"version":"2.3","data":{"stations":[';
const NAMES = '{"last_updated":1764547200,"ttl":10,"version":"2.3","data":{"stations":[';

/** Digits that do not compress to nothing: mulberry's step, as a number below a million. */
function digits(n: number): number {
  const t = Math.imul(n ^ (n >>> 15), 0x2c1b3c6d);
  return ((t ^ (t >>> 12)) >>> 0) % 1_000_000;
}

function station(n: number, id: string): string {
  return (
    `{"station_id":"${id}","num_bikes_available":${digits(n) % 40},"num_docks_available":${digits(n + 7) % 40},` +
    `"is_installed":1,"is_renting":1,"is_returning":1,"last_reported":${1_764_547_200 - (digits(n) % 900)},` +
    `"num_bikes_disabled":${digits(n + 3) % 9},"num_docks_disabled":0,"vehicle_types_available":[]}`
  );
}

/** By name; a new kind of bomb is one more row. */
export const BOMBS: Readonly<Record<string, Bomb>> = {
  "empty objects": plain(() => over(STATIONS, "{},", 90)),
  "empty objects, gzip": packed(["gzip"], () => over(STATIONS, "{},", 30)),
  brackets: plain(() => over("", "[", 90)),
  "brackets, br": packed(["br"], () => over("", "[", 90)),
  numbers: plain(() => over('{"data":{"x":[', "1,", 90)),
  blanks: plain(() => over("", " ", 90)),
  "blanks, gzip in gzip": packed(["gzip", "gzip"], () => over("", " ", 90)),
  "blanks, three times": packed(["gzip", "br", "zstd"], () => over("", " ", 90)),
  "one long record": plain(() => over('{"data":{"stations":[{"a":[', `"${"x".repeat(500)}",`, 90)),
  "long texts": plain(() =>
    listed(STATIONS, 95, (n) => `{"station_id":"${n}","a":"${"y".repeat(900_000)}"}`),
  ),
  "wide texts": plain(() =>
    listed(STATIONS, 90, (n) => `{"station_id":"${n}","a":"${"Ā".repeat(250_000)}"}`),
  ),
  "a million names in one object": plain(() =>
    listed('{"data":{"stations":[{', 1_000_000, (n) => `"key${n}":${n}`, "}]}}"),
  ),
  "a new name in each object": plain(() =>
    listed(STATIONS, 190_000, (n) => `{"station_id":"${n}","k${n}":1}`),
  ),
  "one station repeated": plain(() => listed(STATIONS, 190_000, (n) => station(n, "1"))),
  "one station repeated, gzip": packed(["gzip"], () => listed(STATIONS, 190_000, (n) => station(n, "1"))),
  "one station repeated, br": packed(["br"], () => listed(STATIONS, 190_000, (n) => station(n, "1"))),
  "ten stations repeated, zstd": packed(["zstd"], () =>
    listed(STATIONS, 190_000, (n) => station(n, String(n % 10))),
  ),
  "stations without a count, gzip": packed(["gzip"], () =>
    listed(
      STATIONS,
      190_000,
      (n) => `{"station_id":"${digits(n)}-${n}","name":"${"n".repeat(200)}${digits(n)}"}`,
    ),
  ),
  "vehicles, gzip": packed(
    ["gzip"],
    () =>
      listed(
        '{"last_updated":1764547200,"ttl":10,"version":"2.3","data":{"bikes":[',
        190_000,
        (n) =>
          `{"bike_id":"${digits(n)}-${n}","lat":48.${digits(n)},"lon":2.${digits(n + 1)},"is_reserved":false,"is_disabled":false}`,
      ),
    "vehicle_status",
  ),
  "names of 190,000 stations, gzip": packed(
    ["gzip"],
    () =>
      listed(
        NAMES,
        190_000,
        (n) =>
          `{"station_id":"${n}","name":"Station ${digits(n)}","lat":48.${digits(n)},"lon":2.${digits(n + 1)},"capacity":20}`,
      ),
    "station_information",
  ),
  "names of one station, gzip": packed(
    ["gzip"],
    () =>
      listed(
        NAMES,
        190_000,
        (n) => `{"station_id":"1","name":"${digits(n)}","lat":48.1,"lon":2.1,"note":"${digits(n)}"}`,
      ),
    "station_information",
  ),
  "one file listed 190,000 times": plain(
    () =>
      listed(
        `{"data":{"en":{"feeds":[`,
        280_000,
        (n) => `{"name":"station_status","url":"http://127.0.0.1:9/${n}"}`,
        "]}}}",
      ),
    "gbfs",
  ),
  "190,000 languages": plain(() => listed(`{"data":{`, 190_000, (n) => `"l${n}":{"feeds":[]}`, "}}"), "gbfs"),
  "just below what is large": plain(() => over(`{"data":{"bikes":[{}`, ",{}", 0.9), "vehicle_status"),
  "alerts, deflate": packed(
    ["deflate"],
    () =>
      listed(
        '{"data":{"alerts":[',
        190_000,
        (n) =>
          `{"alert_id":"${n}","type":"OTHER","summary":"${digits(n)}${"s".repeat(100)}","station_ids":["1","2"]}`,
      ),
    "system_alerts",
  ),
  "versions and files without end": plain(
    () =>
      listed(
        '{"data":{"en":{"feeds":[',
        190_000,
        (n) => `{"name":"f${n}","url":"http://127.0.0.1:9/${n}"}`,
        "]}}}",
      ),
    "gbfs",
  ),
};
