/** MapLibre's layers, over the ground. No tiles, no fonts, no sprites from anywhere: text is drawn with the reader's own fonts. */
import type { FeatureCollection } from "geojson";
import type { ExpressionSpecification, LayerSpecification, StyleSpecification } from "maplibre-gl";
import { MEASURES, type Measure } from "../address/address.ts";
import { PLATE } from "./label-plate.ts";
import { clusterSystem, systemLabel, type SystemNames } from "./system-names.ts";

/** Colours as the style sheet gives them, so that map and page never differ. */
export interface Palette {
  readonly ground: string;
  readonly graticule: string;
  readonly areaFill: string;
  readonly areaLine: string;
  /** Of an area's ground, from empty to full (area-share.ts). */
  readonly areaShares: readonly string[];
  readonly areaText: string;
  readonly halo: string;
  readonly closed: string;
  /** Where the feed does not say the measure. */
  readonly unknown: string;
  readonly outline: string;
  readonly selected: string;
  /** Numbers on discs: below this share the one ink, above it the other. */
  readonly inkSwitch: number;
  readonly inkOnEmpty: string;
  readonly inkOnFull: string;
  /** Of the measure shown: from none to full. */
  readonly ramp: readonly [string, string, string, string, string];
}

export const SOURCES = {
  stations: "stations",
  areas: "areas",
  labels: "labels",
} as const;
/** Stations stand alone from this zoom on; below, near ones are gathered. */
export const CLUSTERS_TO_ZOOM = 7;
/** From here on the stations are what is read, below it the areas. */
const STATIONS_FROM_ZOOM = 12;
const FONT = ["system-ui", "sans-serif"];

const get = (name: string): ExpressionSpecification => ["get", name];

/** A count, 0 where the feed does not say. */
function count(name: string): ExpressionSpecification {
  return ["coalesce", get(name), 0];
}

/** Sums that every cluster carries, so that its colour and number mean what a station's do. */
const clusterSums = Object.fromEntries([...MEASURES, "capacity"].map((name) => [name, ["+", count(name)]]));

export function mapStyle(
  palette: Palette,
  measure: Measure,
  systems: SystemNames | null,
): StyleSpecification {
  const empty: FeatureCollection = { type: "FeatureCollection", features: [] };
  return {
    version: 8,
    sources: {
      [SOURCES.areas]: { type: "geojson", data: empty },
      [SOURCES.labels]: { type: "geojson", data: empty },
      [SOURCES.stations]: {
        type: "geojson",
        data: empty,
        promoteId: "key",
        cluster: true,
        clusterMaxZoom: CLUSTERS_TO_ZOOM,
        clusterRadius: 34,
        clusterProperties: { ...clusterSums, system: clusterSystem },
      },
    },
    layers: layers(palette, measure, systems),
  };
}

