/** Waiting that ends. */

/** Waits for `work`, but not longer than `waitMs`. */
export async function atMost(waitMs: number, work: Promise<unknown>): Promise<void> {
  const waiting = Promise.withResolvers<void>();
  const timer = setTimeout(waiting.resolve, waitMs);
  await Promise.race([work, waiting.promise]).finally(() => clearTimeout(timer));
}
