/** A real Kafka for tests, and logs opened on it. */
import { type BrokerOptions, type RunningBroker, startBroker } from "../../infra/kafka/broker.ts";
import type { KafkaAccess } from "../../src/log/kafka/access.ts";
import { KafkaLog, type KafkaLogOptions } from "../../src/log/kafka/kafka-log.ts";
import type { Logger } from "../../src/ports.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { systemClock } from "../../src/telemetry/system-clock.ts";

export interface LoggedEvent {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly event: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A logger that remembers. */
export function recordingLogger(): Logger & { readonly events: LoggedEvent[] } {
  const events: LoggedEvent[] = [];
  const level =
    (name: LoggedEvent["level"]) =>
    (event: string, message: string, fields: Readonly<Record<string, unknown>> = {}): void => {
      events.push({ level: name, event, message, fields });
    };
  return { events, debug: level("debug"), info: level("info"), warn: level("warn"), error: level("error") };
}

export function accessTo(brokers: readonly string[]): KafkaAccess {
  return { brokers, clientId: "velostream-test", tls: null, sasl: null };
}

export function openLog(brokers: readonly string[], options: Partial<KafkaLogOptions> = {}): KafkaLog {
  return new KafkaLog({
    access: accessTo(brokers),
    clock: systemClock,
    logger: recordingLogger(),
    metrics: createMetrics({ process: false }),
    // Members that leave without a word are noticed in 2 s, members that join at the next beat.
    times: { sessionTimeoutMs: 3_000, heartbeatIntervalMs: 200, rebalanceTimeoutMs: 10_000 },
    ...options,
  });
}

export async function startTestBroker(options: BrokerOptions = {}): Promise<RunningBroker> {
  return startBroker({ heapMb: 384, ...options });
}
