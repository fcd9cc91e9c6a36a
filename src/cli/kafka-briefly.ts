/** Kafka for a command whose user waits for the answer: opened for one look, given up on soon. */
import { ConfigError } from "../errors.ts";
import { KafkaLog } from "../log/kafka/kafka-log.ts";
import { createMetrics } from "../telemetry/metrics.ts";
import type { CommandContext } from "./command.ts";
import { kafkaAccess } from "../session/kafka-access.ts";

/** Below the time after which an outage is logged: the error says it all. */
const PATIENCE_MS = 1_500;

/** @throws LogError when no broker answers soon */
export async function withKafka<T>(
  { settings, clock, logger }: CommandContext,
  act: (log: KafkaLog) => Promise<T>,
): Promise<T> {
  const access = kafkaAccess(settings);
  if (access === null) throw new ConfigError("--brokers names no broker. Write it like localhost:9092.");
  const metrics = createMetrics({ process: false });
  const log = new KafkaLog({ access, clock, logger, metrics, adminPatienceMs: PATIENCE_MS });
  try {
    return await act(log);
  } finally {
    await log.close();
  }
}
