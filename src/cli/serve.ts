/** `velostream serve`: the page and the API over what Kafka holds; collects nothing. */
import type { Command } from "./command.ts";
import { KAFKA_OPTIONS, MQTT_OPTION_NAMES, SERVE_OPTIONS, TOPIC_OPTIONS } from "./option-lists.ts";
import { FOR_A_WHILE, NEEDED_BROKERS } from "./option-texts.ts";
import { runSession } from "./session.ts";
import { requireBrokers } from "./require-brokers.ts";

export const serve: Command = {
  usage: "[options]",
  description:
    "Serves the live page and the API from the log alone: reads both topics from their start, so that it can be started and stopped anywhere, any number of times. Something else collects and aggregates. The history is that of --data-dir, where there is one.",
  examples: [
    { command: "velostream serve --brokers localhost:9092", does: "The page on http://127.0.0.1:8080." },
    {
      command: "velostream serve --brokers localhost:9092 --host 0.0.0.0 --port 80",
      does: "The same, for other machines.",
    },
  ],
  options: [...KAFKA_OPTIONS, ...TOPIC_OPTIONS, ...SERVE_OPTIONS, ...MQTT_OPTION_NAMES, "data-dir", "for"],
  optionTexts: { brokers: NEEDED_BROKERS, for: FOR_A_WHILE },
  run: async (context) => {
    requireBrokers(context, "serve");
    return runSession({
      context,
      supply: null,
      lossless: false,
      aggregate: false,
      serve: true,
      archive: "read",
    });
  },
};
