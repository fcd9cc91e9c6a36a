/**
 * A city of bikes, in steps: bikes leave stations, ride, and arrive; none appears and none is lost. Pure: time and
 * randomness come from outside, so a seed and a start give the same city for ever.
 *
 *            departs (rhythm of the hour)            arrives, a free dock near
 *   docked ──────────────────────────────▶ in flight ─────────────────────────▶ docked
 *                                            ▲    │  every dock near is taken
 *                                            └────┘  rides on for a while
 */
import { METERS_PER_DEGREE_LAT, METERS_PER_DEGREE_LON, planCity, type PlannedStation } from "./city-plan.ts";
import { poisson, seededRandom, type Random } from "./random.ts";
import { rhythmAt, type Rhythm } from "./rhythm.ts";
import { StationGrid } from "./station-grid.ts";

/** Share of docks that hold a bike at the start, and of bikes that are electric: the real system's. */
const OCCUPANCY = 0.4;
const ELECTRIC_SHARE = 0.39;
/** Electric bikes are taken sooner when both stand there. */
const ELECTRIC_PULL = 1.4;
/** A ride: 14 km/h, three minutes of unlocking and parking, 2.2 km on average. */
const METERS_PER_MINUTE = 233;
const FIXED_MINUTES = 3;
const MEAN_RIDE_METERS = 2200;
const SEARCH_ON_MINUTES = 3;

export interface CityOptions {
  readonly stations: number;
  readonly seed: number;
  /** City time at the start, epoch ms: decides the hour and the weekday. */
  readonly startsAtMs: number;
  /** City time of one step, at most a minute; ms. */
  readonly stepMs: number;
}

export interface StationCounts {
  readonly mechanical: number;
  readonly electric: number;
  /** Docks where a bike can be returned. */
  readonly docks: number;
}

/** A bike on its way: station index × 2, plus 1 for an electric one. */
type Trip = number;

export class CityModel {
  readonly stations: readonly PlannedStation[];
  readonly #mechanical: Int32Array;
  readonly #electric: Int32Array;
  readonly #random: Random;
  readonly #grid: StationGrid;
  readonly #arrivals = new Map<number, Trip[]>();
  readonly #options: CityOptions;
  #step = 0;
  #inFlight = 0;

