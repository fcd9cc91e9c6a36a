/**
 * What the page holds of the world, and how events change it. Objects are replaced, never changed, so that identity
 * tells what is new. A snapshot in several parts is shown as it comes while the page is empty, and swapped in whole
 * when the page already shows something: a reconnect never makes stations vanish.
 */
import type {
  Area,
  DeltaEvent,
  SnapshotEvent,
  Station,
  StationPatch,
  SystemsEvent,
  System,
} from "../../../src/http/api-types.ts";

/** What one event changed. `all`: look at everything anew. */
export interface Change {
  readonly stations: "all" | ReadonlySet<string>;
  readonly areas: "all" | ReadonlySet<string>;
  readonly systems: boolean;
}

const NOTHING: ReadonlySet<string> = new Set();

export class LiveState {
  systems = new Map<string, System>();
  areas = new Map<string, Area>();
  stations = new Map<string, Station>();
  /** A whole snapshot has been taken at least once. */
  loaded = false;
  /** Parts of a snapshot that replaces what is shown, until the last has come. */
  #pending: { areas: Area[]; stations: Station[]; next: number } | null = null;

  takeSystems(event: SystemsEvent): Change {
    const systems = new Map(this.systems);
    for (const system of event.systems) systems.set(system.system_id, system);
    this.systems = systems;
    return { stations: NOTHING, areas: NOTHING, systems: true };
  }

  takeSnapshot(event: SnapshotEvent): Change {
    const first = event.part === 1;
    if (first) this.#pending = { areas: [], stations: [], next: 1 };
    const pending = this.#pending;
    // A part without those before it cannot be used; the server sends parts in order.
    if (pending === null || pending.next !== event.part) return nothingChanged;
    pending.next += 1;
    pending.areas.push(...event.areas);
    pending.stations.push(...event.stations);
    const last = event.part === event.parts;
    if (!last && this.loaded) return nothingChanged;
    this.areas = byKey(pending.areas);
    this.stations = byKey(pending.stations);
    if (last) {
      this.loaded = true;
      this.#pending = null;
      this.#forgetSystems();
    }
    return { stations: "all", areas: "all", systems: false };
  }

  takeDelta(event: DeltaEvent): Change {
    const stations = new Set<string>();
    const areas = new Set<string>();
    for (const key of event.stations_removed) if (this.stations.delete(key)) stations.add(key);
    for (const key of event.areas_removed) if (this.areas.delete(key)) areas.add(key);
    for (const patch of event.stations) {
      const merged = merge(this.stations.get(patch.key), patch);
      if (merged === null) continue;
      this.stations.set(patch.key, merged);
      stations.add(patch.key);
    }
    for (const area of event.areas) {
      this.areas.set(area.key, area);
      areas.add(area.key);
    }
    return { stations, areas, systems: false };
  }

  /** After a restart with other feeds, systems without a station or area that the server no longer names. */
  #forgetSystems(): void {
    const present = new Set<string>();
    for (const area of this.areas.values()) present.add(area.system_id);
    for (const [id, system] of this.systems) {
      if (!present.has(id) && system.stations > 0) this.systems.delete(id);
    }
  }
}

const nothingChanged: Change = { stations: NOTHING, areas: NOTHING, systems: false };

/** `held` with the fields of `patch`: absent stays, null is a value. A first sight must be whole. */
function merge(held: Station | undefined, patch: StationPatch): Station | null {
  if (held === undefined) return patch.system_id === undefined ? null : (patch as Station);
  return { ...held, ...patch } as Station;
}

function byKey<T extends { readonly key: string }>(list: readonly T[]): Map<string, T> {
  return new Map(list.map((item) => [item.key, item]));
}
