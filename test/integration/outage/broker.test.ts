/** A broker that is away for a minute: each stage, as its own process, waits with what matters, says so, and goes on. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { HealthAnswer } from "../../../src/http/api-types.ts";
import { check } from "../../support/faults/checker.ts";
import { ControlledFeed, seededRandom } from "../../support/faults/controlled-feed.ts";
import { openLog, startTestBroker } from "../../support/kafka.ts";
import { type Running, velostream } from "../../support/velostream.ts";

const OUTAGE_MS = 60_000;
const PROBE_EVERY_MS = 1_000;
const STATIONS = 200;
const RAW = "velib-projet";
const TOTALS = "velib-projet-final-data";
const AWAY = /^Kafka does not answer\. The log says which broker, and why\.$/;

/** One process of the pipeline, with what it says and how it is. */
class Stage {
  readonly name: string;
  readonly running: Running;
  #said = "";

  constructor(name: string, args: readonly string[]) {
    this.name = name;
    this.running = velostream([name, ...args], {}, 300_000);
    this.running.process.stderr?.on("data", (text: string) => (this.#said += text));
  }

  get url(): string {
    return /^(?:Metrics|Live page and API): (http:\/\/[^/\s]+)/m.exec(this.#said)?.[1] ?? "";
  }

  /** The log's lines so far. */
  get lines(): readonly { readonly level: string; readonly event: string }[] {
    return this.#said
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as { level: string; event: string });
  }

  /** `[200]`, or `[503, "kafka: its reason"]`. */
  async ready(): Promise<readonly (number | string)[]> {
    const answer = await fetch(`${this.url}/readyz`);
    const { checks } = (await answer.json()) as HealthAnswer;
    return [answer.status, ...checks.filter(({ ok }) => !ok).map(({ name, reason }) => `${name}: ${reason}`)];
  }

  async metric(name: string): Promise<number> {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    const values = text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, "gm"));
    return [...values].reduce((sum, [, value]) => sum + Number(value), 0);
  }
}

test(
  "a broker that is away for 60 s: nothing is lost, little waits, one line when it goes and one when it is back",
  { timeout: 300_000 },
  async (t) => {
    const feed = new ControlledFeed(STATIONS, seededRandom(7));
    const feedUrl = await feed.start();
    const broker = await startTestBroker();
    const folder = await mkdtemp(join(tmpdir(), "velostream-outage-"));
    const stages: Stage[] = [];
    try {
      await makeTopics(broker.brokers);
      const brokers = ["--brokers", broker.brokers.join(",")];
      const polling = ["--feed", feedUrl, "--interval", "200ms"];
      const collect = new Stage("collect", [...brokers, ...polling, "--metrics-port", "0"]);
      const aggregate = new Stage("aggregate", [...brokers, "--metrics-port", "0"]);
      const serve = new Stage("serve", [...brokers, "--port", "0"]);
      const archive = new Stage("archive", [...brokers, "--data-dir", folder, "--metrics-port", "0"]);
      stages.push(collect, aggregate, serve, archive);
      await eventually(async () => {
        for (const stage of stages) assert.deepEqual(await stage.ready(), [200]);
        assert.ok((await collect.metric("velostream_records_published_total")) > 2 * STATIONS);
        assert.ok((await aggregate.metric("velostream_aggregate_totals_total")) > 0);
      });
      const linesBefore = stages.map(({ lines }) => lines.length);
      const rss = async (): Promise<number[]> =>
        Promise.all(
          stages.map(async (stage) => (await stage.metric("process_resident_memory_bytes")) / 2 ** 20),
        );
      const rssBefore = await rss();

      await broker.kill(1);
      const goneAtMs = Date.now();
      const published = await collect.metric("velostream_records_published_total");
      await eventually(async () => {
        for (const stage of stages) assert.deepEqual((await stage.ready())[0], 503);
      });
      while (Date.now() - goneAtMs < OUTAGE_MS) {
        for (const stage of stages) {
          const [status, ...reasons] = await stage.ready();
          assert.equal(status, 503, `${stage.name} is not ready all along`);
          const kafka = reasons.find((reason) => String(reason).startsWith("kafka: "));
          assert.match(String(kafka).replace("kafka: ", ""), AWAY);
          assert.equal((await fetch(`${stage.url}/healthz`)).status, 200, "nobody is to restart it");
        }
        await delay(PROBE_EVERY_MS);
      }
      const polls = await collect.metric("velostream_polls_total");
      // From here on the feed stands still: what comes is what waited.
      feed.freeze();
      await delay(1_000);
      const rssAfter = await rss();
      await broker.restart(1);

      await eventually(async () => {
        for (const stage of stages) assert.deepEqual(await stage.ready(), [200]);
        const { areas } = (await (await fetch(`${serve.url}/api/v1/areas`)).json()) as {
          areas: readonly { key: string; nbr_total: number; stations: number }[];
        };
        const served = new Map(areas.map(({ key, nbr_total: total }) => [key, total]));
        assert.deepEqual(served, bikes(feed.truth()));
      });
      const waited = (await collect.metric("velostream_records_published_total")) - published;
      assert.ok(waited > 0, "something waited");
      // The poll that was on its way, and the newest one: not the hundreds between them.
      assert.ok(polls > 100, `the feed was polled all along: ${polls}`);
      assert.ok(waited <= 2 * STATIONS, `${waited} records waited of ${STATIONS} stations`);

      // A worker with a transaction under way restores that partition, and says so as it always does.
      const usual = new Set(["run.summary", "aggregate.restored"]);
      for (const [index, stage] of stages.entries())
        assert.deepEqual(
          stage.lines
            .slice(linesBefore[index])
            .filter(({ event }) => !usual.has(event))
            .map(({ level, event }) => `${level} ${event}`),
          ["warn kafka.unavailable", "info kafka.available"],
          stage.name,
        );
      for (const stage of stages) {
        stage.running.process.kill("SIGTERM");
        assert.equal((await stage.running.finished).exitCode, 0, stage.name);
      }
      const { problems, finalTable } = await check(broker, RAW, TOTALS);
      assert.deepEqual(problems, []);
      assert.deepEqual(finalTable, feed.truth());
      for (const [index, { name }] of stages.entries())
        t.diagnostic(
          `${name}: ${rssBefore[index]?.toFixed(0)} MiB before, ${rssAfter[index]?.toFixed(0)} MiB at the end of the outage`,
        );
      t.diagnostic(`${waited} records waited, of ${polls} polls in all`);
    } finally {
      for (const { running } of stages) running.process.kill("SIGKILL");
      await feed.stop();
      await broker.stop();
      await rm(folder, { recursive: true, force: true });
    }
  },
);

/** The checker recounts from every record: nothing may be compacted away meanwhile. */
async function makeTopics(brokers: readonly string[]): Promise<void> {
  const log = openLog(brokers);
  await log.createTopics(
    [RAW, TOTALS, "velib-projet-rejects"].map((topic) => {
      return { topic, partitions: 4, replicationFactor: 1, cleanupPolicy: "delete" };
    }),
  );
  await log.close();
}

/** Area → bikes, of the feed's `total,electric,mechanical,stations`. */
function bikes(truth: ReadonlyMap<string, string>): Map<string, number> {
  return new Map([...truth].map(([area, sums]) => [area, Number(sums.split(",")[0])]));
}

/** Waits, for as long as the test may take, until `check` no longer throws. */
async function eventually(attempt: () => Promise<void>): Promise<void> {
  const deadline = Date.now() + 90_000;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await delay(200);
    }
  }
}
