/** One frame of the journal: what it holds, and what makes sure that it is one. */
import { z } from "zod";
import { StorageError } from "../../errors.ts";
import type { GapReason, RecordedGap } from "./manifest.ts";
import type { PlainTable } from "./parquet-jobs.ts";
import { AREA_COLUMNS, STATION_COLUMNS, type Cell, type Column } from "./rows.ts";
import type { Epoch } from "../time/spans.ts";

/** What one batch of the log came to. */
export interface Frame {
  readonly epoch: Epoch;
  /** Next offset to read by `topic:partition`, of what was read. */
  readonly positions: Readonly<Record<string, number>>;
  readonly stations: readonly (readonly Cell[])[];
  readonly areas: readonly (readonly Cell[])[];
  /** Holes in the log before some of these rows. Absent where an earlier version wrote it. */
  readonly missing?: readonly FrameHole[];
  /** As earlier versions told of holes: before these rows, in all partitions or in some. */
  readonly interrupted: boolean | readonly number[];
  /** The log is not read to its end yet: earlier records of other partitions may follow. */
  readonly behind?: true;
  /** As earlier versions told of gaps. */
  readonly gaps: readonly RecordedGap[];
  /** Counts the frames of one writer: where one is left out, a frame between two others is damaged. */
  readonly sequence?: number;
}

/** Records are missing in a partition, before the row of that offset. */
export interface FrameHole {
  readonly table: PlainTable;
  readonly partition: number;
  readonly beforeOffset: number;
  readonly reason: GapReason;
}

const time = z.number();
/** All but the rows: there are many, and they are looked at by hand. */
const Shape = z.object({
  epoch: z.object({
    id: z.int(),
    kind: z.enum(["kafka", "memory", "import"]),
    topics: z.array(z.string()),
    openedAtMs: time,
    topicIds: z.record(z.string(), z.string()).optional(),
  }),
  positions: z.record(z.string(), z.int().nonnegative()),
  stations: z.array(z.unknown()),
  areas: z.array(z.unknown()),
  missing: z
    .array(
      z.object({
        table: z.enum(["stations", "areas"]),
        partition: z.int(),
        beforeOffset: z.int(),
        reason: z.string(),
      }),
    )
    .optional(),
  interrupted: z.union([z.boolean(), z.array(z.int())]),
  behind: z.literal(true).optional(),
  gaps: z.array(z.object({ system: z.string(), fromMs: time, toMs: time, reason: z.string() })),
  sequence: z.int().optional(),
});

const PLACE = ["simulated", "epoch", "log_partition", "log_offset"];
/** Columns that every row has a value in. */
const NEVER_NULL: Readonly<Record<PlainTable, ReadonlySet<string>>> = {
  stations: new Set(["station_id", "observed_at", "event", ...PLACE]),
  areas: new Set(["area", "as_of", "removed", ...PLACE]),
};
/** Latest time that names a day, 9999-12-31. */
const LATEST_MS = 253_402_300_799_999;

/**
 * A frame of what stands in a journal with the right checksum.
 * @throws StorageError when it is of another shape: nobody but the archive writes there
 */
export function readFrame(json: Buffer, path: string): Frame {
  let value: unknown;
  try {
    value = JSON.parse(json.toString("utf8"));
  } catch {
    value = null;
  }
  const { success } = Shape.safeParse(value);
  const frame = value as Frame;
  if (
    success &&
    areRows("stations", frame.stations, STATION_COLUMNS) &&
    areRows("areas", frame.areas, AREA_COLUMNS)
  )
    return frame;
  throw new StorageError(
    "VELOSTREAM_STORAGE_INVALID",
    `${path} holds a line that is whole but not of the archive's shape: another program, or a newer version, wrote it. Restore the folder from a backup, or move this file away; what is in it alone is lost then.`,
  );
}

function areRows<R>(
  table: PlainTable,
  rows: readonly (readonly Cell[])[],
  columns: readonly Column<R>[],
): boolean {
  return rows.every(
    (cells) =>
      Array.isArray(cells) &&
      typeof cells[0] === "string" &&
      columns.every((column, index) => {
        const cell = cells[index + 1] ?? null;
        return cell === null ? !NEVER_NULL[table].has(column.name) : isCell(cell, column);
      }),
  );
}

function isCell<R>(cell: Cell, { name, type }: Column<R>): boolean {
  if (type === "VARCHAR") return typeof cell === "string";
  if (type === "BOOLEAN") return typeof cell === "boolean";
  if (typeof cell !== "number") return false;
  return (name !== "observed_at" && name !== "as_of") || (cell >= 0 && cell <= LATEST_MS);
}
