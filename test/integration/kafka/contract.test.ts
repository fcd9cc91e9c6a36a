/** The Kafka log keeps the log contract, on every version of the compatibility matrix. */
import { KAFKA_VERSIONS } from "../../../infra/kafka/jars.ts";
import { logContract } from "../../contract/log-contract.ts";
import { openLog, startTestBroker } from "../../support/kafka.ts";

for (const version of KAFKA_VERSIONS)
  logContract({
    name: `Kafka ${version}`,
    start: async () => {
      const broker = await startTestBroker({ version });
      return { open: () => Promise.resolve(openLog(broker.brokers)), stop: async () => broker.stop() };
    },
  });