export function layers(
  palette: Palette,
  measure: Measure,
  systems: SystemNames | null,
): LayerSpecification[] {
  const share = shareOf(measure);
  const unknown = isUnknown(measure);
  const colour: ExpressionSpecification = ["case", unknown, palette.unknown, shareColour(palette, share)];
  const number: ExpressionSpecification = ["case", unknown, "–", ["to-string", get(measure)]];
  return [
    {
      // Over a base map only; else the outlines are the ground's.
      id: "area-line",
      type: "line",
      source: SOURCES.areas,
      layout: { "line-join": "round", visibility: "none" },
      paint: {
        "line-color": ["case", get("selected"), palette.selected, palette.areaLine],
        "line-width": ["case", get("selected"), 2, 1],
      },
    },
    {
      id: "clusters",
      type: "circle",
      source: SOURCES.stations,
      filter: ["has", "point_count"],
      paint: {
        "circle-color": colour,
        "circle-radius": clusterRadius,
        "circle-stroke-color": palette.outline,
        "circle-stroke-width": 1,
      },
    },
    {
      id: "stations",
      type: "circle",
      source: SOURCES.stations,
      filter: ["!", ["has", "point_count"]],
      paint: {
        "circle-color": ["case", ["==", get("closed"), 1], palette.ground, colour],
        "circle-radius": stationRadius,
        "circle-stroke-color": ["case", ["==", get("closed"), 1], palette.closed, palette.outline],
        "circle-stroke-width": ["case", ["==", get("closed"), 1], 2, 1],
        // Below, the areas are what is read: their stations are there, and no more.
        "circle-opacity": stationOpacity,
        "circle-stroke-opacity": stationOpacity,
      },
    },
    {
      id: "selected-station",
      type: "circle",
      source: SOURCES.stations,
      filter: ["==", get("key"), ""],
      paint: {
        "circle-color": "transparent",
        "circle-radius": ["interpolate", ["linear"], ["zoom"], 11, 10, 16, 26],
        "circle-stroke-color": palette.selected,
        "circle-stroke-width": 3,
      },
    },
    {
      id: "cluster-numbers",
      type: "symbol",
      source: SOURCES.stations,
      filter: ["all", ["has", "point_count"], [">", get("capacity"), 260]],
      layout: {
        "text-field": number,
        "text-font": FONT,
        "text-size": 11,
        "text-allow-overlap": true,
      },
      paint: { "text-color": inkOn(share) },
    },
    {
      id: "system-labels",
      type: "symbol",
      source: SOURCES.stations,
      maxzoom: CLUSTERS_TO_ZOOM + 1,
      filter: ["has", "point_count"],
      layout: {
        "text-field": systemLabel(systems),
        "text-font": FONT,
        "text-size": 13,
        "text-anchor": "top",
        // Just under the disc, whose radius grows likewise.
        "text-offset": [
          "interpolate",
          ["linear"],
          ["sqrt", get("capacity")],
          4,
          ["literal", [0, 0.5]],
          40,
          ["literal", [0, 1.5]],
          200,
          ["literal", [0, 2.8]],
        ],
        "text-max-width": 12,
        "symbol-sort-key": ["-", get("point_count")],
      },
      paint: { "text-color": palette.areaText, "text-halo-color": palette.halo, "text-halo-width": 2 },
    },
    {
      id: "area-labels",
      type: "symbol",
      source: SOURCES.labels,
      // Among clusters the names would only be in the way.
      minzoom: CLUSTERS_TO_ZOOM + 1,
      layout: {
        // From afar the number is what is asked for; near, each station has its own.
        "text-field": [
          "step",
          ["zoom"],
          ["format", get("count"), { "font-scale": 1.3 }, "\n", {}, get("name"), { "font-scale": 0.85 }],
          STATIONS_FROM_ZOOM + 2,
          get("name"),
        ],
        "text-font": FONT,
        "text-size": ["interpolate", ["linear"], ["zoom"], 10, 10, 11, 11.5, 15, 15],
        "text-letter-spacing": 0.04,
        "text-padding": 6,
        // A small area's name would hide all that it has.
        "text-anchor": ["case", isSmall, "top", "center"],
        "text-offset": ["case", isSmall, ["literal", [0, 0.7]], ["literal", [0, 0]]],
        "icon-image": PLATE,
        "icon-text-fit": "both",
        "icon-text-fit-padding": [0, 2, 0, 2],
        "symbol-sort-key": ["-", get("stations")],
      },
      paint: {
        "text-color": palette.areaText,
        "text-halo-color": palette.halo,
        "text-halo-width": 1,
        "icon-color": palette.halo,
        "icon-opacity": 0.65,
      },
    },
    {
      id: "numbers",
      type: "symbol",
      source: SOURCES.stations,
      minzoom: 14,
      filter: ["!", ["has", "point_count"]],
      layout: {
        "text-field": ["case", ["==", get("closed"), 1], "×", number],
        "text-font": FONT,
        "text-size": ["interpolate", ["linear"], ["zoom"], 14, 10, 16, 13],
        "text-allow-overlap": true,
      },
      paint: { "text-color": inkOn(share) },
    },
  ];

  /** Numbers stay readable on pale and on deep discs. */
  function inkOn(value: ExpressionSpecification): ExpressionSpecification {
    return ["case", [">", value, palette.inkSwitch], palette.inkOnFull, palette.inkOnEmpty];
  }
}

/** An area of so few stations is hardly larger than its name. */
const isSmall: ExpressionSpecification = ["<=", get("stations"), 4];

/** A station's share of its capacity; a cluster's is that of its stations together. */
function shareOf(measure: Measure): ExpressionSpecification {
  return ["/", count(measure), ["max", 1, get("capacity")]];
}

/** Whether the feed says nothing of the measure; a cluster's sums then hold bikes, but of neither kind. */
function isUnknown(measure: Measure): ExpressionSpecification {
  const inCluster: ExpressionSpecification =
    measure === "electric" || measure === "mechanical"
      ? ["all", [">", get("total"), 0], ["==", ["+", count("electric"), count("mechanical")], 0]]
      : ["literal", false];
  return ["case", ["has", "point_count"], inCluster, ["==", get(measure), null]];
}

/** Nothing at all is a class of its own: it is what people most need to see. */
function shareColour(palette: Palette, share: ExpressionSpecification): ExpressionSpecification {
  const [none, little, some, much, full] = palette.ramp;
  return [
    "case",
    ["<=", share, 0],
    none,
    ["interpolate", ["linear"], share, 0, little, 0.34, some, 0.67, much, 1, full],
  ];
}

const stationOpacity: ExpressionSpecification = [
  "interpolate",
  ["linear"],
  ["zoom"],
  STATIONS_FROM_ZOOM - 0.75,
  0.12,
  STATIONS_FROM_ZOOM,
  1,
];

/** Area by capacity, so that twice the docks look twice as much. */
const stationRadius: ExpressionSpecification = [
  "interpolate",
  ["exponential", 1.5],
  ["zoom"],
  10,
  ["max", 2, ["*", 0.42, ["sqrt", get("capacity")]]],
  STATIONS_FROM_ZOOM - 0.75,
  ["max", 2, ["*", 0.42, ["sqrt", get("capacity")]]],
  STATIONS_FROM_ZOOM,
  ["max", 3, ["*", 0.95, ["sqrt", get("capacity")]]],
  14,
  ["max", 5, ["*", 1.9, ["sqrt", get("capacity")]]],
  17,
  ["max", 10, ["*", 3.2, ["sqrt", get("capacity")]]],
];

const clusterRadius: ExpressionSpecification = [
  "interpolate",
  ["linear"],
  ["sqrt", get("capacity")],
  4,
  4,
  40,
  17,
  200,
  34,
];
