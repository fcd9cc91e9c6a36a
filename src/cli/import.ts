/**
 * `import`: captures of station_status become history, through the very same pipeline as live data.
 *
 *   captures ─▶ those of times that the history has ─▶ skipped
 *           └─▶ collect ─▶ memory log ─▶ aggregate ─▶ archive, in an epoch of its own
 */
import type { Archive } from "../archive-ports.ts";
import { StorageError } from "../errors.ts";
import { RecordingSource } from "../feed/recording.ts";
import type { Span } from "../history/time/spans.ts";
import { MemoryLog } from "../log/memory-log.ts";
import { topicSpecs } from "../log/topics.ts";
import { Session } from "../session/session.ts";
import { AggregateStage } from "../stages/aggregate/aggregate.ts";
import { ArchiveStage } from "../stages/archive/archive.ts";
import { openArchive } from "../stages/archive/open-archive.ts";
import { CollectStage } from "../stages/collect/collect.ts";
import type { FeedSource, Poll } from "../ports.ts";
import { createMetrics } from "../telemetry/metrics.ts";
import type { Command, CommandContext } from "./command.ts";
import { topicNames } from "../session/open-log.ts";
import { areaRules, pacerRules } from "../stages/collect/system-rules.ts";
import { fixedSupply } from "../stages/collect/systems.ts";

const PROGRESS_EVERY_MS = 10_000;

export const importCaptures: Command = {
  usage: "PATH|- [options]",
  description:
    "Makes history of captured station_status files: a folder of polls (plain or .gz, one a file), an NDJSON file of them, or NDJSON on stdin (-). Captures of times that the history has already are skipped, so that an import may be repeated or go on after a crash.",
  examples: [
    { command: "velostream import captures/", does: "A folder of polls." },
    {
      command: "velostream import - --data-dir /var/lib/velostream < captures.ndjson",
      does: "A stream: one capture a line.",
    },
  ],
  options: ["data-dir", "stations", "areas", "areas-property"],
  positionals: [1, 1],
  run,
};

async function run(context: CommandContext): Promise<number> {
  const { settings, clock, logger, positionals, terminal, signal } = context;
  const [path = ""] = positionals;
  const metrics = createMetrics({ process: false });
  const { raw, totals, rejects } = topicNames(settings);
  const topics = { raw, totals, rejects };
  const log = new MemoryLog({ clock });
  await log.createTopics(topicSpecs(topics, { partitions: 1, replicationFactor: 1 }));
  const archive = await openArchive({
    dataDir: settings["data-dir"],
    // What is older than --retain is removed by who goes on collecting.
    retainMs: null,
    topics,
    kind: "import",
    clock,
    logger,
    metrics,
  });
  const published = new Set<number>();
  const noting: Archive = {
    positions: () => archive.positions(),
    topicIds: () => archive.topicIds(),
    beginAnew: async () => archive.beginAnew(),
    append: async (records, read) => {
      for (const { topic, timestampMs } of records) if (topic === topics.raw) published.add(timestampMs);
      return archive.append(records, read);
    },
    tend: async () => archive.tend(),
    health: () => archive.health(),
    close: async () => archive.close(),
  };
  const recording = new RecordingSource({
    path,
    speed: Infinity,
    clock,
    logger,
    ...(path === "-" ? { stream: process.stdin } : {}),
  });
  const source = new UnknownTimes(recording, archive.spans(), (text) => terminal.err(text), clock);
  const areasFor = areaRules(settings.areas, settings["areas-property"], { logger });
  const lossless = true;
  const stages = [
    new ArchiveStage({ required: true, openArchive: () => Promise.resolve(noting) }),
    new AggregateStage({ ...settings, "commit-interval": 0 }),
    new CollectStage({
      supply: fixedSupply([{ source, areasFor, pacerFor: pacerRules("auto", true) }]),
      publish: "changes",
      stations: settings.stations,
      lossless,
    }),
  ];
  const session = new Session(stages, { log, topics, clock, logger, metrics, signal, lossless });
  try {
    await session.open();
    await session.run();
  } finally {
    await Promise.allSettled([source.close(), log.close()]);
  }
  const { ok, reason } = archive.health();
  if (!ok)
    throw new StorageError(
      "VELOSTREAM_STORAGE_UNAVAILABLE",
      `Not all captures are kept. ${reason ?? ""} Import again: what is kept is skipped.`,
    );
  terminal.err(source.summary(published, archive.spans()));
  return 0;
}

