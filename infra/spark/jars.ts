/** Spark's published Maven artifacts, laid out as a Spark home. */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { jarsFolder } from "../maven.ts";

/** The newest with its Connect server published for Java 17; also in pom.xml. */
export const SPARK_VERSION = "4.2.0";

/**
 * A Spark home: a folder with `jars/`, which is all that Spark's own launchers of executors look for.
 * @param report told one line when a download starts and one when it ends
 */
export async function sparkHome(report: (line: string) => void): Promise<string> {
  const jars = await jarsFolder(
    {
      name: `Spark ${SPARK_VERSION}`,
      size: "about 300 MB",
      pomFile: fileURLToPath(new URL("pom.xml", import.meta.url)),
      folder: join("spark", SPARK_VERSION, "jars"),
    },
    report,
  );
  return dirname(jars);
}
