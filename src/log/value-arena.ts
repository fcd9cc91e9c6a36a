/**
 * Packs the values of records into few large blocks: a hundred thousand small buffers of their own would scatter over
 * the process's heap and keep it from shrinking.
 */

/** Values share blocks of about this size; larger ones get a block of their own. Bytes. */
const BLOCK_BYTES = 256 * 1024;

/** Copies `values` into fresh blocks; the results share nothing with the inputs, `null` stays `null`. */
export function packValues(values: readonly (string | Buffer | null)[]): (Buffer | null)[] {
  const packed: (Buffer | null)[] = [];
  let start = 0;
  while (start < values.length) {
    let bytes = 0;
    let end = start;
    while (end < values.length && (end === start || bytes < BLOCK_BYTES)) {
      bytes += sizeOf(values[end]);
      end += 1;
    }
    const block = Buffer.allocUnsafeSlow(bytes);
    let at = 0;
    for (; start < end; start += 1) {
      const value = values[start] ?? null;
      if (value === null) {
        packed.push(null);
        continue;
      }
      const length = typeof value === "string" ? block.write(value, at) : value.copy(block, at);
      packed.push(block.subarray(at, at + length));
      at += length;
    }
  }
  return packed;
}

function sizeOf(value: string | Buffer | null | undefined): number {
  if (value === null || value === undefined) return 0;
  return typeof value === "string" ? Buffer.byteLength(value) : value.length;
}
