/** The MQTT sink that the settings ask for; the client library is loaded when it first connects. */
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { stationSelection } from "../../../domain/station-selection.ts";
import { ConfigError } from "../../../errors.ts";
import type { ReferenceReader } from "../../../record/raw-record.ts";
import { MqttStage } from "./mqtt.ts";

/** The sink's rows of the table of options, settled. */
export interface MqttSettings {
  readonly mqtt: string | null;
  readonly "mqtt-stations": readonly string[];
  readonly "mqtt-topic": string;
  readonly "mqtt-discovery": string;
  readonly "mqtt-username": string | null;
  readonly "mqtt-password": string | null;
  readonly "mqtt-ca-file": string | null;
}

const CONNECT_TIMEOUT_MS = 10_000;

/** @returns null where no broker is named. @throws ConfigError when a setting cannot be used */
export function openMqtt(settings: MqttSettings, readReference: ReferenceReader): MqttStage | null {
  if (settings.mqtt === null) return null;
  const url = brokerUrl(settings.mqtt);
  const prefix = topicOf("mqtt-topic", settings["mqtt-topic"]);
  const discovery =
    settings["mqtt-discovery"] === "none" ? null : topicOf("mqtt-discovery", settings["mqtt-discovery"]);
  const login = {
    ...(settings["mqtt-username"] === null ? {} : { username: settings["mqtt-username"] }),
    ...(settings["mqtt-password"] === null ? {} : { password: settings["mqtt-password"] }),
  };
  const ca = settings["mqtt-ca-file"] === null ? {} : { ca: certificates(settings["mqtt-ca-file"]) };
  if (settings["mqtt-ca-file"] !== null && url.protocol !== "mqtts:")
    throw new ConfigError(
      "--mqtt-ca-file is given, but --mqtt is not called by TLS. Write it as mqtts://, or leave the file out.",
    );
  return new MqttStage({
    broker: url.host,
    prefix,
    discovery,
    stations:
      settings["mqtt-stations"].length === 0 ? new Set() : stationSelection(settings["mqtt-stations"]),
    readReference,
    connect: async (options) => {
      const { connect } = await import("mqtt");
      return connect(url.href, {
        ...options,
        ...login,
        ...ca,
        protocolVersion: 5,
        clean: true,
        // A connection is used once (retained.ts).
        reconnectPeriod: 0,
        resubscribe: false,
        queueQoSZero: false,
        connectTimeout: CONNECT_TIMEOUT_MS,
        keepalive: 15,
      });
    },
  });
}

function brokerUrl(text: string): URL {
  const url = URL.parse(text);
  if (
    url === null ||
    !/^mqtts?:$/.test(url.protocol) ||
    url.hostname === "" ||
    !/^\/?$/.test(url.pathname + url.search)
  )
    throw new ConfigError(
      "--mqtt: not the address of a broker. Write it like mqtt://localhost:1883, or mqtts:// for TLS.",
    );
  if (url.username !== "" || url.password !== "")
    throw new ConfigError(
      "--mqtt: a user or password does not belong into the address. Give them with --mqtt-username and VELOSTREAM_MQTT_PASSWORD.",
    );
  return url;
}

function topicOf(option: string, topic: string): string {
  if (/^[^/+#$\p{Cc}][^+#\p{Cc}]{0,199}$/u.test(topic) && !topic.endsWith("/")) return topic;
  throw new ConfigError(
    `--${option}: ${JSON.stringify(topic)} cannot begin a topic. Write one like velostream or home/bikes.`,
  );
}

function certificates(path: string): Buffer {
  let pem: Buffer;
  try {
    pem = readFileSync(path);
  } catch (error) {
    throw new ConfigError(
      `--mqtt-ca-file: ${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? "unknown error"}). Name a PEM file.`,
      { cause: error },
    );
  }
  // OpenSSL takes a text without any certificate for an empty list of authorities.
  try {
    void new X509Certificate(pem);
  } catch (error) {
    throw new ConfigError(`--mqtt-ca-file: ${path} holds no certificate in PEM. Check the file.`, {
      cause: error,
    });
  }
  return pem;
}
