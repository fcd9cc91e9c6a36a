/**
 * Who draws much in the next frame says so here, and who can wait leaves that frame alone: two heavy parts of an update
 * in one frame would make it late.
 */
let taken = false;

/** Runs in the pause after the next frame. */
export function inNextPause(run: () => void): void {
  requestAnimationFrame(() => setTimeout(run));
}

export function takeNextFrame(): void {
  if (taken) return;
  taken = true;
  // Until that frame is over, whoever's turn within it comes first.
  inNextPause(() => {
    taken = false;
  });
}

export function isFrameTaken(): boolean {
  return taken;
}
