/**
 * The retained messages of one broker, brought to what is wanted and kept there: the newest value of each topic, and
 * nothing else below our own prefixes.
 *
 *   want(topic, value | null) ─▶ due ──▶ in flight ──acknowledged──▶ told      newer meanwhile ─▶ due again
 *   connected: all is due again       found there, not wanted ─▶ cleared       connection lost: what was in flight is due
 *
 * A connection is used once: what it had in flight dies with it, so that no old value is sent again after a newer one.
 */
import type { IClientOptions, MqttClient } from "mqtt";
import { reasonOf } from "./connection-errors.ts";

/** Messages without an answer, most; a broker may take fewer at once. */
const MOST_IN_FLIGHT = 200;

export interface RetainedOptions {
  /** Resolves to a client that is connecting. */
  readonly connect: (options: IClientOptions) => Promise<MqttClient>;
  /** Says whether we are here: `online`, and `offline` by the broker when we are not. */
  readonly availabilityTopic: string;
  /** Where what is not wanted is cleared away, as subscriptions. */
  readonly ownTopics: readonly string[];
  /** Another client's topics that are listened to. */
  readonly onMessage: { readonly topic: string; readonly take: (text: string) => void } | null;
  readonly onConnected: () => void;
  /** Once a connection, or an attempt at one. */
  readonly onLost: (why: string) => void;
  readonly onAcknowledged: (outcome: "told" | "cleared") => void;
}

export class RetainedMessages {
  readonly #options: RetainedOptions;
  readonly #wanted = new Map<string, string>();
  readonly #due = new Set<string>();
  readonly #inFlight = new Set<string>();
  /** Seen at the broker before it was known what is wanted. */
  readonly #found = new Set<string>();
  #client: MqttClient | null = null;
  #connected = false;
  #complete = false;
  #mostInFlight = MOST_IN_FLIGHT;
  #idle: (() => void) | null = null;

  constructor(options: RetainedOptions) {
    this.#options = options;
  }

  get connected(): boolean {
    return this.#connected;
  }

  /** @param value null takes the topic away */
  want(topic: string, value: string | null): void {
    if (value === null ? !this.#wanted.has(topic) : this.#wanted.get(topic) === value) return;
    if (value === null) this.#wanted.delete(topic);
    else this.#wanted.set(topic, value);
    this.#due.add(topic);
    this.#send();
  }

  /** All that begins with `prefix` is said again, as for someone who has just come. */
  again(prefix = ""): void {
    for (const topic of this.#wanted.keys()) if (topic.startsWith(prefix)) this.#due.add(topic);
    this.#send();
  }

  /** All that is wanted is known: from now on it is told, and what is not wanted is cleared. */
  complete(): void {
    if (this.#complete) return;
    this.#complete = true;
    this.want(this.#options.availabilityTopic, "online");
    for (const topic of this.#found) if (!this.#wanted.has(topic)) this.#due.add(topic);
    this.#found.clear();
    this.#send();
  }

  /** Connects once; `onLost` tells when to come again. Never rejects. */
  async connect(): Promise<void> {
    if (this.#client !== null) return;
    const { availabilityTopic, ownTopics, onMessage, onConnected, onLost } = this.#options;
    let why = "it closed the connection";
    try {
      const will = {
        topic: availabilityTopic,
        payload: Buffer.from("offline"),
        qos: 1 as const,
        retain: true,
      };
      const client = await this.#options.connect({ will });
      this.#client = client;
      client.on("error", (error) => (why = reasonOf(error)));
      client.on("close", () => {
        if (this.#client !== client) return;
        this.#lost(client);
        onLost(why);
      });
      client.on("message", (topic, payload, packet) => {
        if (topic === onMessage?.topic) onMessage.take(payload.toString());
        else if (packet.retain && payload.length > 0) this.#seen(topic);
      });
      client.on("connect", ({ properties }) => {
        this.#connected = true;
        this.#mostInFlight = Math.min(MOST_IN_FLIGHT, properties?.receiveMaximum ?? MOST_IN_FLIGHT);
        // No Local: what we say ourselves is not told to us.
        const own = Object.fromEntries(ownTopics.map((topic) => [topic, { qos: 1 as const, nl: true }]));
        client.subscribe(onMessage === null ? own : { ...own, [onMessage.topic]: { qos: 1 } }, () => {});
        onConnected();
        this.again();
      });
    } catch (error) {
      onLost(reasonOf(error));
    }
  }

  /** Resolves when all is acknowledged, or `signal` aborts. */
  async idle(signal: AbortSignal): Promise<void> {
    while (this.#connected && this.#complete && this.#due.size + this.#inFlight.size > 0 && !signal.aborted)
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
  }

  /** Says that we are gone, and goes. */
  async close(signal: AbortSignal): Promise<void> {
    this.want(this.#options.availabilityTopic, "offline");
    await this.idle(signal);
    const client = this.#client;
    this.#client = null;
    this.#connected = false;
    await client?.endAsync(true);
  }

  #lost(client: MqttClient): void {
    this.#client = null;
    this.#connected = false;
    for (const topic of this.#inFlight) this.#due.add(topic);
    this.#inFlight.clear();
    this.#idle?.();
    client.end(true);
  }

  #seen(topic: string): void {
    if (this.#wanted.has(topic)) return;
    if (!this.#complete) this.#found.add(topic);
    else this.#due.add(topic);
    this.#send();
  }

  #send(): void {
    const client = this.#client;
    if (client === null || !this.#connected || !this.#complete) return;
    for (const topic of this.#due) {
      if (this.#inFlight.size >= this.#mostInFlight) return;
      // One at a time: what is last sent of a topic is its newest.
      if (this.#inFlight.has(topic)) continue;
      this.#due.delete(topic);
      this.#inFlight.add(topic);
      const value = this.#wanted.get(topic) ?? "";
      client.publish(topic, value, { qos: 1, retain: true }, (error) => {
        if (this.#client !== client) return;
        this.#inFlight.delete(topic);
        if (error instanceof Error) this.#due.add(topic);
        else this.#options.onAcknowledged(value === "" ? "cleared" : "told");
        if (!(error instanceof Error)) this.#send();
        this.#idle?.();
      });
    }
  }
}