  constructor(options: CityOptions) {
    if (!(options.stepMs > 0 && options.stepMs <= 60_000))
      throw new RangeError("stepMs is not within a minute");
    this.#options = options;
    this.#random = seededRandom(options.seed);
    this.stations = planCity(options.stations, this.#random);
    this.#grid = new StationGrid(this.stations);
    this.#mechanical = new Int32Array(this.stations.length);
    this.#electric = new Int32Array(this.stations.length);
    this.stations.forEach((station, index) => this.#fill(station, index));
  }

  /** City time now, epoch ms. */
  get cityTimeMs(): number {
    return this.#options.startsAtMs + this.#step * this.#options.stepMs;
  }

  /** Bikes being ridden now. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Bikes standing at stations now. */
  get docked(): number {
    let sum = 0;
    for (let index = 0; index < this.stations.length; index += 1) sum += this.#bikes(index);
    return sum;
  }

  /** What stands at station number `index` of `stations`. */
  counts(index: number): StationCounts {
    const mechanical = this.#mechanical[index] ?? 0;
    const electric = this.#electric[index] ?? 0;
    const station = this.stations[index];
    const docks =
      station?.isOpen === true ? station.capacity - station.brokenDocks - mechanical - electric : 0;
    return { mechanical, electric, docks };
  }

  /** One step of city time. */
  step(): void {
    const rhythm = rhythmAt(this.cityTimeMs);
    this.#step += 1;
    this.#arrive();
    const hours = this.#options.stepMs / 3_600_000;
    for (let index = 0; index < this.stations.length; index += 1) {
      const station = this.stations[index] as PlannedStation;
      if (!station.isOpen) continue;
      const bikes = this.#bikes(index);
      if (bikes === 0) continue;
      const mean = bikes * rhythm.tripsPerHour * hours * pull(station.workplaces, -rhythm.commute);
      const leaving = Math.min(bikes, poisson(this.#random, mean));
      for (let bike = 0; bike < leaving; bike += 1) this.#depart(index, station, rhythm);
    }
  }

  /** Lets `steps` of city time pass in which nobody rides: those under way wait with it. */
  skip(steps: number): void {
    const waiting = [...this.#arrivals];
    this.#arrivals.clear();
    for (const [due, trips] of waiting) this.#arrivals.set(due + steps, trips);
    this.#step += steps;
  }

  #fill(station: PlannedStation, index: number): void {
    // Sum of uniforms: most stations near the mean, some empty, some full.
    const spread = (this.#random() + this.#random() + this.#random()) / 1.5 - 1;
    const share = Math.min(1, Math.max(0, OCCUPANCY + spread * 0.7));
    const room = station.isOpen ? station.capacity - station.brokenDocks : 0;
    const bikes = Math.round(room * share);
    for (let bike = 0; bike < bikes; bike += 1) this.#park(index, this.#random() < ELECTRIC_SHARE);
  }

  #depart(index: number, station: PlannedStation, rhythm: Rhythm): void {
    const electricPull = (this.#electric[index] ?? 0) * ELECTRIC_PULL;
    const electric = this.#random() * (electricPull + (this.#mechanical[index] ?? 0)) < electricPull;
    const counts = electric ? this.#electric : this.#mechanical;
    counts[index] = (counts[index] ?? 0) - 1;
    const { destination, meters } = this.#destination(index, station, rhythm);
    this.#ride(destination, electric, FIXED_MINUTES + meters / METERS_PER_MINUTE);
  }

  #ride(destination: number, electric: boolean, minutes: number): void {
    const due = this.#step + Math.max(1, Math.round((minutes * 60_000) / this.#options.stepMs));
    const trip: Trip = destination * 2 + (electric ? 1 : 0);
    const arrivals = this.#arrivals.get(due);
    if (arrivals === undefined) this.#arrivals.set(due, [trip]);
    else arrivals.push(trip);
    this.#inFlight += 1;
  }

  /** Three places at random ride distances; the one that suits the hour best and has room. */
  #destination(
    origin: number,
    from: PlannedStation,
    rhythm: Rhythm,
  ): { destination: number; meters: number } {
    let best = { destination: origin, meters: MEAN_RIDE_METERS };
    let bestWorth = -1;
    for (let turn = 0; turn < 3; turn += 1) {
      const meters = 400 - Math.log(1 - this.#random()) * (MEAN_RIDE_METERS - 400);
      const angle = this.#random() * 2 * Math.PI;
      const destination = this.#grid.near(
        from.lat + (Math.sin(angle) * meters) / METERS_PER_DEGREE_LAT,
        from.lon + (Math.cos(angle) * meters) / METERS_PER_DEGREE_LON,
        this.#random,
        (index) => index !== origin,
      );
      if (destination === null) continue;
      const to = this.stations[destination] as PlannedStation;
      // Riders look at the map first: a nearly full station draws fewer.
      const room = 1 - this.#bikes(destination) / Math.max(1, to.capacity);
      const worth = pull(to.workplaces, rhythm.commute) * (0.15 + room) * (0.5 + this.#random());
      if (worth > bestWorth) {
        bestWorth = worth;
        best = { destination, meters };
      }
    }
    return best;
  }

  #arrive(): void {
    const trips = this.#arrivals.get(this.#step);
    if (trips === undefined) return;
    this.#arrivals.delete(this.#step);
    this.#inFlight -= trips.length;
    for (const trip of trips) {
      const wanted = trip >> 1;
      const electric = (trip & 1) === 1;
      const station = this.stations[wanted] as PlannedStation;
      const index = this.#hasRoom(wanted)
        ? wanted
        : this.#grid.near(station.lat, station.lon, this.#random, (other) => this.#hasRoom(other));
      if (index === null) this.#ride(wanted, electric, SEARCH_ON_MINUTES);
      else this.#park(index, electric);
    }
  }

  #park(index: number, electric: boolean): void {
    const counts = electric ? this.#electric : this.#mechanical;
    counts[index] = (counts[index] ?? 0) + 1;
  }

  #bikes(index: number): number {
    return (this.#mechanical[index] ?? 0) + (this.#electric[index] ?? 0);
  }

  #hasRoom(index: number): boolean {
    return this.counts(index).docks > 0;
  }
}

/** How strongly a place is sought (`direction` 1: to work) or left (−1), between 0.2 and 1.8. */
function pull(workplaces: number, direction: number): number {
  return 1 + direction * 0.8 * (2 * workplaces - 1);
}
