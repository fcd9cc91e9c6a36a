/** The floor: what one writes first. Each message parsed, its area counted again, one record sent and waited for. */
import { Kafka, logLevel } from "kafkajs";

const [broker = "", raw = "", totals = "", group = ""] = process.argv.slice(2);
const kafka = new Kafka({ clientId: "peer", brokers: [broker], logLevel: logLevel.ERROR });

interface Station {
  postcode: string;
  nbr_total: number;
  nbr_elec: number;
  nbr_meca: number;
  nbr_docks: number;
  observed_at: number;
}
const stations = new Map<string, Station>();

const consumer = kafka.consumer({ groupId: group, readUncommitted: false });
const producer = kafka.producer();
await Promise.all([consumer.connect(), producer.connect()]);
await consumer.subscribe({ topic: raw, fromBeginning: true });
await consumer.run({
  eachMessage: async ({ message: { key, value } }) => {
    const station = JSON.parse(value?.toString() ?? "null") as Station;
    stations.set(key?.toString() ?? "", station);
    const here = [...stations.values()].filter(({ postcode }) => postcode === station.postcode);
    const sum = (field: "nbr_total" | "nbr_elec" | "nbr_meca" | "nbr_docks"): number =>
      here.reduce((total, one) => total + one[field], 0);
    const area = {
      postcode: station.postcode,
      nbr_total: sum("nbr_total"),
      nbr_elec: sum("nbr_elec"),
      nbr_meca: sum("nbr_meca"),
      stations: here.length,
      docks: sum("nbr_docks"),
      as_of: Math.max(...here.map(({ observed_at }) => observed_at)),
    };
    await producer.send({
      topic: totals,
      messages: [{ key: station.postcode, value: JSON.stringify(area) }],
    });
  },
});
