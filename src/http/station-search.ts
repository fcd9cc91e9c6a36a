/** Finds stations by filter, page by page, in the order of their keys. */
import type { LiveStation, StationPlace } from "../domain/live-station.ts";
import type { LiveView } from "../domain/live-view.ts";

export interface StationFilter {
  readonly system?: string | undefined;
  readonly area?: string | undefined;
  readonly bbox?:
    | { readonly west: number; readonly south: number; readonly east: number; readonly north: number }
    | undefined;
  readonly q?: string | undefined;
  readonly limit: number;
  /** Key of the last station of the page before. */
  readonly after?: string | undefined;
}

export interface StationPage {
  readonly stations: readonly LiveStation[];
  /** Over all pages. */
  readonly matched: number;
  readonly next: string | null;
}

/** Text without accents and case: "Opéra" is found by "opera". */
export function foldText(text: string): string {
  return text.normalize("NFD").replaceAll(/\p{M}/gu, "").toLowerCase();
}

export class StationSearch {
  readonly #view: LiveView;
  /** Folded name, code and id of each place; places are never changed, and forgotten with their station. */
  readonly #texts = new WeakMap<StationPlace, string>();

  constructor(view: LiveView) {
    this.#view = view;
  }

  find(filter: StationFilter): StationPage {
    const text = foldText(filter.q ?? "");
    const candidates = filter.area === undefined ? this.#view.stations() : this.#view.stationsOf(filter.area);
    const found: LiveStation[] = [];
    for (const station of candidates) if (this.#matches(station, filter, text)) found.push(station);
    found.sort((a, b) => compareKeys(a.place.key, b.place.key));
    const start = filter.after === undefined ? 0 : indexAfter(found, filter.after);
    const stations = found.slice(start, start + filter.limit);
    const last = stations.at(-1);
    return {
      stations,
      matched: found.length,
      next: last !== undefined && start + stations.length < found.length ? last.place.key : null,
    };
  }

  #matches({ place }: LiveStation, { system, bbox }: StationFilter, text: string): boolean {
    if (system !== undefined && place.systemId !== system) return false;
    if (bbox !== undefined) {
      const { lat, lon } = place;
      if (lat === null || lon === null || lat < bbox.south || lat > bbox.north) return false;
      const crossesAntimeridian = bbox.west > bbox.east;
      const within = crossesAntimeridian
        ? lon >= bbox.west || lon <= bbox.east
        : lon >= bbox.west && lon <= bbox.east;
      if (!within) return false;
    }
    return text === "" || this.#text(place).includes(text);
  }

  #text(place: StationPlace): string {
    let text = this.#texts.get(place);
    if (text === undefined) {
      text = foldText([place.name ?? "", place.stationCode ?? "", place.stationId].join("\n"));
      this.#texts.set(place, text);
    }
    return text;
  }
}

function compareKeys(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Index of the first station whose key is greater than `key`, which may be gone meanwhile. */
function indexAfter(sorted: readonly LiveStation[], key: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle]?.place.key ?? "") <= key) low = middle + 1;
    else high = middle;
  }
  return low;
}
