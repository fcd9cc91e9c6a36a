/** What every reader of areas files gives: the areas themselves, and how the file was understood. */
import type { AreaLookup } from "../domain/areas.ts";

export interface AreasOfFile extends AreaLookup {
  /** How the file was understood: one sentence. */
  readonly summary: string;
  /** What of it was left out, and where; null when nothing was. */
  readonly warning: string | null;
}
