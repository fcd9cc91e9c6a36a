/** The MQTT sink's rows of the table of options. */
import type { OptionRow } from "../../../config/option-types.ts";

export const MQTT_OPTIONS = {
  mqtt: {
    kind: "string",
    metavar: "URL",
    default: null,
    group: "mqtt",
    help: "Broker that areas and stations are told to, as mqtt://HOST:PORT, or mqtts:// for TLS.",
  },
  "mqtt-stations": {
    kind: "list",
    metavar: "CODES",
    default: [],
    group: "mqtt",
    help: "Stations to tell of, by code or id, comma separated; all for every one. Without it only areas are told.",
  },
  "mqtt-topic": {
    kind: "string",
    metavar: "TOPIC",
    default: "velostream",
    group: "mqtt",
    help: "What all topics begin with. Give each pipeline of a broker its own: what is not its own below it is removed.",
  },
  "mqtt-discovery": {
    kind: "string",
    metavar: "TOPIC",
    default: "homeassistant",
    group: "mqtt",
    help: "Home Assistant's discovery prefix; none for no discovery.",
  },
  "mqtt-username": {
    kind: "string",
    metavar: "NAME",
    default: null,
    group: "mqtt",
    help: "User name at the broker.",
  },
  "mqtt-password": { kind: "secret", default: null, group: "mqtt", help: "Password at the broker." },
  "mqtt-ca-file": {
    kind: "path",
    metavar: "FILE",
    default: null,
    group: "mqtt",
    help: "PEM certificates to trust instead of the system's, with mqtts://.",
  },
} as const satisfies Record<string, OptionRow>;
