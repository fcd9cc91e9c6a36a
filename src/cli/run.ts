/** `run`: everything in one process, on a memory log or on Kafka. */
import type { Command } from "./command.ts";
import {
  ARCHIVE_OPTIONS,
  FEED_OPTIONS,
  GROUP_OPTIONS,
  KAFKA_OPTIONS,
  MQTT_OPTION_NAMES,
  SERVE_OPTIONS,
  TOPIC_OPTIONS,
  WRITE_OPTIONS,
} from "./option-lists.ts";
import { openFeeds } from "../stages/collect/open-feeds.ts";
import { runSession } from "./session.ts";

export const run: Command = {
  usage: "[options]",
  description:
    "Collects a feed, aggregates it per area, and shows it: a live table here, the map and the API in the browser. Keeps the history in ./velostream-data. With --brokers the records go over Kafka, else they stay in this process.",
  examples: [
    { command: "npm start", does: "Vélib' Métropole, live." },
    {
      command:
        "velostream run --stations 16107,32017 --interval 1s --publish every-poll --brokers localhost:9092",
      does: "Two stations, every second, over Kafka.",
    },
    {
      command: "velostream run --feed https://gbfs.example.org/gbfs.json --json",
      does: "Another system; its totals as NDJSON on stdout.",
    },
  ],
  options: [
    ...FEED_OPTIONS,
    ...KAFKA_OPTIONS,
    ...TOPIC_OPTIONS,
    ...WRITE_OPTIONS,
    ...GROUP_OPTIONS,
    "serve",
    ...SERVE_OPTIONS,
    ...MQTT_OPTION_NAMES,
    "archive",
    ...ARCHIVE_OPTIONS,
    "json",
    "for",
  ],
  run: async (context) =>
    runSession({
      context,
      supply: openFeeds(context),
      lossless: false,
      aggregate: true,
      serve: context.settings.serve,
      archive: context.settings.archive ? "wanted" : "none",
    }),
};
