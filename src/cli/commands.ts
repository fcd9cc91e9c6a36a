/** The table of commands, in the order help shows them. */
import type { CommandEntry } from "./command.ts";

export const COMMANDS: readonly CommandEntry[] = [
  {
    name: "run",
    summary: "everything in one process: collect, aggregate, show",
    group: "start",
    load: async () => (await import("./run.ts")).run,
  },
  {
    name: "demo",
    summary: "everything on a simulated city: no network, nothing kept",
    group: "start",
    load: async () => (await import("./demo.ts")).demo,
  },
  {
    name: "systems",
    summary: "search the catalogue of public bike-share systems",
    group: "start",
    load: async () => (await import("./systems.ts")).systems,
  },
  {
    name: "doctor",
    summary: "checks feed, broker, disk and port; says what to do",
    group: "start",
    load: async () => (await import("./doctor.ts")).doctor,
  },
  {
    name: "history area",
    summary: "how many bikes an area had, in steps",
    group: "history",
    load: async () => (await import("./history-series.ts")).historyArea,
  },
  {
    name: "history station",
    summary: "how many bikes a station had, at an instant or in steps",
    group: "history",
    load: async () => (await import("./history-series.ts")).historyStation,
  },
  {
    name: "history export",
    summary: "the history's rows as Parquet, CSV or NDJSON",
    group: "history",
    load: async () => (await import("./history-export.ts")).historyExport,
  },
  {
    name: "history sql",
    summary: "a read-only query on the history",
    group: "history",
    load: async () => (await import("./history-sql.ts")).historySql,
  },
  {
    name: "import",
    summary: "captured station_status files become history",
    group: "history",
    load: async () => (await import("./import.ts")).importCaptures,
  },
  {
    name: "replay",
    summary: "a recording through the same pipeline, at its pace or faster",
    group: "history",
    load: async () => (await import("./replay.ts")).replay,
  },
  {
    name: "collect",
    summary: "a feed to station records, over Kafka",
    group: "kafka",
    load: async () => (await import("./collect.ts")).collect,
  },
  {
    name: "aggregate",
    summary: "station records to totals, as a worker over Kafka",
    group: "kafka",
    load: async () => (await import("./aggregate.ts")).aggregate,
  },
  {
    name: "serve",
    summary: "the live page and the API, over Kafka",
    group: "kafka",
    load: async () => (await import("./serve.ts")).serve,
  },
  {
    name: "archive",
    summary: "every record kept as history, over Kafka",
    group: "kafka",
    load: async () => (await import("./archive.ts")).archive,
  },
  {
    name: "watch totals",
    summary: "the totals per area, live",
    group: "kafka",
    load: async () => (await import("./watch.ts")).watchTotals,
  },
  {
    name: "watch raw",
    summary: "the station records, live",
    group: "kafka",
    load: async () => (await import("./watch.ts")).watchRaw,
  },
  {
    name: "topics create",
    summary: "make the topics; say what differs in those that exist",
    group: "kafka",
    load: async () => (await import("./topics.ts")).topicsCreate,
  },
  {
    name: "topics list",
    summary: "the topics as they are",
    group: "kafka",
    load: async () => (await import("./topics.ts")).topicsList,
  },
  {
    name: "simulate",
    summary: "a simulated, labelled bike-share system, served on loopback",
    group: "tools",
    load: async () => (await import("./simulate.ts")).simulate,
  },
  {
    name: "completion",
    summary: "makes your shell complete commands and options",
    group: "tools",
    load: async () => (await import("./completion.ts")).completion,
  },
];
