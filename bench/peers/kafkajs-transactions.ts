/** The peer on kafkajs: a consumer group, subtract and add, outputs and offsets in one transaction per batch. */
import { Kafka, logLevel } from "kafkajs";

const [broker = "", raw = "", totals = "", group = ""] = process.argv.slice(2);
const kafka = new Kafka({ clientId: "peer", brokers: [broker], logLevel: logLevel.ERROR });

interface Station {
  readonly postcode: string;
  readonly nbr_total: number;
  readonly nbr_elec: number;
  readonly nbr_meca: number;
  readonly nbr_docks: number;
  readonly observed_at: number;
  readonly retired?: boolean;
}
interface Area {
  stations: number;
  nbr_total: number;
  nbr_elec: number;
  nbr_meca: number;
  docks: number;
  as_of: number;
}

const stations = new Map<string, Station>();
const areas = new Map<string, Area>();

function add(station: Station, sign: 1 | -1): void {
  let area = areas.get(station.postcode);
  if (area === undefined) {
    area = { stations: 0, nbr_total: 0, nbr_elec: 0, nbr_meca: 0, docks: 0, as_of: 0 };
    areas.set(station.postcode, area);
  }
  area.stations += sign;
  area.nbr_total += sign * station.nbr_total;
  area.nbr_elec += sign * station.nbr_elec;
  area.nbr_meca += sign * station.nbr_meca;
  area.docks += sign * station.nbr_docks;
  area.as_of = Math.max(area.as_of, station.observed_at);
}

const consumer = kafka.consumer({
  groupId: group,
  readUncommitted: false,
  maxBytes: 16 * 1024 * 1024,
  maxBytesPerPartition: 4 * 1024 * 1024,
});
// A transactional id per process, as its documentation has it for one instance.
const producer = kafka.producer({ transactionalId: group, maxInFlightRequests: 1, idempotent: true });
await Promise.all([consumer.connect(), producer.connect()]);
await consumer.subscribe({ topic: raw, fromBeginning: true });
await consumer.run({
  autoCommit: false,
  eachBatchAutoResolve: false,
  partitionsConsumedConcurrently: 1,
  eachBatch: async (payload) => {
    const { batch } = payload;
    const touched = new Set<string>();
    for (const { key, value } of batch.messages) {
      const id = key?.toString() ?? "";
      const held = stations.get(id);
      const next = value === null ? null : (JSON.parse(value.toString()) as Station);
      if (held !== undefined && next !== null && next.observed_at < held.observed_at) continue;
      if (held !== undefined) {
        add(held, -1);
        touched.add(held.postcode);
      }
      if (next === null || next.retired === true) stations.delete(id);
      else {
        stations.set(id, next);
        add(next, 1);
        touched.add(next.postcode);
      }
    }
    const transaction = await producer.transaction();
    try {
      await transaction.send({
        topic: totals,
        acks: -1,
        messages: [...touched].map((postcode) => {
          const area = areas.get(postcode);
          const value =
            area === undefined || area.stations === 0 ? null : JSON.stringify({ postcode, ...area });
          return { key: postcode, value };
        }),
      });
      const offset = String(BigInt(batch.lastOffset()) + 1n);
      await transaction.sendOffsets({
        consumerGroupId: group,
        topics: [{ topic: raw, partitions: [{ partition: batch.partition, offset }] }],
      });
      await transaction.commit();
    } catch (error) {
      await transaction.abort();
      throw error;
    }
    payload.resolveOffset(batch.lastOffset());
    await payload.heartbeat();
  },
});
