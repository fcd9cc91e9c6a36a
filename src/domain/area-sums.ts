/** The running sums of an area: what adding and subtracting stations keeps, and when two of them say the same. */

export interface Sums {
  stations: number;
  total: number;
  electric: number;
  /** Stations whose electric count is known; likewise below. */
  electricKnown: number;
  mechanical: number;
  mechanicalKnown: number;
  docks: number;
  docksKnown: number;
  withoutSplit: number;
}

export const NOTHING: Sums = {
  stations: 0,
  total: 0,
  electric: 0,
  electricKnown: 0,
  mechanical: 0,
  mechanicalKnown: 0,
  docks: 0,
  docksKnown: 0,
  withoutSplit: 0,
};

/** What of a station is summed. */
interface Summed {
  readonly total: number;
  readonly electric: number | null;
  readonly mechanical: number | null;
  readonly docks: number | null;
}

/** Adds (sign 1) or subtracts (sign -1) a station's share. */
export function share(area: Sums, station: Summed, sign: 1 | -1): void {
  area.stations += sign;
  area.total += sign * station.total;
  if (station.electric !== null) {
    area.electric += sign * station.electric;
    area.electricKnown += sign;
  }
  if (station.mechanical !== null) {
    area.mechanical += sign * station.mechanical;
    area.mechanicalKnown += sign;
  }
  if (station.docks !== null) {
    area.docks += sign * station.docks;
    area.docksKnown += sign;
  }
  if (station.electric === null || station.mechanical === null) area.withoutSplit += sign;
}

export function differ(a: Sums, b: Sums): boolean {
  return (
    a.stations !== b.stations ||
    a.total !== b.total ||
    a.electric !== b.electric ||
    a.electricKnown > 0 !== b.electricKnown > 0 ||
    a.mechanical !== b.mechanical ||
    a.mechanicalKnown > 0 !== b.mechanicalKnown > 0 ||
    a.docks !== b.docks ||
    a.docksKnown > 0 !== b.docksKnown > 0 ||
    a.withoutSplit !== b.withoutSplit
  );
}

export function copy(area: Sums): Sums {
  return {
    stations: area.stations,
    total: area.total,
    electric: area.electric,
    electricKnown: area.electricKnown,
    mechanical: area.mechanical,
    mechanicalKnown: area.mechanicalKnown,
    docks: area.docks,
    docksKnown: area.docksKnown,
    withoutSplit: area.withoutSplit,
  };
}
