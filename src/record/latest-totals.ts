/**
 * The latest totals of every area, as every reader of the totals topic decides it: what repeats itself, stands under a key
 * of old, or is no totals record changes nothing.
 *
 *   record ─▶ is it totals? ─▶ of which area? ─▶ does it supersede what is kept? ─▶ latest
 */
import { FormerKeys } from "./former-keys.ts";
import { receiveTotals, type ReadRecord } from "./received-record.ts";
import { decodeThrough, ownAreaKey, supersedes, type Kept, type Totals } from "./totals-record.ts";

export type TotalsRead =
  /** Totals null: the area is gone. */
  | {
      readonly outcome: "latest";
      /** The area's own, whatever the record stands under. */
      readonly key: string;
      readonly totals: Totals | null;
      /** Totals of the area have been read before. */
      readonly known: boolean;
    }
  /** An older record than the one kept, or that one once more. */
  | { readonly outcome: "repeated" }
  /** The tombstone of a key of old, whose area stands under its own by now. */
  | { readonly outcome: "former_key" }
  /** It says no totals, or of two areas. */
  | { readonly outcome: "refused"; readonly reason: string };

export class LatestTotals {
  readonly #kept = new Map<string, Kept>();
  #formerKeys = new FormerKeys();

  read(record: ReadRecord): TotalsRead {
    const received = receiveTotals(record);
    if (received !== "tombstone" && !received.ok) return { outcome: "refused", reason: received.reason };
    const totals = received === "tombstone" ? null : received.totals;
    const key = ownAreaKey(record, totals, this.#formerKeys);
    if (key === null) return { outcome: "refused", reason: "key_mismatch" };
    if (key === undefined) return { outcome: "former_key" };
    const through = decodeThrough(record.headers["through"]);
    const kept = this.#kept.get(key);
    const asOfMs = totals?.asOfMs ?? null;
    // An at-least-once writer repeats itself; the greatest `through` of an area is the one that counts.
    if (!supersedes(kept, through, asOfMs)) return { outcome: "repeated" };
    this.#kept.set(key, { through, asOfMs: asOfMs ?? kept?.asOfMs ?? 0 });
    return { outcome: "latest", key, totals, known: kept !== undefined };
  }

  /** The topic was made again: what was read of it counts no more. */
  forget(): void {
    this.#kept.clear();
    this.#formerKeys = new FormerKeys();
  }
}
