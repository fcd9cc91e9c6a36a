/** How to reach Spark, and how Spark reaches Kafka, from the settings. */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { OptionName, Settings } from "../config/options.ts";
import { ConfigError } from "../errors.ts";
import type { KafkaAccess } from "../log/kafka/access.ts";
import type { Clock } from "../ports.ts";
import { isLoopback, parseSparkAddress, type SparkAddress } from "../spark/address.ts";
import { type QueryStart, SparkSession } from "../spark/session.ts";
import { sparkErrorOf } from "../stages/aggregate-spark/spark-errors.ts";
import { kafkaAccess, requireCertificates } from "../session/kafka-access.ts";

export const SPARK_OPTIONS = [
  "engine",
  "spark",
  "spark-token",
  "spark-ca-file",
  "spark-brokers",
  "spark-checkpoints",
  "spark-interval",
  "spark-real-time",
  "spark-tasks",
  "spark-patience",
] as const satisfies readonly OptionName[];

const DEFAULT_ADDRESS = "sc://localhost:15002";
/** Spark's trigger counts in milliseconds at best. */
const REAL_TIME_LEAST_MS = 1_000;

export function sparkAddress(settings: Settings): SparkAddress {
  try {
    return parseSparkAddress(settings.spark ?? DEFAULT_ADDRESS);
  } catch (error) {
    throw sparkErrorOf(error);
  }
}

/** Opens sessions with the settings' token and certificate. */
export function sessionFactory(settings: Settings, clock: Clock): (sessionId?: string) => SparkSession {
  const address = sparkAddress(settings);
  const caFile = settings["spark-ca-file"];
  if (caFile !== null && !address.tls)
    throw new ConfigError(
      `--spark-ca-file is given, but ${address.label} is called without TLS. Write it as ${address.label}/;use_ssl=true.`,
    );
  const ca = caFile === null ? null : readPem("spark-ca-file", caFile);
  if (ca !== null) requireCertificates(settings, "spark-ca-file", { ca });
  return (sessionId) =>
    new SparkSession({
      address,
      ca,
      clock,
      asError: sparkErrorOf,
      token: settings["spark-token"],
      ...(sessionId === undefined ? {} : { sessionId }),
    });
}

/** Whether the token would cross a network in the clear. */
export function sendsTokenInClear(settings: Settings): boolean {
  const address = sparkAddress(settings);
  return settings["spark-token"] !== null && !address.tls && !isLoopback(address);
}

/** Where the supervisor keeps what it must remember. */
export function queryRecordFile(settings: Settings): string {
  return join(settings["data-dir"], "spark", "query.json");
}

/** Where Spark keeps its checkpoints, as Spark sees it. */
export function checkpointsFolder(settings: Settings): string {
  const given = settings["spark-checkpoints"];
  if (given !== null) return given;
  const address = sparkAddress(settings);
  if (isLoopback(address)) return pathToFileURL(resolve(settings["data-dir"], "spark", "checkpoints")).href;
  throw new ConfigError(
    `Spark runs elsewhere (${address.label}), so a folder of this machine cannot hold its checkpoints. Name one that the whole cluster reaches with --spark-checkpoints, e.g. s3a://bucket/velostream.`,
  );
}

export function sparkTrigger(settings: Settings): QueryStart["trigger"] {
  const realTimeMs = settings["spark-real-time"];
  if (realTimeMs === null)
    return { kind: "interval", interval: `${settings["spark-interval"]} milliseconds` };
  if (realTimeMs < REAL_TIME_LEAST_MS)
    throw new ConfigError("--spark-real-time is less than a second. Write e.g. 1m.");
  return { kind: "real-time", batchDuration: `${realTimeMs} milliseconds` };
}

/** Kafka's settings for Spark's connector: the same brokers, certificates and login as ours. */
export function sparkKafkaOptions(settings: Settings): Readonly<Record<string, string>> {
  const access = kafkaAccess(settings);
  if (access === null)
    throw new ConfigError(
      "--engine spark needs Kafka. Name its brokers, e.g. with --brokers localhost:9092.",
    );
  const brokers = settings["spark-brokers"] ?? access.brokers;
  return Object.fromEntries(
    Object.entries({
      "bootstrap.servers": brokers.join(","),
      "security.protocol": `${access.sasl === null ? "" : "SASL_"}${access.tls === null ? "PLAINTEXT" : "SSL"}`,
      ...tlsOptions(access),
      ...saslOptions(access),
    }).map(([name, value]) => [`kafka.${name}`, value]),
  );
}

function tlsOptions({ tls }: KafkaAccess): Record<string, string> {
  if (tls === null) return {};
  return {
    ...(tls.ca === undefined ? {} : { "ssl.truststore.type": "PEM", "ssl.truststore.certificates": tls.ca }),
    ...(tls.cert === undefined || tls.key === undefined
      ? {}
      : {
          "ssl.keystore.type": "PEM",
          "ssl.keystore.certificate.chain": tls.cert,
          "ssl.keystore.key": tls.key,
        }),
  };
}

function saslOptions({ sasl }: KafkaAccess): Record<string, string> {
  if (sasl === null) return {};
  if (sasl.mechanism === "OAUTHBEARER")
    throw new ConfigError(
      "OAUTHBEARER tokens cannot be handed to Spark, which would use them after they expire. Give Spark a login of its own, e.g. SCRAM-SHA-256.",
    );
  const login = sasl.mechanism === "PLAIN" ? "plain.PlainLoginModule" : "scram.ScramLoginModule";
  return {
    "sasl.mechanism": sasl.mechanism,
    "sasl.jaas.config": `org.apache.kafka.common.security.${login} required username=${quoted(sasl.username)} password=${quoted(sasl.password)};`,
  };
}

/** JAAS strings are quoted as Java's are. */
function quoted(text = ""): string {
  return `"${text.replace(/["\\]/g, String.raw`\$&`)}"`;
}

function readPem(option: OptionName, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ConfigError(`--${option}: ${path} cannot be read (${code ?? "unreadable"}). Check the path.`, {
      cause: error,
    });
  }
}
