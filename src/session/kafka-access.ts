/** How to reach Kafka, from the settings; reads the files they name. */
import { readFileSync } from "node:fs";
import { createSecureContext, type SecureContextOptions } from "node:tls";
import type { OptionName, Settings } from "../config/options.ts";
import { ConfigError } from "../errors.ts";
import type { KafkaAccess, KafkaSasl, KafkaTls, SaslMechanism } from "../log/kafka/access.ts";

/**
 * @returns null when no brokers are named: the log is in memory
 * @throws ConfigError when the settings contradict each other or a file cannot be read
 */
export function kafkaAccess(settings: Settings): KafkaAccess | null {
  if (settings.brokers === null || settings.brokers.length === 0) return null;
  return {
    brokers: settings.brokers.map(withPort),
    clientId: "velostream",
    tls: tlsOf(settings),
    sasl: saslOf(settings),
    checkCrcs: settings["check-crcs"],
  };
}

const DEFAULT_PORT = 9092;

function withPort(broker: string): string {
  const match = /^(?<host>\[[\da-f:.]+\]|[^\s:/@]+)(?::(?<port>\d{1,5}))?$/i.exec(broker);
  const port = Number(match?.groups?.["port"] ?? DEFAULT_PORT);
  if (match === null || port < 1 || port > 65_535)
    throw new ConfigError(
      "--brokers: an address is not HOST:PORT. Write it like localhost:9092, and give the login with --kafka-username.",
    );
  return `${match.groups?.["host"] ?? ""}:${port}`;
}

function tlsOf(settings: Settings): KafkaTls | null {
  const ca = textOf(settings, "kafka-ca-file");
  const cert = textOf(settings, "kafka-cert-file");
  const key = textOf(settings, "kafka-key-file");
  if ((cert === null) !== (key === null))
    throw new ConfigError("--kafka-cert-file and --kafka-key-file belong together. Give both or neither.");
  if (!settings["kafka-tls"] && ca === null && cert === null) return null;
  requireCertificates(settings, "kafka-ca-file", ca === null ? {} : { ca });
  requireCertificates(settings, "kafka-cert-file", cert === null ? {} : { cert });
  requireCertificates(settings, "kafka-key-file", key === null ? {} : { key });
  const own = { ...(cert === null ? {} : { cert }), ...(key === null ? {} : { key }) };
  requireCertificates(settings, "kafka-key-file", own);
  return { ...(ca === null ? {} : { ca }), ...own };
}

/** Now, when the file can still be named: on a connection it would be an error of OpenSSL's, again and again. */
export function requireCertificates(
  settings: Settings,
  option: OptionName,
  parts: SecureContextOptions,
): void {
  try {
    // OpenSSL takes a text without any certificate for an empty list of authorities.
    createSecureContext(parts.ca === undefined ? parts : { cert: parts.ca });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "";
    const path = String(settings[option]);
    throw new ConfigError(
      code === "ERR_OSSL_X509_KEY_VALUES_MISMATCH"
        ? `--kafka-key-file: ${path} is not the key of ${String(settings["kafka-cert-file"])}. Give the two that were made together.`
        : code === "ERR_MISSING_PASSPHRASE" || code.includes("INTERRUPTED_OR_CANCELLED")
          ? `--${option}: ${path} is encrypted. Give a key without a passphrase, readable by this user only.`
          : `--${option}: ${path} holds nothing in PEM that can be used as such (${code || "unreadable"}). Check the file.`,
      { cause: error },
    );
  }
}

function saslOf(settings: Settings): KafkaSasl | null {
  const mechanism = settings["kafka-sasl-mechanism"] as SaslMechanism | null;
  const username = settings["kafka-username"];
  const password = settings["kafka-password"];
  const tokenFile = settings["kafka-token-file"];
  if (mechanism === null) {
    if (username !== null || password !== null || tokenFile !== null)
      throw new ConfigError(
        "A Kafka login is given, but not how to use it. Set --kafka-sasl-mechanism, e.g. SCRAM-SHA-256.",
      );
    return null;
  }
  if (mechanism === "OAUTHBEARER") {
    if (tokenFile === null)
      throw new ConfigError(
        "OAUTHBEARER needs a token. Name the file that holds it with --kafka-token-file.",
      );
    // Tokens expire: whoever renews this one writes the file anew, and the next login reads it.
    return { mechanism, token: () => (textOf(settings, "kafka-token-file") ?? "").trim() };
  }
  if (username === null || password === null)
    throw new ConfigError(
      `${mechanism} needs --kafka-username, and the password in VELOSTREAM_KAFKA_PASSWORD or in a file named by VELOSTREAM_KAFKA_PASSWORD_FILE. Set both.`,
    );
  return { mechanism, username, password };
}

function textOf(settings: Settings, option: OptionName): string | null {
  const path = settings[option];
  if (typeof path !== "string") return null;
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unreadable";
    throw new ConfigError(`--${option}: ${path} cannot be read (${code}). Check the path.`, { cause: error });
  }
}
