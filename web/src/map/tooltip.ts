/** The small note beside the pointer: a station's name and counts. For the mouse only; the panel has all of it. */
import type { Station } from "../../../src/http/api-types.ts";
import type { Words } from "../text/format.ts";
import { stationName } from "../view/area-order.ts";

const OFFSET = 14;

export class Tooltip {
  readonly #element = document.createElement("div");
  readonly #name = document.createElement("b");
  readonly #counts = document.createElement("span");
  readonly #frame: HTMLElement;
  #words: Words;

  constructor(frame: HTMLElement, words: Words) {
    this.#frame = frame;
    this.#words = words;
    this.#element.className = "tooltip";
    this.#element.hidden = true;
    this.#element.setAttribute("aria-hidden", "true");
    this.#element.append(this.#name, this.#counts);
    frame.append(this.#element);
  }

  speak(words: Words): void {
    this.#words = words;
  }

  show(station: Station, { x, y }: { readonly x: number; readonly y: number }): void {
    const { text } = this.#words;
    this.#name.textContent = stationName(station);
    this.#counts.textContent = text.tooltip(
      this.#words.count(station.nbr_total),
      this.#words.count(station.nbr_docks),
    );
    this.#element.hidden = false;
    const { offsetWidth: width, offsetHeight: height } = this.#element;
    const left = x + OFFSET + width > this.#frame.clientWidth ? x - OFFSET - width : x + OFFSET;
    const top = Math.min(Math.max(4, y - height / 2), this.#frame.clientHeight - height - 4);
    this.#element.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
  }

  hide(): void {
    this.#element.hidden = true;
  }
}
