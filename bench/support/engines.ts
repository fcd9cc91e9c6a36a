/** The workers that the Kafka benches compare, as commands: each reads the raw topic and writes the totals topic. */
import { fileURLToPath } from "node:url";

export interface Wiring {
  readonly broker: string;
  readonly raw: string;
  readonly totals: string;
  readonly group: string;
  /** For state on disk; removed after the bench. */
  readonly folder: string;
  /** Class path of the Java peers. */
  readonly classPath: string;
}

export interface Engine {
  readonly name: string;
  /** What it promises when it is killed. */
  readonly guarantee: "exactly once" | "at least once";
  readonly command: (wiring: Wiring) => readonly string[];
}

const path = (file: string): string => fileURLToPath(new URL(`../../${file}`, import.meta.url));

export const VELOSTREAM: Engine = {
  name: "velostream",
  guarantee: "exactly once",
  command: ({ broker, raw, totals, group }) => [
    process.execPath,
    // As its first line has it (docs/decisions/0033).
    "--max-semi-space-size=8",
    path("bin/velostream.js"),
    "aggregate",
    `--brokers=${broker}`,
    `--raw-topic=${raw}`,
    `--totals-topic=${totals}`,
    `--rejects-topic=${totals}-rejects`,
    `--group=${group}`,
    "--log-level=warn",
  ],
};

function kafkaStreams(topology: "dsl" | "processor", guarantee: Engine["guarantee"]): Engine["command"] {
  const setting = guarantee === "exactly once" ? "exactly_once_v2" : "at_least_once";
  return ({ broker, raw, totals, group, classPath, folder }) => [
    "java",
    "-Xms1g",
    "-Xmx1g",
    "-XX:+UseSerialGC",
    "-cp",
    classPath,
    "velostream.bench.Peer",
    broker,
    raw,
    totals,
    group,
    topology,
    setting,
    folder,
  ];
}

export const KAFKA_STREAMS: Engine = {
  name: "Kafka Streams, KTable",
  guarantee: "exactly once",
  command: kafkaStreams("dsl", "exactly once"),
};
export const KAFKA_STREAMS_ONCE_OR_MORE: Engine = {
  name: "Kafka Streams, KTable",
  guarantee: "at least once",
  command: kafkaStreams("dsl", "at least once"),
};
export const KAFKA_STREAMS_PROCESSOR: Engine = {
  name: "Kafka Streams, own processor",
  guarantee: "exactly once",
  command: kafkaStreams("processor", "exactly once"),
};

function script(file: string): Engine["command"] {
  return ({ broker, raw, totals, group }) => [
    process.execPath,
    path(`bench/peers/${file}`),
    broker,
    raw,
    totals,
    group,
  ];
}

export const KAFKAJS: Engine = {
  name: "kafkajs",
  guarantee: "exactly once",
  command: script("kafkajs-transactions.ts"),
};
export const NAIVE: Engine = {
  name: "naive script",
  guarantee: "at least once",
  command: script("naive.ts"),
};
