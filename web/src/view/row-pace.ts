/**
 * Spreads the drawing of a long table over frames, so that an update of every row never costs one frame all of it: rows
 * in sight are drawn at once, the others a few in each of the next frames.
 *
 *   a row's data changes ──in sight──▶ drawn now
 *                        └─out of sight──▶ waiting ──(ROWS_PER_FRAME each frame, or when it comes into sight)──▶ drawn
 *
 * The frame right after a change is left to the map, which makes its parcel in it, and so is the one that shows the map's
 * new picture.
 */
import { isFrameTaken } from "../live/frame-share.ts";

/** About 2 ms of script, style, layout and paint: the map may draw in the same frame, and garbage be collected. */
const ROWS_PER_FRAME = 8;

/** A row that draws itself with what it was last given. */
export interface PacedRow {
  forceUpdate(): void;
}

export class RowPace {
  readonly #rowOf = new WeakMap<Element, PacedRow>();
  readonly #inSight = new WeakSet<PacedRow>();
  readonly #waiting = new Set<PacedRow>();
  readonly #observer = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      const row = this.#rowOf.get(target);
      if (row === undefined) continue;
      if (isIntersecting) {
        this.#inSight.add(row);
        if (this.#waiting.delete(row)) row.forceUpdate();
      } else this.#inSight.delete(row);
    }
  });
  #frame = 0;

  /** From now on `row`, drawn as `element`, is drawn at this pace. */
  follow(row: PacedRow, element: Element): void {
    this.#rowOf.set(element, row);
    this.#observer.observe(element);
  }

  leave(row: PacedRow, element: Element): void {
    this.#observer.unobserve(element);
    this.#waiting.delete(row);
  }

  /** Whether `row` may draw what is new right away; if not, its turn will come. */
  mayDraw(row: PacedRow): boolean {
    if (this.#inSight.has(row)) {
      this.#waiting.delete(row);
      return true;
    }
    this.#waiting.add(row);
    this.#schedule();
    return false;
  }

  #schedule(): void {
    if (this.#frame === 0) this.#frame = requestAnimationFrame(() => this.#next());
  }

  #next(): void {
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      if (isFrameTaken()) return this.#next();
      let drawn = 0;
      for (const row of this.#waiting) {
        if (drawn === ROWS_PER_FRAME) break;
        this.#waiting.delete(row);
        row.forceUpdate();
        drawn += 1;
      }
      if (this.#waiting.size > 0) this.#next();
    });
  }
}
