/** A recording gives the polls that were captured, in their order, at their time; what is broken costs itself alone. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { test, type TestContext } from "node:test";
import { gzipSync } from "node:zlib";
import { StorageError } from "../../../src/errors.ts";
import { timeInName } from "../../../src/feed/recording-files.ts";
import { readCaptures } from "../../../src/feed/recording-reader.ts";
import { RecordingSource } from "../../../src/feed/recording.ts";
import type { Poll } from "../../../src/ports.ts";
import { SILENT } from "../../../src/telemetry/logger.ts";
import { TestClock, settled } from "../../support/test-clock.ts";

const START_SECONDS = 1_760_778_556;
/** After every capture, and after the dates of the files that the tests write. */
const LATER_MS = 4_000_000_000_000;

function folder(context: TestContext, files: Readonly<Record<string, string | Buffer>>): string {
  const path = mkdtempSync(join(tmpdir(), "velostream-recording-"));
  context.after(() => rmSync(path, { recursive: true }));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(path, name), content);
  return path;
}

/** A Vélib' capture of one station; `seconds` after the first. */
function velib(bikes: number, seconds: number): string {
  return JSON.stringify({
    lastUpdatedOther: START_SECONDS + seconds,
    ttl: 3600,
    data: {
      stations: [
        {
          station_id: 213_688_169,
          num_bikes_available: bikes,
          numBikesAvailable: bikes,
          num_bikes_available_types: [{ mechanical: bikes }, { ebike: 0 }],
          num_docks_available: 30,
          is_installed: 1,
          is_returning: 1,
          is_renting: 1,
          last_reported: 1_760_776_294,
          stationCode: "16107",
        },
      ],
    },
  });
}

function undated(bikes: number): Record<string, unknown> {
  return { data: { stations: [{ station_id: "a", num_bikes_available: bikes }] } };
}

async function replay(path: string): Promise<{ source: RecordingSource; polls: Poll[] }> {
  const source = new RecordingSource({
    path,
    speed: Infinity,
    clock: new TestClock(LATER_MS),
    logger: SILENT,
  });
  await source.describe();
  const polls: Poll[] = [];
  for (;;) {
    const poll = await source.poll();
    if (poll.kind === "ended") break;
    polls.push(poll);
  }
  await source.close();
  return { source, polls };
}

/** `bikes@time`, or the outcome. */
function told(polls: readonly Poll[], fromMs = START_SECONDS * 1000): string[] {
  return polls.map((poll) =>
    poll.kind === "failed" || poll.kind === "ended"
      ? poll.kind === "failed"
        ? poll.outcome
        : "ended"
      : `${poll.status.stations[0]?.total ?? "none"}@${(poll.observedAtMs - fromMs) / 1000}`,
  );
}

test("replays plain and gzip files in order of the feed's own time, whatever their names", async (context) => {
  const path = folder(context, {
    "station_status_b.json": velib(5, 0),
    "station_status_a.json.gz": gzipSync(velib(7, 120)),
    "station_status_c.json": velib(6, 60),
  });
  assert.deepEqual(told((await replay(path)).polls), ["5@0", "6@60", "7@120"]);
});

test("replays a folder of files named by nothing but their time, leaving other GBFS files alone", async (context) => {
  const path = folder(context, {
    "2025-10-18T09-10-16Z.json": JSON.stringify(undated(2)),
    "2025-10-18T09-09-16Z.json": JSON.stringify(undated(1)),
    "gbfs.json": "{}",
    "system_alerts.json": "{}",
    "README.md": "# mine",
  });
  const { polls } = await replay(path);
  assert.deepEqual(told(polls, Date.parse("2025-10-18T09:09:16Z")), ["1@0", "2@60"]);
});

