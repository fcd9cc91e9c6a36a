/**
 * One system, one feed: when the collector of another feed writes the same system, or a real feed's a simulated one's,
 * one of the two takes its stations out and waits until the other has stopped.
 *
 *   polling ──rival that started before──▶ takes its stations out ─▶ stopped, with the reason ──rival silent──▶ polling
 */
import { ConfigError } from "../../errors.ts";
import type { Clock, Logger, SystemDescription } from "../../ports.ts";
import type { CollectorStatus } from "./collector-status.ts";
import { nameOf, type OtherWriters } from "./other-writers.ts";
import type { PollPublisher } from "./poll-publisher.ts";

/** How often it is looked whether the rival is still at work, ms. */
const LOOK_MS = 5_000;

export interface GiveWayInput {
  readonly others: OtherWriters;
  readonly system: SystemDescription;
  readonly status: CollectorStatus;
  readonly publisher: PollPublisher;
  readonly topics: { readonly raw: string };
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Resolves as soon as this collector may publish: at once where it is alone.
 * @throws ConfigError when a real feed is collected as this system, and this one is simulated
 */
export async function giveWay(input: GiveWayInput, signal: AbortSignal): Promise<void> {
  const { others, system, status, publisher, topics, clock, logger } = input;
  if (others.mixesWithReal) {
    await publisher.takeOutOwn(clock.now());
    throw mixedError(system, topics.raw);
  }
  let waited = false;
  for (let rival = others.rival(); rival?.givesWay === true && !signal.aborted; rival = others.rival()) {
    if (!waited) {
      waited = true;
      const message =
        `${nameOf(rival.writer)} writes system "${system.systemId}" to topic ${topics.raw} from another feed. ` +
        "This one waits until that one has written nothing for six minutes. Stop one, or name them apart in a --feeds file.";
      logger.error("collect.same_system", message, { system: system.systemId, writer: rival.writer.header });
      await publisher.takeOutOwn(clock.now());
      status.gaveUp("same_system", message, clock.now());
    }
    await clock.sleep(LOOK_MS, signal);
  }
  if (waited && !signal.aborted)
    logger.info("collect.alone_again", `Nobody else writes system "${system.systemId}" any more.`, {
      system: system.systemId,
    });
}

export function mixedError({ systemId }: SystemDescription, rawTopic: string): ConfigError {
  return new ConfigError(
    `Topic ${rawTopic} holds real stations of system "${systemId}", and this feed is simulated: the two are never added ` +
      "up. Name topics of its own (--raw-topic, --totals-topic), or name it apart in a --feeds file.",
  );
}
