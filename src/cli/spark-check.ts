/** What `doctor` finds out about Spark: the server, its version, and whether Kafka can be reached from there. */
import type { Settings } from "../config/options.ts";
import { SparkError } from "../errors.ts";
import type { Clock } from "../ports.ts";
import { isForgotten } from "../stages/aggregate-spark/spark-errors.ts";
import { loadQueryRecord } from "../stages/aggregate-spark/query-record.ts";
import { limit, read } from "../spark/relations.ts";
import { queryName } from "../stages/aggregate-spark/totals-query.ts";
import type { CommandContext } from "./command.ts";
import type { Finding } from "./finding.ts";
import { queryRecordFile, sessionFactory, sparkAddress, sparkKafkaOptions } from "./spark-settings.ts";

const LEAST_MAJOR = 4;
/** A broker that Spark cannot reach is found out this fast, instead of after minutes. */
const KAFKA_TIMEOUT_MS = "5000";

/** Whether the query that this data folder knows of runs, in half a sentence: asked of the server, not of the file. */
async function describeQuery(settings: Settings, clock: Clock): Promise<string> {
  const kept = await loadQueryRecord(queryRecordFile(settings));
  const none = "no query of this data folder runs there";
  const [raw, totals] = [settings["raw-topic"], settings["totals-topic"]];
  if (kept?.started !== true || kept.rawTopic !== raw || kept.totalsTopic !== totals) return none;
  const session = sessionFactory(settings, clock)(kept.sessionId);
  try {
    return (await session.activeQuery(queryName(kept))) === null ? none : "its query of the totals runs";
  } catch (error) {
    if (error instanceof SparkError && isForgotten(error)) return none;
    throw error;
  } finally {
    session.close();
  }
}

export async function checkSpark({ settings, clock }: CommandContext): Promise<Finding> {
  const address = sparkAddress(settings);
  const session = sessionFactory(settings, clock)();
  try {
    const version = await session.version();
    if (Number(version.split(".")[0]) < LEAST_MAJOR)
      return {
        ok: false,
        says: `Spark at ${address.label} is ${version}; velostream needs 4.0 or newer. Upgrade it, or aggregate with --engine node.`,
      };
    if (settings.brokers === null)
      return { ok: true, says: `Spark ${version} at ${address.label}; Kafka was not tried from there.` };
    const rows = await session.countRows(
      limit(
        read(
          "kafka",
          {
            ...sparkKafkaOptions(settings),
            "kafka.request.timeout.ms": KAFKA_TIMEOUT_MS,
            "kafka.default.api.timeout.ms": KAFKA_TIMEOUT_MS,
            "fetchOffset.numRetries": "1",
            subscribe: settings["raw-topic"],
            startingOffsets: "earliest",
          },
          false,
        ),
        1,
      ),
    );
    const topic = settings["raw-topic"];
    const query = await describeQuery(settings, clock);
    return {
      ok: true,
      says: `Spark ${version} at ${address.label} reads topic ${topic}${rows === 0 ? ", which is empty" : ""}; ${query}.`,
    };
  } catch (error) {
    if (!(error instanceof SparkError) || error.code !== "VELOSTREAM_SPARK_FAILED" || isForgotten(error))
      throw error;
    const reason =
      error.details["errorClass"] === "DATA_SOURCE_NOT_FOUND"
        ? "has no Kafka connector. Start it with --packages org.apache.spark:spark-sql-kafka-0-10_2.13 of its own version"
        : `cannot read topic ${settings["raw-topic"]}. Check that the brokers' addresses are reachable from there (--spark-brokers)`;
    return { ok: false, says: `Spark at ${address.label} ${reason}. ${error.message}` };
  } finally {
    await session.release().catch(() => {});
    session.close();
  }
}
