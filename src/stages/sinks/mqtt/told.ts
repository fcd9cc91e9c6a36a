/** What a broker is told of a change: the value of each area, station and system, and what Home Assistant makes of it. */
import type { Delta } from "../../../domain/change-journal.ts";
import type { LiveArea } from "../../../domain/live-area.ts";
import type { LiveStation } from "../../../domain/live-station.ts";
import type { LiveSystem } from "../../../domain/live-system.ts";
import { isSelected, type StationSelection } from "../../../domain/station-selection.ts";
import { discoveryMessages, type Announced } from "./discovery.ts";
import type { RetainedMessages } from "./retained.ts";
import * as topics from "./topics.ts";

export interface ToldOptions {
  readonly prefix: string;
  /** Null: Home Assistant is told nothing. */
  readonly discovery: string | null;
  readonly availabilityTopic: string;
  /** Which stations; an empty one is none, null is all. */
  readonly stations: StationSelection;
}

export class ToldThings {
  readonly #retained: Pick<RetainedMessages, "want">;
  readonly #options: ToldOptions;
  /** Name that Home Assistant was told, by topic of the value. */
  readonly #announced = new Map<string, string>();

  constructor(retained: Pick<RetainedMessages, "want">, options: ToldOptions) {
    this.#retained = retained;
    this.#options = options;
  }

  /** @param systems as they are now */
  tell({ areas, areasRemoved, stations, stationsRemoved }: Delta, systems: Iterable<LiveSystem>): void {
    const { prefix } = this.#options;
    const touched = new Set<string>();
    for (const area of areas) {
      touched.add(area.totals.systemId);
      this.#want(topics.areaTopic(prefix, area), topics.areaMessage(area), announcedArea(area));
    }
    for (const area of areasRemoved) {
      touched.add(area.totals.systemId);
      this.#want(topics.areaTopic(prefix, area), null, announcedArea(area));
    }
    for (const { station } of stations) {
      touched.add(station.place.systemId);
      if (this.#isChosen(station))
        this.#want(
          topics.stationTopic(prefix, station),
          topics.stationMessage(station),
          announcedStation(station),
        );
    }
    for (const station of stationsRemoved) {
      touched.add(station.place.systemId);
      this.#want(topics.stationTopic(prefix, station), null, announcedStation(station));
    }
    const here = new Map([...systems].map((system) => [system.systemId, system]));
    for (const systemId of touched) {
      const system = here.get(systemId);
      const message = system === undefined ? null : topics.systemMessage(system);
      this.#want(topics.systemTopic(prefix, systemId), message, {
        systemId,
        kind: "system",
        id: "",
        name: "",
      });
    }
  }

  #want(stateTopic: string, value: string | null, what: Omit<Announced, "stateTopic">): void {
    const { discovery, prefix, availabilityTopic } = this.#options;
    // A value changes often, what it is called hardly ever.
    if (discovery !== null && (value === null || this.#announced.get(stateTopic) !== what.name)) {
      if (value === null) this.#announced.delete(stateTopic);
      else this.#announced.set(stateTopic, what.name);
      for (const [topic, message] of discoveryMessages(
        { ...what, stateTopic },
        { discovery, prefix, availabilityTopic },
      ))
        this.#retained.want(topic, value === null ? null : message);
    }
    this.#retained.want(stateTopic, value);
  }

  #isChosen({ place }: LiveStation): boolean {
    const { stationId, stationCode } = place;
    return isSelected(this.#options.stations, { stationId, stationCode }, undefined);
  }
}

function announcedArea({ totals: { systemId, area } }: LiveArea): Omit<Announced, "stateTopic"> {
  return { systemId, kind: "area", id: area, name: area };
}

function announcedStation({ place }: LiveStation): Omit<Announced, "stateTopic"> {
  return {
    systemId: place.systemId,
    kind: "station",
    id: place.stationId,
    name: place.name ?? place.stationCode ?? place.stationId,
  };
}
