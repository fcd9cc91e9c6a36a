/** Says what could not be summed: to the rejects topic, to the metrics, and once to the operator. */
import type { LogProducer, Logger, Metrics, ProduceRecord, TopicNames } from "../../ports.ts";

export async function publishRejects(
  rejects: readonly ProduceRecord[],
  to: {
    readonly producer: LogProducer;
    readonly topics: TopicNames;
    readonly metrics: Metrics;
    readonly logger: Logger;
  },
  signal: AbortSignal,
): Promise<void> {
  if (rejects.length === 0) return;
  for (const reject of rejects) {
    const { reason } = JSON.parse(String(reject.value)) as { reason: string };
    to.metrics.count("velostream_rejects_total", { stage: "aggregate", reason });
  }
  to.logger.warn(
    "spark.rejects",
    `${rejects.length} records of ${to.topics.raw} cannot be summed; they are in ${to.topics.rejects} with the reason. Spark needs records with postcode and slot, as \`velostream collect\` writes them.`,
  );
  await to.producer.publish(rejects, signal);
}
