/**
 * A worker process that stops itself (SIGSTOP) between taking records and committing them, once: the worst moment
 * to be away for longer than a session. Prints a line when it is about to, and one when it has stopped for good.
 */
import { writeSync } from "node:fs";
import { KafkaLog } from "../../src/log/kafka/kafka-log.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { systemClock } from "../../src/telemetry/system-clock.ts";
import { accessTo } from "./kafka.ts";

const [brokers = "", raw = "", totals = "", group = ""] = process.argv.slice(2);
const say = (event: string, message: string): void => console.error(`${event} ${message}`);
const log = new KafkaLog({
  access: accessTo(brokers.split(",")),
  clock: systemClock,
  logger: { debug: say, info: say, warn: say, error: say },
  metrics: createMetrics({ process: false }),
  times: { sessionTimeoutMs: 2_000, heartbeatIntervalMs: 200, rebalanceTimeoutMs: 10_000 },
});
let stopped = false;
const handle = await log.process(
  { topic: raw, group },
  {
    async restore(_partition, history) {
      for await (const _records of history);
    },
    process(_partition, records) {
      if (!stopped) {
        stopped = true;
        writeSync(2, "stopping\n");
        process.kill(process.pid, "SIGSTOP");
      }
      return records.map((record) => ({
        topic: totals,
        key: record.key,
        value: "zombie",
        partitionKey: record.key ?? "",
      }));
    },
    release() {},
  },
);
process.once("SIGTERM", () => void handle.stop());
await handle.done;
await log.close();
