/** What the archive's writer is given. */
import type { ReferenceReader } from "../../record/raw-record.ts";
import type { Clock, Logger, Metrics } from "../../ports.ts";
import type { OpenJournal } from "../files/journal.ts";
import type { OpenParquet } from "../files/parquet-jobs.ts";
import type { Epoch } from "../time/spans.ts";

export interface ArchiveWriterOptions {
  /** The history folder (layout.ts). */
  readonly folder: string;
  readonly kind: Epoch["kind"];
  readonly topics: { readonly raw: string; readonly totals: string };
  readonly readReference: ReferenceReader;
  /** Days older than this are removed; null keeps all. */
  readonly retainMs: number | null;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** @default createJournal */
  readonly openJournal?: OpenJournal;
  /** Who makes one file of several. @default a process of its own */
  readonly openParquet?: OpenParquet;
  /** Rows after which the journal becomes files. @default 20000 */
  readonly flushRows?: number;
  /** Rows of a sealed file that systems share. @default 1000000 */
  readonly sealedRows?: number;
}
