/** What keeps this process alive: for tests that nothing is left open. */

/** A request of a file that is under way is over in a moment. */
export function activeResources(): string[] {
  return process
    .getActiveResourcesInfo()
    .filter((name) => !name.startsWith("FSReq"))
    .toSorted();
}

/** The same, once what was closed is gone: sockets close a moment after their server. */
export async function leftOf(before: readonly string[]): Promise<readonly string[]> {
  for (let turn = 0; turn < 200 && activeResources().length > before.length; turn += 1)
    await new Promise((resolve) => setTimeout(resolve, 10));
  return activeResources();
}
