/** What commands say that work on Kafka alone, where no broker is named. */
import { UsageError } from "../errors.ts";
import type { CommandContext } from "./command.ts";

/** @throws UsageError when no brokers are named: another process's memory log cannot be joined */
export function requireBrokers({ settings }: CommandContext, command: string): void {
  if (settings.brokers !== null) return;
  throw new UsageError(
    `"velostream ${command}" works on Kafka's topics and no broker is named. Add --brokers HOST:PORT, or use "velostream run", which does everything in one process.`,
  );
}
