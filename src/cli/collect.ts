/** `collect`: a feed to station records over Kafka, and nothing else. */
import type { Command } from "./command.ts";
import {
  FEED_OPTIONS,
  KAFKA_OPTIONS,
  METRICS_OPTIONS,
  TOPIC_OPTIONS,
  WRITE_OPTIONS,
} from "./option-lists.ts";
import { CACHES_ONLY, NEEDED_BROKERS } from "./option-texts.ts";
import { openFeeds } from "../stages/collect/open-feeds.ts";
import { runSession } from "./session.ts";
import { requireBrokers } from "./require-brokers.ts";

export const collect: Command = {
  usage: "[options]",
  description:
    "Polls a feed and publishes each station that changed (or every station at every poll). Start one for each system: one collector writes a system's records, in order.",
  examples: [
    { command: "velostream collect --brokers localhost:9092", does: "Vélib' Métropole." },
    {
      command: "velostream collect --brokers localhost:9092 --stations 16107,32017 --interval 1s",
      does: "Two of its stations, polled every second.",
    },
  ],
  options: [...FEED_OPTIONS, ...KAFKA_OPTIONS, ...TOPIC_OPTIONS, ...WRITE_OPTIONS, ...METRICS_OPTIONS, "for"],
  optionTexts: { brokers: NEEDED_BROKERS, "data-dir": CACHES_ONLY },
  run: async (context) => {
    requireBrokers(context, "collect");
    return runSession({
      context,
      supply: openFeeds(context),
      lossless: false,
      aggregate: false,
    });
  },
};
