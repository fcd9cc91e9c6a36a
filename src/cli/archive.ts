/** `archive`: keeps the records of both topics as history, over Kafka. */
import type { Command } from "./command.ts";
import { ARCHIVE_OPTIONS, KAFKA_OPTIONS, METRICS_OPTIONS, TOPIC_OPTIONS } from "./option-lists.ts";
import { FOR_A_WHILE, NEEDED_BROKERS } from "./option-texts.ts";
import { runSession } from "./session.ts";
import { requireBrokers } from "./require-brokers.ts";

export const archive: Command = {
  usage: "[options]",
  description:
    "Reads the station records and the totals from where it left off, and keeps every one as Parquet files under --data-dir, exactly once. One process writes a folder; any number may read it.",
  examples: [
    { command: "velostream archive --brokers localhost:9092", does: "Into ./velostream-data." },
    {
      command: "velostream archive --brokers localhost:9092 --data-dir /var/lib/velostream --retain 365d",
      does: "A year, elsewhere.",
    },
  ],
  options: [...KAFKA_OPTIONS, ...TOPIC_OPTIONS, ...ARCHIVE_OPTIONS, ...METRICS_OPTIONS, "for"],
  optionTexts: { brokers: NEEDED_BROKERS, for: FOR_A_WHILE },
  run: async (context) => {
    requireBrokers(context, "archive");
    return runSession({
      context,
      supply: null,
      lossless: false,
      aggregate: false,
      archive: "required",
    });
  },
};
