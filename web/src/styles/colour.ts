/**
 * The style sheet's colours for those who paint themselves (the map, the chart): one source, light and dark. A token's own
 * text is light-dark(…): only a property that uses it is resolved, so one hidden element is asked.
 */

let probe: HTMLElement | null = null;

/** A token such as `--ink`, as the browser resolves it now. */
export function pageColour(token: string): string {
  return resolved(`var(${token})`);
}

export function isDark(): boolean {
  return resolved("light-dark(#000, #fff)") === "rgb(255, 255, 255)";
}

function resolved(colour: string): string {
  if (probe === null) {
    probe = document.createElement("span");
    probe.hidden = true;
    document.body.append(probe);
  }
  probe.style.color = colour;
  return getComputedStyle(probe).color;
}
