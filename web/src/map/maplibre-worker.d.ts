/** MapLibre publishes no types of its worker's file. */
declare module "maplibre-gl/dist/maplibre-gl-worker.mjs" {
  const MapLibreWorker: abstract new (...args: never) => object;
  export default MapLibreWorker;
}
