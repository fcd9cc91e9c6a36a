/**
 * The MQTT sink: areas and chosen stations as retained messages, a topic each, and what makes them appear in Home Assistant.
 *
 *   take ─▶ LiveView ─▶ what changed ─▶ RetainedMessages ⇄ broker      away ─▶ tried again every second, all is told anew
 *   tend ─▶ every five minutes each value of a system that is observed is said again; of one that is not, it expires
 */
import type { IClientOptions, MqttClient } from "mqtt";
import { LiveView } from "../../../domain/live-view.ts";
import type { StationSelection } from "../../../domain/station-selection.ts";
import type { HealthState } from "../../../ports.ts";
import type { ReferenceReader } from "../../../record/raw-record.ts";
import type { Sink, SinkBatch, StageContext } from "../../stage.ts";
import { discoverySubscription } from "./discovery.ts";
import { MQTT_METRICS } from "./metrics.ts";
import { MQTT_OPTIONS } from "./options.ts";
import { RetainedMessages } from "./retained.ts";
import { ToldThings } from "./told.ts";
import { level } from "./topics.ts";

/** A third of what Home Assistant waits (discovery.ts): one refresh may be lost. */
const REFRESH_MS = 300_000;
/** A collector writes of each system every five minutes at least: one that was silent for twice that is not observed. */
const OBSERVED_MS = 600_000;
const CLOSE_MS = 2_000;

export interface MqttStageOptions {
  /** Where the broker is, for people. */
  readonly broker: string;
  readonly connect: (options: IClientOptions) => Promise<MqttClient>;
  readonly prefix: string;
  /** Null: Home Assistant is told nothing. */
  readonly discovery: string | null;
  /** Which stations; an empty one is none, null is all. */
  readonly stations: StationSelection;
  readonly readReference?: ReferenceReader;
}

export class MqttStage implements Sink {
  readonly kind = "sink";
  readonly name = "mqtt";
  readonly options = MQTT_OPTIONS;
  readonly metrics = MQTT_METRICS;
  readonly reads = ["raw", "totals"] as const;
  readonly #given: MqttStageOptions;
  readonly #view: LiveView;
  readonly #positions = new Map<string, number>();
  #context: StageContext | null = null;
  #retained: RetainedMessages | null = null;
  #told: ToldThings | null = null;
  #away: string | null = "it has not answered yet";
  #refreshedAtMs = 0;

  constructor(given: MqttStageOptions) {
    this.#given = given;
    const { readReference } = given;
    this.#view = new LiveView({ journalItems: 0, ...(readReference === undefined ? {} : { readReference }) });
  }

  /** Does not wait for the broker: one that is away is tried again every second. */
  open(context: StageContext): Promise<void> {
    this.#context = context;
    const { broker, connect, prefix, discovery } = this.#given;
    const { logger, metrics } = context;
    const availabilityTopic = `${prefix}/status`;
    this.#retained = new RetainedMessages({
      connect,
      availabilityTopic,
      ownTopics: [
        `${prefix}/#`,
        ...(discovery === null ? [] : [discoverySubscription({ discovery, prefix, availabilityTopic })]),
      ],
      // Home Assistant has come back and knows nothing.
      onMessage:
        discovery === null
          ? null
          : { topic: `${discovery}/status`, take: (text) => text === "online" && this.#retained?.again() },
      onConnected: () => {
        this.#away = null;
        metrics.set("velostream_mqtt_connected", {}, 1);
        logger.info("mqtt.connected", `The MQTT broker at ${broker} is connected.`);
      },
      onLost: (why) => {
        if (this.#away !== why)
          logger.warn(
            "mqtt.away",
            `The MQTT broker at ${broker} cannot be used: ${why}. It is tried every second.`,
          );
        this.#away = why;
        metrics.set("velostream_mqtt_connected", {}, 0);
      },
      onAcknowledged: (outcome) => metrics.count("velostream_mqtt_messages_total", { outcome }),
    });
    this.#told = new ToldThings(this.#retained, { ...this.#given, availabilityTopic });
    return this.#retained.connect();
  }

  positions(): ReadonlyMap<string, number> {
    return this.#positions;
  }

  /** Takes all there is: what the broker is not told yet is held once a topic, however long that takes. */
  take({ records, caughtUp }: SinkBatch): number {
    const { clock, logger, topics: names } = this.#opened();
    const nowMs = clock.now();
    for (const record of records) {
      this.#positions.set(`${record.topic}:${record.partition}`, record.offset + 1);
      try {
        if (record.topic === names.raw) this.#view.applyRaw(record, nowMs);
        else this.#view.applyTotals(record);
      } catch (error) {
        const { topic, partition, offset } = record;
        logger.error("mqtt.record_failed", "A record could not be told; going on.", {
          topic,
          partition,
          offset,
          error,
        });
      }
    }
    const delta = this.#view.commit();
    if (delta !== null) this.#told?.tell(delta, this.#view.systems());
    // Before, it would be told what was long ago, and what is still to come would be cleared.
    if (caughtUp) this.#retained?.complete();
    return records.length;
  }

  async tend(nowMs: number): Promise<void> {
    if (nowMs - this.#refreshedAtMs >= REFRESH_MS) {
      this.#refreshedAtMs = nowMs;
      for (const { systemId, observedAtMs } of this.#view.systems())
        if (observedAtMs !== null && nowMs - observedAtMs < OBSERVED_MS)
          this.#retained?.again(`${this.#given.prefix}/${level(systemId)}/`);
    }
    await this.#retained?.connect();
  }

  health(): HealthState {
    const reason =
      this.#away === null ? null : `The MQTT broker at ${this.#given.broker} cannot be used: ${this.#away}.`;
    return { ok: reason === null, reason };
  }

  async drain(signal: AbortSignal): Promise<void> {
    await this.#retained?.idle(signal);
  }

  /** Says that nobody tells any more, where the broker can be told; else its last will does. */
  async close(): Promise<void> {
    const waited = new AbortController();
    const gone = new AbortController();
    void this.#opened()
      .clock.sleep(CLOSE_MS, gone.signal)
      .then(() => waited.abort());
    await this.#retained?.close(waited.signal);
    gone.abort();
  }

  #opened(): StageContext {
    if (this.#context === null) throw new Error("the MQTT sink was never opened");
    return this.#context;
  }
}
