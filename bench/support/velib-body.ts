/** A station_status body in Vélib's dialect, as large as the real one: for benches that must not depend on captures. */

/** @param bikes shifts every station's counts, so that two bodies differ in every station */
export function velibBody(stations: number, bikes: number): Buffer {
  const list = Array.from({ length: stations }, (_, index) => {
    const mechanical = (index * 7 + bikes) % 30;
    const ebike = (index * 3 + bikes) % 12;
    return {
      stationCode: String((1 + (index % 20)) * 1000 + Math.floor(index / 20) + 1),
      station_id: 213_688_169 + index * 1_000_003,
      num_bikes_available: mechanical + ebike,
      numBikesAvailable: mechanical + ebike,
      num_bikes_available_types: [{ mechanical }, { ebike }],
      num_docks_available: 40 - (index % 25),
      numDocksAvailable: 40 - (index % 25),
      is_installed: 1,
      is_returning: 1,
      is_renting: 1,
      last_reported: 1_760_778_000,
    };
  });
  return Buffer.from(
    JSON.stringify({ lastUpdatedOther: 1_760_778_600, ttl: 3600, data: { stations: list } }),
  );
}