test("replays NDJSON, one capture a line, plain or gzip, blank lines and wrapped captures included", async (context) => {
  const lines = [
    velib(1, 0),
    "",
    JSON.stringify({ fetched_at: (START_SECONDS + 30) * 1000, station_status: undated(2) }),
    JSON.stringify({ fetched_at: new Date((START_SECONDS + 60) * 1000).toISOString(), ...undated(3) }),
  ].join("\n");
  const plain = folder(context, { "day.ndjson": `${lines}\n` });
  const zipped = folder(context, { "day.jsonl.gz": gzipSync(lines) });
  for (const path of [plain, zipped, join(zipped, "day.jsonl.gz")])
    assert.deepEqual(told((await replay(path)).polls), ["1@0", "2@30", "3@60"]);
});

test("takes the first time there is: fetched_at, the header, the file's name, the file's date", async (context) => {
  const first = async (name: string, body: unknown): Promise<number> => {
    const path = folder(context, { [name]: JSON.stringify(body) });
    utimesSync(join(path, name), 4000, 4000);
    const [poll] = (await replay(path)).polls;
    return poll?.kind === "changed" ? poll.observedAtMs : NaN;
  };
  const named = "station_status_20251018_090916.json";
  const header = { ...undated(1), last_updated: 3000 };
  assert.equal(await first(named, { ...header, fetched_at: 2000 }), 2_000_000);
  assert.equal(await first(named, header), 3_000_000);
  assert.equal(await first(named, undated(1)), Date.parse("2025-10-18T09:09:16Z"));
  assert.equal(await first("station_status.json", undated(1)), 4_000_000);
});

test("reads times in names; a date alone is none", () => {
  const ninth = Date.parse("2025-10-18T09:09:16Z");
  assert.equal(timeInName("velib_20251018_090916.json"), ninth);
  assert.equal(timeInName("station_status-2025-10-18T09:09:16.json.gz"), ninth);
  assert.equal(timeInName("20251018T090916Z.json"), ninth);
  assert.equal(timeInName("status-1760778556.json"), ninth);
  assert.equal(timeInName("status-1760778556123.json"), ninth + 123);
  assert.equal(timeInName("2025-10-18 0909.json"), ninth - 16_000);
  for (const name of [
    "series-2023-07-18.ndjson",
    "station_status.json",
    "2025-13-99T99-99.json",
    "12345.json",
  ])
    assert.equal(timeInName(name), null, name);
});

test("observations are strictly later one after another, so that the order of captures is kept", async (context) => {
  const path = folder(context, { "day.ndjson": [velib(1, 9), velib(2, 9), velib(3, 2)].join("\n") });
  assert.deepEqual(told((await replay(path)).polls), ["1@9", "2@9.001", "3@9.002"]);
});

test("a capture whose stations say what the last one's did is an unchanged poll", async (context) => {
  const path = folder(context, { "day.ndjson": [velib(1, 0), velib(1, 30), velib(2, 60)].join("\n") });
  const { polls } = await replay(path);
  assert.deepEqual(
    polls.map(({ kind }) => kind),
    ["changed", "unchanged", "changed"],
  );
});

test("broken captures are failed polls that name their file and line, and cost nothing else", async (context) => {
  const truncated = gzipSync(velib(9, 300));
  const path = folder(context, {
    "poll-1.ndjson": [velib(1, 0), '{"data": {"stations": [', velib(2, 60), "[]"].join("\n"),
    "poll-2.json": "<!doctype html><title>Maintenance</title>",
    "poll-3.json": `\uFEFF${velib(3, 120)}`,
    "poll-4.json.gz": truncated.subarray(0, truncated.length / 2),
    "poll-5.json.gz": "not gzip",
    "poll-6.json": "",
  });
  const { polls } = await replay(path);
  assert.deepEqual(told(polls), [
    "1@0",
    "not_json",
    "2@60",
    "not_gbfs",
    "3@120",
    "not_json",
    "unreadable_file",
    "unreadable_file",
    "not_json",
  ]);
  const [, failed] = polls;
  assert.ok(failed?.kind === "failed");
  assert.match(failed.message, /poll-1\.ndjson, line 2 .*is not JSON\. It is skipped/);
});

