/**
 * The one table of options: drives the parser, `--help`, the environment, the configuration file and
 * docs/configuration.md (checked by a test). A new option is one row here and one name in a command's list.
 */
import { AGGREGATE_OPTIONS } from "../stages/aggregate/options.ts";
import { SPARK_OPTIONS } from "../stages/aggregate-spark/options.ts";
import { ARCHIVE_OPTIONS } from "../stages/archive/options.ts";
import { COLLECT_OPTIONS } from "../stages/collect/options.ts";
import { SERVE_OPTIONS } from "../stages/serve/options.ts";
import { MQTT_OPTIONS } from "../stages/sinks/mqtt/options.ts";
import { HISTORY_OPTIONS } from "./history-options.ts";
import type { OptionRow, OptionValues } from "./option-types.ts";

export type { OptionRow } from "./option-types.ts";

export const OPTIONS = {
  ...COLLECT_OPTIONS,
  // ── kafka
  brokers: {
    kind: "list",
    metavar: "HOST:PORT,…",
    default: null,
    envAliases: ["KAFKA_BROKERS"],
    group: "kafka",
    help: "Kafka brokers; without them the log is in memory.",
  },
  "raw-topic": {
    kind: "string",
    metavar: "TOPIC",
    default: "velib-projet",
    group: "kafka",
    help: "Topic of station records.",
  },
  "totals-topic": {
    kind: "string",
    metavar: "TOPIC",
    default: "velib-projet-final-data",
    group: "kafka",
    help: "Topic of totals per area.",
  },
  "rejects-topic": {
    kind: "string",
    metavar: "TOPIC",
    default: "velib-projet-rejects",
    group: "kafka",
    help: "Topic of what could not be used, and why.",
  },
  "feeds-topic": {
    kind: "string",
    metavar: "TOPIC",
    default: "velib-projet-feeds",
    group: "kafka",
    help: "Topic of how each feed is doing.",
  },
  partitions: {
    kind: "integer",
    metavar: "N",
    default: 4,
    least: 1,
    group: "kafka",
    help: "Partitions of topics that are made.",
  },
  "replication-factor": {
    kind: "integer",
    metavar: "N",
    default: 1,
    least: 1,
    group: "kafka",
    help: "Replicas of topics that are made.",
  },
  compression: {
    kind: "string",
    metavar: "TYPE",
    choices: ["none", "gzip", "lz4", "zstd"],
    default: "gzip",
    group: "kafka",
    help: "How records are compressed. Every client reads none and gzip; lz4 and zstd cost less time, and some clients need an extra package for them.",
  },
  "check-crcs": {
    kind: "flag",
    default: true,
    group: "kafka",
    help: "Compare every batch that is read with its checksum; a damaged one is rejected.",
    without: "Trust the brokers' disks and the network; uncompressed batches are read faster.",
  },
  ...AGGREGATE_OPTIONS,
  "session-timeout": {
    kind: "duration",
    metavar: "DURATION",
    default: 10_000,
    least: 1_000,
    group: "kafka",
    help: "A worker that is silent for so long is taken for dead; the broker's least is 6s by default.",
  },
  "kafka-tls": { kind: "flag", default: false, group: "kafka", help: "Speak TLS to the brokers." },
  "kafka-ca-file": {
    kind: "path",
    metavar: "FILE",
    default: null,
    group: "kafka",
    help: "PEM certificates to trust instead of the system's; implies --kafka-tls.",
  },
  "kafka-cert-file": {
    kind: "path",
    metavar: "FILE",
    default: null,
    group: "kafka",
    help: "PEM certificate of our own, for brokers that ask for one; with --kafka-key-file.",
  },
  "kafka-key-file": {
    kind: "path",
    metavar: "FILE",
    default: null,
    group: "kafka",
    help: "PEM private key of --kafka-cert-file.",
  },
  "kafka-sasl-mechanism": {
    kind: "string",
    metavar: "NAME",
    choices: ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"],
    default: null,
    group: "kafka",
    help: "How to log in.",
  },
  "kafka-username": {
    kind: "string",
    metavar: "NAME",
    default: null,
    group: "kafka",
    help: "User for PLAIN and SCRAM.",
  },
  "kafka-password": {
    kind: "secret",
    default: null,
    group: "kafka",
    help: "Password for PLAIN and SCRAM.",
  },
  "kafka-token-file": {
    kind: "path",
    metavar: "FILE",
    default: null,
    group: "kafka",
    help: "File with the token for OAUTHBEARER, read again at every login.",
  },
  ...SPARK_OPTIONS,
  ...SERVE_OPTIONS,
  ...ARCHIVE_OPTIONS,
  ...MQTT_OPTIONS,
  ...HISTORY_OPTIONS,
  // ── simulate
  seed: {
    kind: "integer",
    metavar: "N",
    default: 1,
    group: "simulate",
    help: "Another seed is another city; the same one gives the same again.",
  },
  dialect: {
    kind: "string",
    metavar: "DIALECT",
    choices: ["velib", "2.3", "3.0"],
    default: "velib",
    group: "simulate",
    help: "How the simulated feed writes: as Vélib' does, or a GBFS version.",
  },
  "change-period": {
    kind: "duration",
    metavar: "DURATION",
    default: 60_000,
    group: "simulate",
    help: "How often the simulated feed's content changes.",
  },
  "city-time": {
    kind: "string",
    metavar: "TIME",
    default: null,
    group: "simulate",
    help: "What time it is in the simulated city at the start, like 2026-11-20T08:30: few ride at night, many in the rush hours. Now, when left out.",
  },
  fault: {
    kind: "string",
    metavar: "FAULT",
    choices: ["5xx", "html", "truncated", "slow", "stalled", "missing-stations"],
    default: null,
    group: "simulate",
    help: "Shows this fault in station_status, instead of the data.",
  },
  "fault-after": {
    kind: "duration",
    metavar: "DURATION",
    default: 0,
    group: "simulate",
    help: "Serves well for that long before the fault.",
  },
  // ── output
  json: {
    kind: "flag",
    default: false,
    group: "output",
    help: "NDJSON, or one JSON answer, on stdout; nothing else there.",
  },
  for: {
    kind: "duration",
    metavar: "DURATION",
    default: null,
    group: "output",
    help: "Run that long, drain, exit 0 (69 if no poll ever succeeded).",
  },
  from: {
    kind: "string",
    metavar: "WHERE",
    default: null,
    group: "output",
    help: "Where to start: earliest or latest of a topic, or a time of the history.",
  },
  speed: {
    kind: "speed",
    metavar: "N|max",
    default: 1,
    group: "output",
    help: "How many times faster than it was recorded; max does not wait.",
  },
  "log-level": {
    kind: "string",
    metavar: "LEVEL",
    choices: ["debug", "info", "warn", "error", "silent"],
    default: "info",
    group: "output",
    help: "What is logged to stderr.",
  },
  config: {
    kind: "path",
    metavar: "FILE",
    default: null,
    group: "output",
    help: "YAML file of options, by their long names.",
  },
} as const satisfies Record<string, OptionRow>;

export type OptionName = keyof typeof OPTIONS;

/** Widens literals of the table to the kind's value; options without a default may be null. */
type ValueOf<N extends OptionName> =
  | OptionValues[(typeof OPTIONS)[N]["kind"]]
  | ((typeof OPTIONS)[N]["default"] extends null ? null : never);

/** Every option's value, whatever the command. */
export type Settings = { readonly [N in OptionName]: ValueOf<N> };

/** Options every command takes. */
export const COMMON_OPTIONS = ["log-level", "config"] as const satisfies readonly OptionName[];

/** The environment variable of an option: `VELOSTREAM_RAW_TOPIC` for `raw-topic`. */
export function environmentName(option: string): string {
  return `VELOSTREAM_${option.toUpperCase().replaceAll("-", "_")}`;
}
