/** The MQTT sink's rows of the table of metrics. */
import type { MetricRow } from "../../../telemetry/metric-row.ts";

export const MQTT_METRICS = {
  velostream_mqtt_messages_total: {
    kind: "counter",
    help: "Retained messages the MQTT broker has acknowledged, by what they did (told, cleared).",
    labels: ["outcome"],
  },
  velostream_mqtt_connected: {
    kind: "gauge",
    help: "1 while the MQTT broker is connected.",
    labels: [],
  },
} as const satisfies Record<string, MetricRow>;
