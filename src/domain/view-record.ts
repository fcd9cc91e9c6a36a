/** What the live view takes of the log (live-view.ts), and what it makes of it. */

/** A record of either topic, as far as the view needs it. */
export interface ViewRecord {
  readonly partition: number;
  readonly key: string | null;
  /** null is a tombstone. */
  readonly text: string | null;
  readonly timestampMs: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Why no text was made of it: then it has none, and is no tombstone. */
  readonly unusable?: string;
}

/** What a record did to the view. */
export type Applied = "changed" | "unchanged" | "stale" | "rejected";
