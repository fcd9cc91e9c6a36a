/** Kafka's published Maven artifacts, per version. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { jarsFolder } from "../maven.ts";

/** The broker versions of the compatibility matrix (docs/kafka.md). Newest first. */
export const KAFKA_VERSIONS = ["4.4.0", "3.6.1", "2.6.0"] as const;
export type KafkaVersion = (typeof KAFKA_VERSIONS)[number];
export const NEWEST: KafkaVersion = KAFKA_VERSIONS[0];

/**
 * The class path of one version's jars; downloads them with Maven the first time.
 * @param report told one line when a download starts and one when it ends
 */
export async function kafkaClassPath(version: KafkaVersion, report: (line: string) => void): Promise<string> {
  const folder = await jarsFolder(
    {
      name: `Kafka ${version}`,
      size: "50 to 80 MB",
      pomFile: fileURLToPath(new URL(`jars/${version}/pom.xml`, import.meta.url)),
      folder: join("kafka", version),
    },
    report,
  );
  return join(folder, "*");
}
