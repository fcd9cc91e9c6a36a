/**
 * From station to area, in this order; the rule that answered is kept with the answer:
 *
 *   feed's post_code ▶ --areas file ▶ reverse geocoding (Vélib', opt-in) ▶ station code (Vélib') ▶ region ▶ system
 *                                                                                          └ or unknown ┘
 *
 * A station is never dropped for want of an area: it is counted in `unknown`.
 */
import type { StationArea, StationInformation } from "../record/station.ts";
import { areaName, postcodeName } from "./area-names.ts";
import { areaOfFreeFloating } from "./free-floating.ts";

const UNKNOWN_AREA = "unknown";

/** A user's own areas (`--areas`), read at the edge. */
export interface AreaLookup {
  find(
    information: StationInformation | undefined,
    stationCode: string | null,
    stationId: string,
  ): string | null;
  /** For vehicles away from stations; null where the file is a list of stations. */
  at(lat: number, lon: number): string | null;
}

/** Answers known from a geocoder; an unknown position is asked for and answered at a later poll. */
export interface GeocodedPostcodes {
  postcode(stationId: string, lat: number, lon: number): string | null;
}

export interface AreaResolverOptions {
  readonly systemId: string;
  readonly areasFile?: AreaLookup | null;
  readonly geocoded?: GeocodedPostcodes | null;
  /** Where a station's code tells its area (Vélib'): the area, or null when this one tells none. */
  readonly areaOfStationCode?: ((stationCode: string) => string | null) | null;
  /** The one postal code that stands for those of one area. @default each stands for itself */
  readonly normalisePostcode?: (postcode: string) => string;
  /** Region id → its name, as far as `system_regions` has been read; ids stand for the others. */
  readonly regionNames?: (() => ReadonlyMap<string, string>) | null;
}

export class AreaResolver {
  readonly #options: AreaResolverOptions;

  constructor(options: AreaResolverOptions) {
    this.#options = options;
  }

  /** The area of a station. Bound, so that it can be handed over as `CollectionOptions.resolveArea`. */
  readonly resolve = (
    information: StationInformation | undefined,
    stationCode: string | null,
    stationId: string,
  ): StationArea => {
    const freeFloating = areaOfFreeFloating(stationId);
    if (freeFloating !== null) return freeFloating;
    const served = postcodeName(information?.postCode ?? null);
    if (served !== null) return { area: this.#normalise(served), rule: "feed_post_code" };
    const own = this.#options.areasFile?.find(information, stationCode, stationId) ?? null;
    if (own !== null) return { area: own, rule: "areas_file" };
    const code = stationCode ?? information?.stationCode ?? null;
    return this.#geocoded(information, stationId) ?? this.#byCode(code) ?? this.#rest(information?.regionId);
  };

  /** The area of a vehicle that stands by itself. */
  readonly resolvePosition = (lat: number | null, lon: number | null): StationArea => {
    const own = lat === null || lon === null ? null : (this.#options.areasFile?.at(lat, lon) ?? null);
    return own === null ? this.#rest(null) : { area: own, rule: "areas_file" };
  };

  #geocoded(information: StationInformation | undefined, stationId: string): StationArea | null {
    const { geocoded } = this.#options;
    if (!geocoded || information === undefined || information.lat === null || information.lon === null) {
      return null;
    }
    const postcode = geocoded.postcode(stationId, information.lat, information.lon);
    return postcode === null ? null : { area: this.#normalise(postcode), rule: "reverse_geocoding" };
  }

  #byCode(stationCode: string | null): StationArea | null {
    const area = stationCode === null ? null : (this.#options.areaOfStationCode?.(stationCode) ?? null);
    return area === null ? null : { area, rule: "station_code" };
  }

  #normalise(postcode: string): string {
    return this.#options.normalisePostcode?.(postcode) ?? postcode;
  }

  #rest(regionId: string | null | undefined): StationArea {
    const { systemId, areasFile, areaOfStationCode } = this.#options;
    // Who names areas, or has postal codes, is not served by regions in between: those stations are unknown.
    if (areasFile || areaOfStationCode) return { area: UNKNOWN_AREA, rule: "unknown" };
    const name = regionId ? this.#options.regionNames?.().get(regionId) : undefined;
    const region = areaName(name ?? regionId ?? null);
    return region === null ? { area: systemId, rule: "system" } : { area: region, rule: "region" };
  }
}
