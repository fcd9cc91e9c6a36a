/** Stations by place, in cells of half a kilometre: finds one near a point in constant time, however many there are. */
import { METERS_PER_DEGREE_LAT, METERS_PER_DEGREE_LON, type PlannedStation } from "./city-plan.ts";
import { below, type Random } from "./random.ts";

const CELL_METERS = 500;
/** How far around a point is looked, in cells: 2 km. */
const REACH_CELLS = 4;

export class StationGrid {
  readonly #cells = new Map<string, number[]>();

  constructor(stations: readonly PlannedStation[]) {
    stations.forEach((station, index) => {
      if (!station.isOpen || station.capacity === 0) return;
      const key = cellKey(column(station.lon), row(station.lat));
      const cell = this.#cells.get(key);
      if (cell === undefined) this.#cells.set(key, [index]);
      else cell.push(index);
    });
  }

  /** A station near the point that `accepts` takes: the nearest ring of cells first; null when there is none within 2 km. */
  near(lat: number, lon: number, random: Random, accepts: (index: number) => boolean): number | null {
    const x = column(lon);
    const y = row(lat);
    for (let reach = 0; reach <= REACH_CELLS; reach += 1) {
      for (let dx = -reach; dx <= reach; dx += 1) {
        for (let dy = -reach; dy <= reach; dy += Math.abs(dx) === reach || reach === 0 ? 1 : 2 * reach) {
          const cell = this.#cells.get(cellKey(x + dx, y + dy));
          if (cell === undefined) continue;
          const first = below(random, cell.length);
          // A few tries: cells of very large cities hold hundreds.
          for (let turn = 0; turn < Math.min(cell.length, 12); turn += 1) {
            const index = cell[(first + turn) % cell.length] as number;
            if (accepts(index)) return index;
          }
        }
      }
    }
    return null;
  }
}

function column(lon: number): number {
  return Math.floor((lon * METERS_PER_DEGREE_LON) / CELL_METERS);
}

function row(lat: number): number {
  return Math.floor((lat * METERS_PER_DEGREE_LAT) / CELL_METERS);
}

function cellKey(x: number, y: number): string {
  return `${x}:${y}`;
}
