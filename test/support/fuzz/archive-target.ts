/** Attacks the archive's own files: journals with right and wrong checksums, manifests with any values and paths. */
import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { AppError } from "../../../src/errors.ts";
import { ArchiveReader } from "../../../src/history/read/archive-reader.ts";
import { journalFolder, manifestPath } from "../../../src/history/files/layout.ts";
import { ArchiveQueries } from "../../../src/history/read/queries.ts";
import { openWriter, ScriptedLog } from "../archive.ts";
import { TestClock } from "../test-clock.ts";
import { bentBytes, below, oddText, pick, type FuzzTarget, type OpenTarget, type Random } from "./target.ts";

const START_MS = Date.UTC(2026, 10, 24, 6);
const HOUR_MS = 3_600_000;
const VICTIM = "a file of somebody else";

export const archiveTarget: FuzzTarget = { name: "archive", open };

async function open(): Promise<OpenTarget> {
  const root = await mkdtemp(join(tmpdir(), "velostream-fuzz-"));
  const whole = join(root, "whole");
  const writer = await openWriter(whole, new TestClock(START_MS));
  const log = new ScriptedLog();
  for (let n = 0; n < 3; n += 1)
    await writer.append(log.batch([{ total: n, observedAtMs: START_MS + n * 60_000 }]));
  await writer.close();
  return {
    once: (random) => attack(root, whole, random),
    close: async () => rm(root, { recursive: true, force: true }),
  };
}

async function attack(root: string, whole: string, random: Random): Promise<void> {
  const folder = join(root, "data", "history");
  const victim = join(root, "victim.txt");
  await rm(join(root, "data"), { recursive: true, force: true });
  await mkdir(join(root, "data"));
  await cp(whole, folder, { recursive: true });
  await writeFile(victim, VICTIM);
  if (random() < 0.7) await bendJournals(folder, random);
  if (random() < 0.7) await bendManifest(folder, random);
  const clock = new TestClock(START_MS + 400 * 24 * HOUR_MS);
  await refusable(async () => {
    const writer = await openWriter(folder, clock, { retainMs: HOUR_MS });
    await writer.append(new ScriptedLog().batch([{ total: 9, observedAtMs: START_MS + HOUR_MS }]));
    await writer.close();
  });
  const reader = new ArchiveReader(folder);
  try {
    const queries = new ArchiveQueries(reader, clock);
    const range = {
      fromMs: START_MS - HOUR_MS,
      toMs: START_MS + HOUR_MS,
      stepMs: HOUR_MS,
      aggregate: "mean" as const,
    };
    await refusable(async () => queries.areaHistory({ systemId: "velib", area: "75016", ...range }));
  } finally {
    reader.close();
  }
  assert.equal(await readFile(victim, "utf8"), VICTIM, "a file outside the archive was touched");
}

async function bendJournals(folder: string, random: Random): Promise<void> {
  await mkdir(journalFolder(folder), { recursive: true });
  const names = await readdir(journalFolder(folder));
  const name = names[0] ?? "00000009.journal";
  const path = join(journalFolder(folder), name);
  const bytes = await readFile(path).catch(() => Buffer.alloc(0));
  await writeFile(path, random() < 0.5 ? bentBytes(bytes, random) : Buffer.concat([bytes, frame(random)]));
}

/** A line whose checksum is right, whatever it says. */
function frame(random: Random): Buffer {
  const cells = Array.from({ length: below(random, 25) }, () =>
    pick(random, [null, 1, -1, "x", oddText(random), true]),
  );
  const value = pick<unknown>(random, [
    null,
    [],
    {},
    7,
    "x",
    { epoch: null },
    {
      epoch: { id: 1 },
      positions: { "raw:0": oddText(random) },
      stations: [cells],
      areas: [],
      interrupted: false,
      gaps: [],
    },
    {
      epoch: { id: below(random, 3), kind: "kafka", topics: ["raw", "totals"], openedAtMs: START_MS },
      positions: {},
      stations: 5,
      areas: [cells],
      interrupted: [1],
      gaps: [{}],
    },
  ]);
  const json = Buffer.from(JSON.stringify(value));
  return Buffer.concat([
    Buffer.from(`${crc32(json).toString(16).padStart(8, "0")} `),
    json,
    Buffer.from("\n"),
  ]);
}

async function bendManifest(folder: string, random: Random): Promise<void> {
  const path = manifestPath(folder);
  const bytes = await readFile(path).catch(() => Buffer.from("{}"));
  if (random() < 0.4) return writeFile(path, bentBytes(bytes, random));
  const manifest = JSON.parse(bytes.toString("utf8")) as Record<string, unknown>;
  const file = (manifest["files"] as Record<string, unknown>[] | undefined)?.[0];
  const evil = [
    "../../victim.txt",
    "../../../victim.txt",
    "*",
    join(folder, "../../victim.txt"),
    oddText(random),
  ];
  if (file !== undefined && random() < 0.6) {
    file["path"] = pick(random, evil);
    if (random() < 0.5) file["day"] = pick(random, ["2020-01-01", "x", oddText(random)]);
  } else
    manifest[pick(random, Object.keys(manifest))] = pick<unknown>(random, [
      null,
      -1,
      1e300,
      "x",
      [],
      [{}],
      {},
    ]);
  await writeFile(path, JSON.stringify(manifest));
}

/** An error with a remedy is an answer; anything else is a defect. */
async function refusable(act: () => Promise<unknown>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
  }
}
