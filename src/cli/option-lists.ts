/** Options that several commands take, by what they are about: each command spreads the lists that concern it. */
import type { OptionName } from "../config/options.ts";

export const KAFKA_OPTIONS = [
  "brokers",
  "raw-topic",
  "totals-topic",
  "rejects-topic",
  "feeds-topic",
  "kafka-tls",
  "kafka-ca-file",
  "kafka-cert-file",
  "kafka-key-file",
  "kafka-sasl-mechanism",
  "kafka-username",
  "kafka-password",
  "kafka-token-file",
  "check-crcs",
] as const satisfies readonly OptionName[];

/** For commands that may make topics. */
export const TOPIC_OPTIONS = ["partitions", "replication-factor"] as const satisfies readonly OptionName[];

/** For commands that write records. */
export const WRITE_OPTIONS = ["compression"] as const satisfies readonly OptionName[];

/** For commands that start an aggregate worker. */
export const GROUP_OPTIONS = [
  "group",
  "take-over",
  "member-id",
  "commit-interval",
  "session-timeout",
] as const satisfies readonly OptionName[];

/** For processes without the page: where an operator looks. */
export const METRICS_OPTIONS = [
  "metrics-port",
  "host",
  "allow-host",
] as const satisfies readonly OptionName[];

/** What to collect, and how. */
export const FEED_OPTIONS = [
  "feed",
  "stations",
  "interval",
  "publish",
  "areas",
  "areas-property",
  "feeds",
  "contact",
  "geocode",
  "catalogue",
  "max-requests",
  "allow-private-addresses",
  "allow-insecure-http",
  "data-dir",
] as const satisfies readonly OptionName[];

/** How the page and the API are served. */
export const SERVE_OPTIONS = [
  "host",
  "port",
  "cors",
  "rate-limit",
  "max-streams",
  "max-streams-per-address",
  "allow-host",
  "trust-proxy",
  "base-path",
  "frame-ancestors",
  "tiles",
  "tiles-attribution",
] as const satisfies readonly OptionName[];

/** How the history is kept. */
export const ARCHIVE_OPTIONS = ["data-dir", "retain"] as const satisfies readonly OptionName[];

/** What is told to an MQTT broker. */
export const MQTT_OPTION_NAMES = [
  "mqtt",
  "mqtt-stations",
  "mqtt-topic",
  "mqtt-discovery",
  "mqtt-username",
  "mqtt-password",
  "mqtt-ca-file",
] as const satisfies readonly OptionName[];
