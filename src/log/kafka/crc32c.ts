/** The checksum of Kafka's record batches: by the processor where there is a build for it, else by the client's own code. */
import { createRequire } from "node:module";
import { crc32c as portable } from "@platformatic/kafka";

/** CRC-32C (Castagnoli) of all bytes. */
export const crc32c: (bytes: Buffer) => number = native() ?? portable;

/** The client uses the same package, but copies every buffer for it, which takes longer than the sum. */
function native(): ((bytes: Buffer) => number) | null {
  try {
    return (createRequire(import.meta.url)("@node-rs/crc32") as { crc32c: (bytes: Buffer) => number }).crc32c;
  } catch {
    return null;
  }
}
