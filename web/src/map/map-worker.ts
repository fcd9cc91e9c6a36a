/**
 * The map's worker: MapLibre's own, which also unpacks the stations. They come as the body of a request to an address
 * that only this worker knows (MapLibre's way to add a source of data), and go into its index as if they had been loaded.
 */
import type { AddProtocolAction } from "maplibre-gl";
import MapLibreWorker from "maplibre-gl/dist/maplibre-gl-worker.mjs";
import { STATIONS_PROTOCOL, UnpackedStations } from "./station-parcel.ts";

interface MapLibreScope {
  readonly worker: unknown;
  readonly addProtocol: (protocol: string, load: AddProtocolAction) => void;
}

const stations = new UnpackedStations();
const scope = globalThis as unknown as MapLibreScope;

// Loading MapLibre's module starts its worker. Named here, because a module of which nothing is used is left out.
if (!(scope.worker instanceof MapLibreWorker)) throw new Error("MapLibre's worker has not started.");

scope.addProtocol(STATIONS_PROTOCOL, ({ body }) => {
  const collection = { type: "FeatureCollection" };
  // MapLibre would send all that is enumerable of what was loaded back to the main thread, which has no use for it.
  Object.defineProperty(collection, "features", { value: stations.take(String(body)), enumerable: false });
  return Promise.resolve({ data: collection });
});
