/** What one check of `doctor` has found out. */
export interface Finding {
  readonly ok: boolean;
  /** One sentence; ends with a remedy when not ok. */
  readonly says: string;
}
