/** What other collectors did to stations of ours since the last plan, and which of them are at work. Pure. */
import type { Foreign } from "./collection-plan.ts";
import { OTHER_SILENT_MS, type OtherWriter } from "../record/writer.ts";

export class ForeignRecords {
  /** Taken out of the topic, and by whom. */
  readonly #takenOut = new Map<string, OtherWriter>();
  /** An older observation than ours, which may stand behind ours in the log. */
  readonly #late = new Set<string>();

  takenOut(stationId: string, writer: OtherWriter): void {
    this.#takenOut.set(stationId, writer);
  }

  /** Compaction keeps the last record of a key, not the newest: ours must be published once more. */
  late(stationId: string): void {
    this.#late.add(stationId);
  }

  /** A record of the station was read that stands as it should. */
  settled(stationId: string): void {
    this.#takenOut.delete(stationId);
    this.#late.delete(stationId);
  }

  takerOf(stationId: string): OtherWriter | undefined {
    return this.#takenOut.get(stationId);
  }

  isLate(stationId: string): boolean {
    return this.#late.size > 0 && this.#late.has(stationId);
  }

  /** A poll was compared with the topic, and what it makes to be published is there. */
  judged(): void {
    this.#takenOut.clear();
    this.#late.clear();
  }
}

/** The other collector that wrote a station last, as long as it is at work: then the station is its to retire. */
export function otherAtWork(
  held: { readonly foreign: Foreign | null } | undefined,
  nowMs: number,
): OtherWriter | null {
  const writer = held?.foreign?.writer ?? null;
  return writer !== null && nowMs - writer.seenAtMs < OTHER_SILENT_MS ? writer : null;
}