/** A source without the captures of times that are covered already. */
class UnknownTimes implements FeedSource {
  readonly #source: RecordingSource;
  readonly #spans: readonly Span[];
  readonly #tell: (text: string) => void;
  readonly #clock: { now(): number };
  #system = "";
  /** Those that were handed on. */
  readonly #taken: { readonly atMs: number; readonly changed: boolean }[] = [];
  #skipped = 0;
  #unreadable = 0;
  #toldAtMs: number;

  constructor(
    source: RecordingSource,
    spans: readonly Span[],
    tell: (text: string) => void,
    clock: { now(): number },
  ) {
    this.#source = source;
    this.#spans = spans;
    this.#tell = tell;
    this.#clock = clock;
    this.#toldAtMs = clock.now();
  }

  async describe() {
    const description = await this.#source.describe();
    this.#system = description.systemId;
    return description;
  }

  information() {
    return this.#source.information();
  }

  regionNames() {
    return this.#source.regionNames();
  }

  takeInformationRejects() {
    return this.#source.takeInformationRejects();
  }

  async poll(signal?: AbortSignal): Promise<Poll> {
    for (;;) {
      const poll = await this.#source.poll(signal);
      if (poll.kind === "failed") this.#unreadable += 1;
      if (poll.kind === "ended" || poll.kind === "failed") return poll;
      if (this.#clock.now() - this.#toldAtMs >= PROGRESS_EVERY_MS) {
        this.#toldAtMs = this.#clock.now();
        this.#tell(`Read ${this.#taken.length} captures, up to ${timeText(poll.observedAtMs)}.\n`);
      }
      const { observedAtMs } = poll;
      if (!covers(this.#spans, this.#system, observedAtMs)) {
        this.#taken.push({ atMs: observedAtMs, changed: poll.kind === "changed" });
        return poll;
      }
      this.#skipped += 1;
    }
  }

  async close(): Promise<void> {
    await this.#source.close();
  }

  /**
   * What became of the captures: kept is one whose changes are all in the history, or that had none.
   * @param published times with records in the log
   * @param spans what the archive covers now
   */
  summary(published: ReadonlySet<number>, spans: readonly Span[]): string {
    const lost = this.#taken
      .filter(({ atMs, changed }) => (changed || published.has(atMs)) && !covers(spans, this.#system, atMs))
      .map(({ atMs }) => atMs);
    const parts = [`Imported ${captures(this.#taken.length - lost.length)}`];
    if (this.#skipped > 0) parts.push(`${wereOf(this.#skipped)} in the history already`);
    if (this.#unreadable > 0) parts.push(`${this.#unreadable} could not be read`);
    if (lost.length > 0) {
      const [first, last] = [Math.min(...lost), Math.max(...lost)];
      const when = first === last ? timeText(first) : `${timeText(first)} to ${timeText(last)}`;
      parts.push(`${wereOf(lost.length)} not kept (${when}): no time that has been, or another kind of data`);
    }
    return `${parts.join("; ")}.\n`;
  }
}

function covers(spans: readonly Span[], wanted: string, atMs: number): boolean {
  return spans.some(({ system, fromMs, toMs }) => system === wanted && fromMs <= atMs && atMs <= toMs);
}

function captures(count: number): string {
  return `${count} ${count === 1 ? "capture" : "captures"}`;
}

function wereOf(count: number): string {
  return `${count} ${count === 1 ? "was" : "were"}`;
}

function timeText(atMs: number): string {
  return new Date(atMs).toISOString();
}