test("a capture beyond the limit is skipped without being held, the next line is read", async (context) => {
  const path = folder(context, { "day.ndjson": ["x".repeat(5000), velib(1, 0)].join("\n") });
  const file = {
    path: join(path, "day.ndjson"),
    name: "day.ndjson",
    format: "ndjson",
    gzip: false,
    nameTimeMs: null,
    modifiedAtMs: 0,
  } as const;
  const outcomes: string[] = [];
  for await (const capture of readCaptures(file, 1000))
    outcomes.push(capture.kind === "read" ? "read" : capture.outcome);
  assert.deepEqual(outcomes, ["too_large", "read"]);
});

test("keeps the recorded pace, divided by the speed", async (context) => {
  const path = folder(context, { "day.ndjson": [velib(1, 0), velib(2, 600), velib(3, 630)].join("\n") });
  const clock = new TestClock(LATER_MS);
  const source = new RecordingSource({ path, speed: 60, clock, logger: SILENT });
  await source.describe();
  const polls: Poll[] = [];
  const reading = (async () => {
    for (let turn = 0; turn < 3; turn += 1) polls.push(await source.poll());
  })();
  const waiting = async (): Promise<void> => {
    while (clock.sleeping === 0) await settled();
  };
  await waiting();
  assert.equal(polls.length, 1);
  await clock.advance(9_999);
  assert.equal(polls.length, 1);
  await clock.advance(1);
  await waiting();
  assert.equal(polls.length, 2);
  await clock.advance(500);
  await reading;
  assert.deepEqual(told(polls), ["1@0", "2@600", "3@630"]);
});

test("a wait is given up when told to stop", async (context) => {
  const path = folder(context, { "day.ndjson": [velib(1, 0), velib(2, 600)].join("\n") });
  const clock = new TestClock(LATER_MS);
  const source = new RecordingSource({ path, speed: 1, clock, logger: SILENT });
  await source.describe();
  await source.poll();
  const stop = new AbortController();
  const pending = source.poll(stop.signal);
  while (clock.sleeping === 0) await settled();
  stop.abort();
  assert.equal((await pending).kind, "ended");
  await source.close();
});

test("knows its stations, its vehicle types and its system from the files beside the captures", async (context) => {
  const path = folder(context, {
    "station_status.json": JSON.stringify({
      last_updated: START_SECONDS,
      data: {
        stations: [
          {
            station_id: "a",
            num_bikes_available: 3,
            vehicle_types_available: [
              { vehicle_type_id: "e", count: 1 },
              { vehicle_type_id: "m", count: 2 },
            ],
          },
        ],
      },
    }),
    "station_information.json": JSON.stringify({
      data: { stations: [{ station_id: "a", name: "Quai", lat: 49.4, lon: 1.1 }, { name: "no id" }] },
    }),
    "vehicle_types.json": JSON.stringify({
      data: {
        vehicle_types: [
          { vehicle_type_id: "e", propulsion_type: "electric_assist" },
          { vehicle_type_id: "m", propulsion_type: "human" },
        ],
      },
    }),
    "system_regions.json": JSON.stringify({
      data: { regions: [{ region_id: "1", name: "Rive droite" }] },
    }),
    "system_information.json": JSON.stringify({
      data: { system_id: "rouen", name: "Lovélo", timezone: "Europe/Paris" },
    }),
  });
  const source = new RecordingSource({
    path,
    speed: Infinity,
    clock: new TestClock(LATER_MS),
    logger: SILENT,
  });
  const system = await source.describe();
  assert.deepEqual([system.systemId, system.name, system.simulated], ["rouen", "Lovélo", false]);
  assert.equal(source.information().get("a")?.name, "Quai");
  assert.equal(source.regionNames().get("1"), "Rive droite");
  assert.deepEqual(
    [source.takeInformationRejects().length, source.takeInformationRejects().length],
    [1, 0],
    "rejects are handed over once",
  );
  const poll = await source.poll();
  assert.ok(poll.kind === "changed");
  assert.deepEqual([poll.status.stations[0]?.electric, poll.status.stations[0]?.mechanical], [1, 2]);
});

