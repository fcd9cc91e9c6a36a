/** Two groups on one totals topic, on a real broker: refused, or taken over from a writer that is alive. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { RunningBroker } from "../../../infra/kafka/broker.ts";
import { decodeThrough, decodeTotals } from "../../../src/record/totals-record.ts";
import { decodeWriter } from "../../../src/record/totals-writer.ts";
import { LogError } from "../../../src/errors.ts";
import type { KafkaLog } from "../../../src/log/kafka/kafka-log.ts";
import { topicSpecs } from "../../../src/log/topics.ts";
import type { LogRecord, ProcessHandle } from "../../../src/ports.ts";
import { Session } from "../../../src/session/session.ts";
import { AggregateStage } from "../../../src/stages/aggregate/aggregate.ts";
import { systemClock } from "../../../src/telemetry/system-clock.ts";
import { commandContext } from "../../support/command-context.ts";
import { openLog, recordingLogger, startTestBroker } from "../../support/kafka.ts";
import { countingMetrics } from "../../support/silent.ts";

const TIMEOUT = { timeout: 120_000 };
const TOPICS = { raw: "raw", totals: "totals", rejects: "rejects" };

describe("writers of one totals topic", { timeout: 400_000 }, () => {
  let broker: RunningBroker;
  let log: KafkaLog;
  const logger = recordingLogger();

  before(async () => {
    broker = await startTestBroker();
    log = openLog(broker.brokers, { logger });
    await log.createTopics(topicSpecs(TOPICS, { partitions: 2, replicationFactor: 1 }));
  }, TIMEOUT);

  after(async () => {
    await log.close();
    await broker.stop();
  }, TIMEOUT);

  async function worker(...flags: readonly string[]): Promise<Pick<ProcessHandle, "done" | "stop">> {
    const { settings } = commandContext(flags, systemClock);
    const stop = new AbortController();
    const session = new Session([new AggregateStage(settings)], {
      log,
      topics: TOPICS,
      clock: systemClock,
      logger,
      metrics: countingMetrics(),
      signal: stop.signal,
    });
    await session.open();
    const done = session.run();
    done.catch(() => {});
    return {
      done,
      stop: async () => {
        stop.abort();
        await done;
      },
    };
  }

  let polls = 0;
  async function poll(): Promise<void> {
    polls += 1;
    const producer = await log.producer();
    await producer.publish(
      [0, 1, 2, 3].map((station) => ({
        topic: TOPICS.raw,
        key: `velib:${station}`,
        partition: station % 2,
        value: JSON.stringify({
          system_id: "velib",
          station_id: String(station),
          postcode: `7500${station}`,
          slot: 0,
          nbr_total: polls,
          observed_at: systemClock.now(),
        }),
      })),
    );
    await producer.close();
  }

  async function totals(): Promise<readonly LogRecord[]> {
    const found: LogRecord[] = [];
    for await (const { records } of log.read({ topics: [TOPICS.totals], from: "earliest", until: "end" }))
      found.push(...records);
    return found;
  }

  const table = (records: readonly LogRecord[]): string =>
    [...new Map(records.map(({ key, value }) => [key, decodeTotals(String(value))?.total]))]
      .map(([key, total]) => `${key},${total}`)
      .sort((a, b) => a.localeCompare(b))
      .join(" ");

  async function untilTable(): Promise<void> {
    const wanted = [0, 1, 2, 3].map((station) => `7500${station},${polls}`).join(" ");
    for (let tries = 0; table(await totals()) !== wanted; tries += 1) {
      assert.ok(tries < 200, `${table(await totals())} is not ${wanted}`);
      await delay(100);
    }
  }

  test("the second group is refused, and with --take-over the first one stops; totals do not go backwards", async () => {
    const first = await worker("--group", "first");
    await poll();
    await untilTable();
    await assert.rejects(worker("--group", "second"), (error) => {
      assert.ok(error instanceof LogError);
      assert.match(error.message, /written by Node workers \(group first\).*--take-over\.$/);
      return true;
    });
    await poll();
    await untilTable();

    const second = await worker("--group", "second", "--take-over");
    const outcome = first.done.then(
      () => "stopped without a word",
      (error: unknown) => error,
    );
    let ended = false;
    void outcome.then(() => (ended = true));
    for (let round = 0; round < 200 && !ended; round += 1) {
      await poll();
      await delay(100);
    }
    const error = await outcome;
    assert.ok(error instanceof LogError);
    assert.match(error.message, /\(group second\) took the totals in totals over/);
    await poll();
    await untilTable();
    await assert.rejects(worker("--group", "first"), LogError);
    await second.stop();

    const records = await totals();
    const newest = new Map<string, { offset: number; total: number }>();
    let backwards = 0;
    for (const { key, value, headers } of records) {
      const through = decodeThrough(headers["through"]);
      const total = decodeTotals(String(value))?.total ?? NaN;
      assert.ok(through !== null && decodeWriter(headers["writer"]) !== null);
      const before = newest.get(key ?? "");
      if (before !== undefined && (through.offset < before.offset || total < before.total)) backwards += 1;
      newest.set(key ?? "", { offset: through.offset, total });
    }
    assert.equal(backwards, 0);
    const lost = logger.events.filter(({ event }) => event === "aggregate.transaction_lost").length;
    assert.ok(lost < 10, `${lost} lost transactions: the two have fenced each other in turn`);
  });
});
