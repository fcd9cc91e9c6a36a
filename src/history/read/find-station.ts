/** Which station a person means: by its id, or by the code painted on it. */
import type { ArchiveReader } from "./archive-reader.ts";
import { mayHold } from "../files/manifest.ts";
import { rowsOfSystem } from "../sql/relation.ts";

/** The id of a station; of several that bore a code, the latest. null when the archive knows none. */
export async function findStation(
  reader: ArchiveReader,
  system: string,
  text: string,
  signal?: AbortSignal,
): Promise<string | null> {
  return reader.query(async (snapshot, connection) => {
    const { stations } = snapshot.fresh;
    const fresh = [
      ...stations.where({ system, station_code: text }),
      ...stations.where({ system, station_id: text }),
    ]
      .sort((a, b) => a.observedAtMs - b.observedAtMs)
      .at(-1);
    if (fresh !== undefined) return fresh.stationId;
    const own = snapshot.manifest.files.filter((file) => file.table === "stations" && mayHold(file, system));
    // The newest days first: nearly every station that is asked for is in them.
    const days = [...new Set(own.map(({ day }) => day))].sort().toReversed();
    for (const some of [days.slice(0, 2), days.slice(2)]) {
      const files = own.filter(({ day }) => some.includes(day));
      if (files.length === 0) continue;
      const result = await connection.runAndReadAll(
        `SELECT arg_max(station_id, observed_at) FROM ${rowsOfSystem(reader.folder, "stations", files, system)}
         WHERE station_code = $text OR station_id = $text`,
        { text },
      );
      const [found] = result.getRowsJS()[0] ?? [];
      if (typeof found === "string") return found;
    }
    return null;
  }, signal);
}
