/**
 * Packs the values of records into few large blocks: a hundred thousand small buffers of their own would scatter over
 * the process's heap and keep it from shrinking.
 */

/** Values share blocks of about this size; larger ones get a block of their own. Bytes. */
const BLOCK_BYTES = 256 * 1024;

/**
 * Copies the value of each item into fresh blocks, and tells where it went: `place` is called once for each, in order,
 * with no block where the value is null. Blocks share nothing with the inputs.
 */
export function packValues<Item>(
  items: readonly Item[],
  valueOf: (item: Item) => string | Buffer | null,
  place: (item: Item, block: Buffer | null, start: number, end: number) => void,
): void {
  let next = 0;
  while (next < items.length) {
    const values: (string | Buffer | null)[] = [];
    let bytes = 0;
    while (next + values.length < items.length && (values.length === 0 || bytes < BLOCK_BYTES)) {
      const value = valueOf(items[next + values.length] as Item);
      values.push(value);
      bytes += sizeOf(value);
    }
    const block = Buffer.allocUnsafeSlow(bytes);
    let at = 0;
    for (const value of values) {
      const start = at;
      if (value !== null) at += typeof value === "string" ? block.write(value, at) : value.copy(block, at);
      place(items[next] as Item, value === null ? null : block, start, at);
      next += 1;
    }
  }
}

function sizeOf(value: string | Buffer | null): number {
  if (value === null) return 0;
  return typeof value === "string" ? Buffer.byteLength(value) : value.length;
}
