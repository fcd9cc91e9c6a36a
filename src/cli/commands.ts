/** The table of commands, in the order help shows them. */
import type { CommandEntry } from "./command.ts";

export const COMMANDS: readonly CommandEntry[] = [
  {
    name: "run",
    summary: "everything in one process: collect, aggregate, show",
    load: async () => (await import("./run.ts")).run,
  },
  {
    name: "collect",
    summary: "a feed to station records, over Kafka",
    load: async () => (await import("./collect.ts")).collect,
  },
  {
    name: "aggregate",
    summary: "station records to totals, as a worker over Kafka",
    load: async () => (await import("./aggregate.ts")).aggregate,
  },
  {
    name: "serve",
    summary: "the live page and the API, over Kafka",
    load: async () => (await import("./serve.ts")).serve,
  },
  {
    name: "topics create",
    summary: "make the topics; say what differs in those that exist",
    load: async () => (await import("./topics.ts")).topicsCreate,
  },
  {
    name: "topics list",
    summary: "the topics as they are",
    load: async () => (await import("./topics.ts")).topicsList,
  },
  {
    name: "archive",
    summary: "every record kept as history, over Kafka",
    load: async () => (await import("./archive.ts")).archive,
  },
  {
    name: "watch totals",
    summary: "the totals per area, live",
    load: async () => (await import("./watch.ts")).watchTotals,
  },
  {
    name: "watch raw",
    summary: "the station records, live",
    load: async () => (await import("./watch.ts")).watchRaw,
  },
  {
    name: "demo",
    summary: "everything on a simulated city: no network, nothing kept",
    load: async () => (await import("./demo.ts")).demo,
  },
  {
    name: "replay",
    summary: "a recording through the same pipeline, at its pace or faster",
    load: async () => (await import("./replay.ts")).replay,
  },
  {
    name: "import",
    summary: "captured station_status files become history",
    load: async () => (await import("./import.ts")).importCaptures,
  },
  {
    name: "history area",
    summary: "how many bikes an area had, in steps",
    load: async () => (await import("./history-series.ts")).historyArea,
  },
  {
    name: "history station",
    summary: "how many bikes a station had, at an instant or in steps",
    load: async () => (await import("./history-series.ts")).historyStation,
  },
  {
    name: "history export",
    summary: "the history's rows as Parquet, CSV or NDJSON",
    load: async () => (await import("./history-export.ts")).historyExport,
  },
  {
    name: "history sql",
    summary: "a read-only query on the history",
    load: async () => (await import("./history-sql.ts")).historySql,
  },
  {
    name: "simulate",
    summary: "a simulated, labelled bike-share system, served on loopback",
    load: async () => (await import("./simulate.ts")).simulate,
  },
  {
    name: "doctor",
    summary: "checks feed, broker, disk and port; says what to do",
    load: async () => (await import("./doctor.ts")).doctor,
  },
  {
    name: "systems",
    summary: "search the catalogue of public bike-share systems",
    load: async () => (await import("./systems.ts")).systems,
  },
];