test("names Vélib' by its dialect, other systems by their folder, and says when a capture is simulated", async (context) => {
  const describe = (files: Record<string, string>): Promise<{ systemId: string; simulated: boolean }> =>
    new RecordingSource({
      path: folder(context, files),
      speed: 1,
      clock: new TestClock(LATER_MS),
      logger: SILENT,
    }).describe();
  const real = await describe({ "station_status.json": velib(1, 0) });
  assert.deepEqual([real.systemId, real.simulated], ["velib", false]);
  const simulated = await describe({
    "station_status.json": JSON.stringify({ ...(JSON.parse(velib(1, 0)) as object), simulated: true }),
  });
  assert.deepEqual([simulated.systemId, simulated.simulated], ["velib", true]);
  const other = await describe({ "station_status.json": JSON.stringify(undated(1)) });
  assert.match(other.systemId, /^velostream-recording-/);
});

test("what is no recording is an error that says what was found and what to name", async (context) => {
  const refuses = async (path: string, message: RegExp): Promise<void> => {
    const source = new RecordingSource({ path, speed: 1, clock: new TestClock(LATER_MS), logger: SILENT });
    await assert.rejects(source.describe(), (error: unknown) => {
      assert.ok(error instanceof StorageError);
      assert.equal(error.exitCode, 78);
      assert.match(error.message, message);
      return true;
    });
  };
  await refuses("/nowhere/at/all", /cannot be read \(ENOENT\)/);
  await refuses(folder(context, {}), /is an empty folder/);
  await refuses(folder(context, { "notes.txt": "" }), /holds no \.json, \.ndjson or \.csv file/);
  await refuses(folder(context, { "gbfs.json": "{}" }), /no station_status file, only gbfs\.json/);
  await refuses(
    folder(context, { "station_status.json": "<html>" }),
    /no capture that can be used .*is not JSON/,
  );
  await refuses(folder(context, { "day.ndjson": "\n" }), /no capture that can be used \(it is empty\)/);
  const nested = folder(context, {});
  mkdirSync(join(nested, "2025-10-18"));
  await refuses(nested, /but folders: 2025-10-18\. Name one of them/);
});

/** Replayed in every way there is: from a file and from a stream, paced and not. */
async function everyWay(context: TestContext, lines: readonly string[]): Promise<string[][]> {
  const path = join(folder(context, { "day.ndjson": lines.join("\n") }), "day.ndjson");
  const ways = [];
  for (const speed of [Infinity, 1e9])
    for (const stream of [false, true]) {
      const clock = new TestClock(LATER_MS);
      const options = { path, speed, clock, logger: SILENT };
      const source = new RecordingSource(
        stream ? { ...options, stream: Readable.from([Buffer.from(lines.join("\n"))]) } : options,
      );
      await source.describe();
      const polls: Poll[] = [];
      for (;;) {
        const polling = source.poll();
        let done = false;
        polling.then(
          () => (done = true),
          () => (done = true),
        );
        for (let n = 0; n < 500 && !done; n += 1) {
          await settled();
          if (!done) await clock.advance(1_000);
        }
        const poll = await polling;
        if (poll.kind === "ended") break;
        polls.push(poll);
      }
      await source.close();
      ways.push(told(polls));
    }
  return ways;
}

test("every way of reading a recording judges times alike: runs of wrong ones, back and ahead, cost themselves", async (context) => {
  const at = (n: number): number => START_SECONDS + n * 60;
  const wrong: Readonly<Record<string, (n: number) => number | null>> = {
    "one an hour ahead": (n) => (n === 10 ? 3_600 : null),
    "one an hour back": (n) => (n === 10 ? -3_600 : null),
    "one of 1970": (n) => (n === 10 ? -at(10) + 5 : null),
    "five an hour ahead": (n) => (n >= 10 && n < 15 ? 3_600 : null),
    "five an hour back": (n) => (n >= 10 && n < 15 ? -3_600 : null),
    "the first five an hour ahead": (n) => (n < 5 ? 3_600 : null),
    "every fourth an hour ahead": (n) => (n % 4 === 1 ? 3_600 : null),
    "the last of 2099": (n) => (n === 39 ? 2_300_000_000 : null),
  };
  for (const [what, shift] of Object.entries(wrong)) {
    const lines = Array.from({ length: 40 }, (_, n) => velib(n, n * 60 + (shift(n) ?? 0)));
    const wanted = Array.from({ length: 40 }, (_, n) =>
      shift(n) === null ? `${n}@${n * 60}` : "wrong_time",
    );
    for (const way of await everyWay(context, lines)) assert.deepEqual(way, wanted, what);
  }
});

