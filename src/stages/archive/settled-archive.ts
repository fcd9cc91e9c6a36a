/** The archive stage that the settings ask for; what writes it is loaded when it is opened. */
import { ArchiveStage } from "./archive.ts";

export interface ArchiveSettings {
  readonly "data-dir": string;
  readonly retain: number | null;
}

/** @param required where the folder cannot be written, the session does not start */
export function settledArchive(settings: ArchiveSettings, required: boolean): ArchiveStage {
  return new ArchiveStage({
    required,
    openArchive: async ({ log, topics, clock, logger, metrics }) => {
      const { openArchive } = await import("./open-archive.ts");
      return openArchive({
        dataDir: settings["data-dir"],
        retainMs: settings.retain,
        topics,
        kind: log.kind,
        clock,
        logger,
        metrics,
      });
    },
  });
}
