/** A streaming query on the server: what it is doing, how it went, and how to end it. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  CommandSchema,
  ExecutePlanResponse,
  StreamingQueryCommandResult,
  StreamingQueryCommandSchema,
} from "./gen/connect_pb.ts";
import { type Progress, readProgress } from "./progress.ts";

/** `id` lives as long as the checkpoint, `runId` as long as one start of it. */
export interface QueryIdentity {
  readonly id: string;
  readonly runId: string;
}

export interface QueryStatus {
  readonly active: boolean;
  /** Spark's own words, e.g. `Waiting for data to arrive`. */
  readonly message: string;
  readonly dataAvailable: boolean;
}

export interface QueryException {
  readonly message: string;
  readonly errorClass: string | null;
}

/** Whoever sends commands to the server: the session. */
interface Commander {
  command(
    command: MessageInitShape<typeof CommandSchema>,
  ): Promise<readonly ExecutePlanResponse["responseType"][]>;
}

type Command = NonNullable<MessageInitShape<typeof StreamingQueryCommandSchema>["command"]>;

export class StreamingQuery {
  readonly identity: QueryIdentity;
  readonly #session: Commander;

  constructor(session: Commander, identity: QueryIdentity) {
    this.#session = session;
    this.identity = identity;
  }

  async status(): Promise<QueryStatus> {
    const result = await this.#ask({ case: "status", value: true });
    if (result?.case !== "status") return { active: false, message: "", dataAvailable: false };
    const { isActive, statusMessage, isDataAvailable } = result.value;
    return { active: isActive, message: statusMessage, dataAvailable: isDataAvailable };
  }

  /** The batches the server still remembers, oldest first (it keeps about a hundred). */
  async recentProgress(): Promise<readonly Progress[]> {
    return this.#progress({ case: "recentProgress", value: true });
  }

  /** The last batch, or null before the first one. */
  async lastProgress(): Promise<Progress | null> {
    return (await this.#progress({ case: "lastProgress", value: true })).at(-1) ?? null;
  }

  /** Why it ended, or null when it did not fail. */
  async exception(): Promise<QueryException | null> {
    const result = await this.#ask({ case: "exception", value: true });
    if (result?.case !== "exception" || result.value.exceptionMessage === undefined) return null;
    return { message: result.value.exceptionMessage, errorClass: result.value.errorClass ?? null };
  }

  /** Blocks until all that is in the source now is processed. */
  async processAllAvailable(): Promise<void> {
    await this.#ask({ case: "processAllAvailable", value: true });
  }

  /** Waits at most `timeoutMs`; true when the query has ended. */
  async awaitTermination(timeoutMs: number): Promise<boolean> {
    const result = await this.#ask({ case: "awaitTermination", value: { timeoutMs: BigInt(timeoutMs) } });
    return result?.case === "awaitTermination" && result.value.terminated;
  }

  /** Ends it after the batch in hand is given up; the checkpoint has the rest. */
  async stop(): Promise<void> {
    await this.#ask({ case: "stop", value: true });
  }

  async #progress(command: Command): Promise<readonly Progress[]> {
    const result = await this.#ask(command);
    if (result?.case !== "recentProgress") return [];
    return result.value.recentProgressJson.map(readProgress).filter((progress) => progress !== null);
  }

  async #ask(command: Command): Promise<StreamingQueryCommandResult["resultType"] | null> {
    const answers = await this.#session.command({
      commandType: { case: "streamingQueryCommand", value: { queryId: this.identity, command } },
    });
    for (const answer of answers)
      if (answer.case === "streamingQueryCommandResult") return answer.value.resultType;
    return null;
  }
}
