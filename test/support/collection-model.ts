/**
 * What a careful person would say is in the topic after each poll, by the rules of docs/contracts.md and docs/quirks.md
 * written out by brute force: the judge of Collection. Ids, places and areas are plain words here, so nothing of the code
 * that is judged is used.
 */

/** One station as a poll lists it. */
export interface Listed {
  readonly id: string;
  /** Where it stands; no two stations share one, and all are far apart. */
  readonly place: number;
  readonly area: string;
  /** Bikes; null: the record is broken. */
  readonly bikes: number | null;
}

export interface ModelPoll {
  readonly atMs: number;
  /** null: the status could not be had. */
  readonly listed: readonly Listed[] | null;
  /** Every id that the information lists. */
  readonly informed: ReadonlySet<string>;
  /** Free vehicles by area; null: their file could not be had. */
  readonly vehicles: ReadonlyMap<string, number> | null;
}

interface Placed {
  readonly place: number;
  area: string;
  bikes: number;
  publishedAtMs: number;
}

interface Standing extends Placed {
  /** Complete polls without it, and since when. */
  absentPolls: number;
  absentSinceMs: number;
}

export class CollectionModel {
  readonly stations = new Map<string, Standing>();
  vehicles = new Map<string, number>();
  #smallSinceMs: number | null = null;

  /** The process starts again: what stands is what is in the topic, and nothing else is remembered. */
  restart(standing: Map<string, Placed>, vehicles: Map<string, number>): void {
    this.vehicles = vehicles;
    this.stations.clear();
    for (const [id, station] of standing)
      this.stations.set(id, { ...station, absentPolls: 0, absentSinceMs: 0 });
    this.#smallSinceMs = null;
  }

  /** @returns the ids that must be published, and those that may not: neither is new nor waited for five minutes */
  poll({ atMs, listed, informed, vehicles }: ModelPoll): { must: Set<string>; may: Set<string> } {
    const must = new Set<string>();
    const may = new Set<string>();
    if (vehicles !== null) this.vehicles = new Map(vehicles);
    if (listed === null) return { must, may };
    const present = new Set(listed.map(({ id }) => id));
    const known = new Map(this.stations);
    const came = new Map<string, number>();
    for (const { id, place, area, bikes } of listed) {
      if (bikes === null) continue;
      const held = known.get(id);
      if (held === undefined || held.area !== area || held.bikes !== bikes) must.add(id);
      else if (atMs - held.publishedAtMs >= 300_000) may.add(id);
      if (held === undefined) came.set(id, place);
      const publishedAtMs = must.has(id) ? atMs : (held?.publishedAtMs ?? atMs);
      this.stations.set(id, { place, area, bikes, publishedAtMs, absentPolls: 0, absentSinceMs: 0 });
    }
    const absent = [...known].filter(([id]) => !present.has(id));
    const renumbered = new Set(renumberedIds(absent, came, known.size - absent.length, informed));
    for (const id of renumbered) this.stations.delete(id);
    this.#depart(known, absent, renumbered, atMs);
    return { must, may };
  }

  #depart(
    known: ReadonlyMap<string, Standing>,
    absent: readonly [string, Standing][],
    renumbered: ReadonlySet<string>,
    atMs: number,
  ): void {
    for (const [id, station] of known) if (!absent.some(([one]) => one === id)) station.absentPolls = 0;
    const missing = absent.filter(([id]) => !renumbered.has(id));
    const small = known.size - missing.length < known.size / 2;
    if (!small) this.#smallSinceMs = null;
    else this.#smallSinceMs ??= atMs;
    if (this.#smallSinceMs !== null && atMs - this.#smallSinceMs < 30 * 60_000) return;
    for (const [id, station] of missing) {
      if (station.absentPolls === 0) station.absentSinceMs = atMs;
      station.absentPolls += 1;
      if (station.absentPolls >= 3 && atMs - station.absentSinceMs >= 120_000) this.stations.delete(id);
    }
  }

  /** Bikes by area, vehicles too; an area without either is not there. */
  areas(): Record<string, number> {
    const sums: Record<string, number> = {};
    const add = (area: string, bikes: number): void => {
      sums[area] = (sums[area] ?? 0) + bikes;
    };
    for (const { area, bikes } of this.stations.values()) add(area, bikes);
    for (const [area, bikes] of this.vehicles) add(area, bikes);
    return sums;
  }
}

/** docs/quirks.md, "Publishers": which of the absent have come with other ids. */
function renumberedIds(
  absent: readonly [string, Standing][],
  came: ReadonlyMap<string, number>,
  seen: number,
  informed: ReadonlySet<string>,
): string[] {
  const all = absent.map(([id]) => id);
  if (absent.length === 0 || came.size === 0) return [];
  const halfOf = (ids: readonly string[]): boolean =>
    ids.filter((id) => informed.has(id)).length >= ids.length / 2;
  const listed = halfOf(all) && halfOf([...came.keys()]);
  const share = came.size / absent.length;
  if (!listed && seen === 0 && share >= 0.5 && share <= 2) return all;
  const places = new Set(absent.map(([, { place }]) => place));
  const returned = [...came.values()].filter((place) => places.has(place)).length;
  const many = absent.length >= 3 && absent.length >= (absent.length + seen) / 4;
  const alike = (a: number, b: number): boolean => a >= b - 1 || a >= b * 0.8;
  if (
    !listed &&
    many &&
    alike(came.size, absent.length) &&
    alike(absent.length, came.size) &&
    returned >= came.size / 2
  )
    return all;
  const now = new Set(came.values());
  return absent.filter(([id, { place }]) => !informed.has(id) && now.has(place)).map(([id]) => id);
}