test("one capture with a wrong time costs itself and is named; all others keep their times", async (context) => {
  const at = (n: number): number => START_SECONDS + n * 60;
  for (const [bad, header] of [
    [10, 4_100_000_000],
    [0, 4_100_000_000],
    [59, 4_100_000_000],
    [10, at(10) + 3600],
    [0, 1_000],
  ] as const) {
    const lines = Array.from({ length: 60 }, (_, n) =>
      velib(n, n * 60).replace(String(at(n)), String(n === bad ? header : at(n))),
    );
    const { polls } = await replay(folder(context, { "day.ndjson": lines.join("\n") }));
    const wanted = Array.from({ length: 60 }, (_, n) => (n === bad ? "wrong_time" : `${n}@${n * 60}`));
    assert.deepEqual(told(polls), wanted, `${header} at ${bad}`);
    const [failure] = polls.flatMap((poll) => (poll.kind === "failed" ? poll : []));
    assert.match(failure?.message ?? "", new RegExp(`line ${bad + 1} `));
  }
});

const FRENCH =
  "\uFEFFIdentifiant station;Nom station;Station en fonctionnement;Capacité de la station;Nombre bornettes libres;Nombre total vélos disponibles;Vélos mécaniques disponibles;Vélos électriques disponibles;Borne de paiement disponible;Retour vélib possible;Actualisation de la donnée;Coordonnées géographiques;Nom communes équipées;Code INSEE communes équipées";
const OF_THE_API =
  "stationcode;name;is_installed;capacity;numdocksavailable;numbikesavailable;mechanical;ebike;is_renting;is_returning;duedate;coordonnees_geo;nom_arrondissement_communes;code_insee_commune";
const row = (code: string, bikes: number | string, minute: number): string =>
  `${code};Station, ${code};OUI;35;31;${bikes};2;2;OUI;NON;2025-06-03T14:${minute}:00+02:00;48.865983, 2.275725;Paris;75056`;

for (const [what, header] of [
  ["in French", FRENCH],
  ["of the API", OF_THE_API],
] as const) {
  test(`a table of Paris' open data ${what} is a capture, at the time of its newest row`, async (context) => {
    const table = (minute: number, bikes: number | string): string =>
      `${[header, row("16107", bikes, minute), row("1001", 7, minute - 5), row("1002", "?", 10)].join("\r\n")}\r\n`;
    const path = folder(context, {
      "a.csv": table(56, 4),
      "b.csv.gz": gzipSync(table(57, 5)),
      "c.csv": "a;b\n1;2\n",
      "station_information.json": JSON.stringify({
        data: { stations: [{ station_id: 213_688_169, stationCode: "16107", name: "Godard" }] },
      }),
    });
    const { source, polls } = await replay(path);
    assert.deepEqual(told(polls, Date.parse("2025-06-03T12:56:00Z")), ["4@0", "5@60", "not_json"]);
    assert.equal((await source.describe()).systemId, "velib");
    const [poll] = polls;
    assert.ok(poll !== undefined && poll.kind === "changed");
    const [first, second, ...others] = poll.status.stations;
    assert.deepEqual(
      [first?.stationId, first?.stationCode, first?.isReturning, second?.stationId, others.length],
      ["213688169", "16107", false, "1001", 0],
    );
    assert.equal(poll.status.rejects.length, 1, "a count that is none is a reject");
    assert.deepEqual(
      [source.information().get("1001")?.lat, source.information().get("1001")?.name],
      [48.865983, "Station, 1001"],
    );
  });
}
