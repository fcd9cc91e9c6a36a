/** The checks of `doctor`, each with the settings a pipeline would run with. */
import { mkdir, rm, statfs, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { PACKAGE_VERSION } from "../package-version.ts";
import { ConfigError, HttpError, StorageError } from "../errors.ts";
import type { FeedSource } from "../ports.ts";
import type { CommandContext } from "./command.ts";
import type { Finding } from "./finding.ts";
import { openFeeds } from "../stages/collect/open-feeds.ts";
import { checkCollectors } from "./collectors-check.ts";
import { checkKafka } from "./kafka-check.ts";
import { checkSpark } from "./spark-check.ts";

export interface Check {
  readonly name: string;
  /** May throw an AppError: it is the finding. */
  run(): Promise<Finding>;
}

/** Free space under which an archive has no future, bytes. */
const LEAST_FREE_BYTES = 1024 ** 3;

export function checksFor(context: CommandContext): readonly Check[] {
  const { settings } = context;
  return [
    { name: "program", run: () => Promise.resolve(program(context)) },
    ...(settings.feeds === null
      ? settings.feed.map((text) => ({ name: "feed", run: () => feed(context, text) }))
      : [{ name: "feeds", run: () => feedList(context) }]),
    ...(settings.brokers === null
      ? []
      : [
          { name: "kafka", run: () => checkKafka(context) },
          { name: "collect", run: () => checkCollectors(context) },
        ]),
    ...(settings.engine === "spark" || settings.spark !== null
      ? [{ name: "spark", run: () => checkSpark(context) }]
      : []),
    { name: "data", run: () => dataFolder(settings["data-dir"]) },
    { name: "port", run: () => port(settings.host, settings.port) },
  ];
}

function program({ origins }: CommandContext): Finding {
  const set = [...origins].map(([name, origin]) => `${name} by ${origin}`);
  const from = set.length === 0 ? "all options at their defaults" : set.join(", ");
  return { ok: true, says: `velostream ${PACKAGE_VERSION} on Node ${process.version}; ${from}.` };
}

async function feed({ settings, clock, logger, signal }: CommandContext, text: string): Promise<Finding> {
  const feeds = openFeeds({ settings: { ...settings, feed: [text] }, clock, logger });
  try {
    const [spec, ...others] = await feeds.load(signal);
    if (spec === undefined || others.length > 0)
      return {
        ok: others.length > 0,
        says: `${text} lists ${spec === undefined ? 0 : others.length + 1} systems.`,
      };
    return await answer(spec.open().source);
  } finally {
    await feeds.close();
  }
}

async function feedList(context: CommandContext): Promise<Finding> {
  const feeds = openFeeds(context);
  try {
    const specs = await feeds.load(context.signal);
    const says = `${context.settings.feeds ?? ""} lists ${specs.length} systems.`;
    return specs.length > 0 ? { ok: true, says } : { ok: false, says: `${says} Add some.` };
  } finally {
    await feeds.close();
  }
}

async function answer(source: FeedSource): Promise<Finding> {
  try {
    const system = await source.describe();
    const poll = await source.poll();
    if (poll.kind === "ended") return { ok: false, says: "The feed has ended. Name another with --feed." };
    if (poll.kind === "failed") return { ok: false, says: poll.message };
    const { stations, rejects, version } = poll.status;
    const problems = source.problems?.() ?? [];
    const facts = [
      `${stations.length} stations`,
      ...(rejects.length > 0 ? [`${rejects.length} records rejected (first: ${rejects[0]?.reason})`] : []),
      version === null ? "no version declared" : `GBFS ${version}`,
      `${poll.transferredBytes} bytes in ${Math.round(poll.durationMs)} ms`,
    ];
    if (stations.length === 0)
      return {
        ok: false,
        says: `${system.name}: ${facts.join(", ")}. Check that this is the feed that is meant.`,
      };
    return {
      ok: true,
      says: [
        `${system.name}${system.simulated && !/simulated/i.test(system.name) ? " (simulated)" : ""}: ${facts.join(", ")}.`,
        ...problems.map(({ message }) => message),
      ].join(" "),
    };
  } finally {
    await source.close();
  }
}

async function dataFolder(path: string): Promise<Finding> {
  const probe = join(path, `.velostream-doctor-${process.pid}`);
  try {
    await mkdir(path, { recursive: true });
    await writeFile(probe, "");
    await rm(probe);
    const { bavail, bsize } = await statfs(path);
    const freeGiB = ((bavail * bsize) / 1024 ** 3).toFixed(1);
    if (bavail * bsize < LEAST_FREE_BYTES)
      return {
        ok: false,
        says: `${path} has only ${freeGiB} GiB free. Make room, or name another --data-dir.`,
      };
    return { ok: true, says: `${path} is writable, ${freeGiB} GiB free.` };
  } catch (error) {
    throw new StorageError(
      "VELOSTREAM_STORAGE_UNAVAILABLE",
      `${path} cannot be written (${(error as NodeJS.ErrnoException).code ?? "unknown error"}). Check its permissions, or name another --data-dir.`,
      { cause: error },
    );
  }
}

function port(host: string, wanted: number): Promise<Finding> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(
        error.code === "EADDRINUSE"
          ? new HttpError(
              "VELOSTREAM_HTTP_PORT",
              `Port ${wanted} of ${host} is taken. Choose another with --port, or --port 0 for any free one.`,
              { cause: error },
            )
          : new ConfigError(
              `${host}:${wanted} cannot be served on (${error.code ?? ""}). Choose another --host.`,
              {
                cause: error,
              },
            ),
      ),
    );
    server.listen(wanted, host, () => {
      server.close(() => resolve({ ok: true, says: `${host}:${wanted} is free.` }));
    });
  });
}
