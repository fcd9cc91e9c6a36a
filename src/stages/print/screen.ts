/** The terminal that a live display is drawn on, as far as it needs to know it. */

export interface Screen {
  /** Text for people. Waits while the reader is slow. */
  out(text: string): Promise<void>;
  readonly columns: number;
  readonly rows: number;
  style(style: "bold" | "dim" | "yellow" | "cyan", text: string): string;
  /** For `out`: takes the last lines off the screen again. */
  erased(lines: number): string;
  /** Lets a live display own what is told meanwhile; null gives it back. */
  interceptErr(write: ((text: string) => void) | null): void;
}
