/**
 * One Spark Connect session: settings, views, batch reads, and the start of streaming queries.
 *
 *   connect ──first call──▶ open on the server ──no call for an hour, release──▶ gone, with its queries
 *
 * Every command is reattachable: if its answer breaks off, it is taken up again where it broke, not run twice.
 */
import { randomUUID } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Client, ConnectError, createClient, type Interceptor } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import type { SparkAddress } from "./address.ts";
import {
  type CommandSchema,
  type ExecutePlanResponse,
  type PlanSchema,
  SparkConnectService,
} from "./gen/connect_pb.ts";
import type { Relation } from "./relations.ts";
import type { SparkClientError } from "./spark-client-error.ts";
import { type Caller, isAway, sparkFailure } from "./spark-failure.ts";
import { type QueryIdentity, StreamingQuery } from "./streaming-query.ts";

export interface SessionOptions {
  readonly address: SparkAddress;
  /** A UUID: the session of an earlier process can be taken up again. @default a new one */
  readonly sessionId?: string;
  /** Sent as a bearer token. */
  readonly token?: string | null;
  /** PEM of the authority to trust, instead of the system's. */
  readonly ca?: string | null;
  /** Waits before a broken answer is taken up again. */
  readonly clock: { sleep(durationMs: number): Promise<void> };
  /** Makes what is thrown of this client's error: a program may have errors of its own. @default the error itself */
  readonly asError?: (error: SparkClientError) => unknown;
}

/** How a streaming query is to run. */
export interface QueryStart {
  readonly input: Relation;
  readonly name: string;
  readonly format: string;
  /** `checkpointLocation` and the sink's own. */
  readonly options: Readonly<Record<string, string>>;
  readonly outputMode: "append" | "update" | "complete";
  readonly trigger:
    | { readonly kind: "interval"; readonly interval: string }
    | { readonly kind: "available-now" }
    | { readonly kind: "real-time"; readonly batchDuration: string };
}

type Plan = MessageInitShape<typeof PlanSchema>;
type Command = MessageInitShape<typeof CommandSchema>;
type Answer = ExecutePlanResponse["responseType"];

/** A unary call that takes longer than this is a connection that died without a word. */
const CALL_TIMEOUT_MS = 30_000;
const REATTACH_LIMIT = 5;
const REATTACH_PAUSE_MS = 500;
const PING_INTERVAL_MS = 10_000;

export class SparkSession {
  readonly address: SparkAddress;
  readonly sessionId: string;
  readonly #caller: Caller;
  readonly #client: Client<typeof SparkConnectService>;
  readonly #connection: Http2SessionManager;
  readonly #clock: SessionOptions["clock"];
  readonly #asError: (error: SparkClientError) => unknown;

  constructor(options: SessionOptions) {
    const { address, token = null, ca = null } = options;
    this.address = address;
    this.sessionId = options.sessionId ?? randomUUID();
    this.#clock = options.clock;
    this.#asError = options.asError ?? ((error) => error);
    this.#caller = {
      sessionId: this.sessionId,
      userContext: { userId: address.userId, userName: address.userId },
      clientType: "velostream",
    };
    const baseUrl = `${address.tls ? "https" : "http"}://${address.host}:${address.port}`;
    this.#connection = new Http2SessionManager(
      baseUrl,
      { pingIntervalMs: PING_INTERVAL_MS },
      ca === null ? undefined : { ca },
    );
    const transport = createGrpcTransport({
      baseUrl,
      sessionManager: this.#connection,
      interceptors: token === null ? [] : [bearer(token)],
    });
    this.#client = createClient(SparkConnectService, transport);
  }

  /** The server's version, e.g. `4.2.0`. */
  async version(): Promise<string> {
    const { result } = await this.#call(async () =>
      this.#client.analyzePlan(
        { ...this.#caller, analyze: { case: "sparkVersion", value: {} } },
        { timeoutMs: CALL_TIMEOUT_MS },
      ),
    );
    return result.case === "sparkVersion" ? result.value.version : "";
  }

  /** Sets session settings, by Spark's own names. */
  async configure(settings: Readonly<Record<string, string>>): Promise<void> {
    const pairs = Object.entries(settings).map(([key, value]) => ({ key, value }));
    await this.#call(async () =>
      this.#client.config(
        { ...this.#caller, operation: { opType: { case: "set", value: { pairs } } } },
        { timeoutMs: CALL_TIMEOUT_MS },
      ),
    );
  }

  /** Names a relation, so that SQL can read it. */
  async createView(name: string, input: Relation): Promise<void> {
    await this.command({
      commandType: { case: "createDataframeView", value: { name, input, isGlobal: false, replace: true } },
    });
  }

  /** Runs a batch relation and counts its rows. */
  async countRows(relation: Relation): Promise<number> {
    let rows = 0;
    for await (const answer of this.#execute({ opType: { case: "root", value: relation } }))
      if (answer.case === "arrowBatch") rows += Number(answer.value.rowCount);
    return rows;
  }

  /** Starts a streaming query and resolves when Spark has accepted it. */
  async start(query: QueryStart): Promise<StreamingQuery> {
    const { input, format, outputMode, name, options } = query;
    const answers = await this.command({
      commandType: {
        case: "writeStreamOperationStart",
        value: {
          input,
          format,
          outputMode,
          queryName: name,
          options: { ...options },
          trigger: triggerOf(query.trigger),
        },
      },
    });
    for (const answer of answers)
      if (answer.case === "writeStreamOperationStartResult" && answer.value.queryId !== undefined)
        return this.query({ id: answer.value.queryId.id, runId: answer.value.queryId.runId });
    throw new Error("Spark answered the start of a query without its id.");
  }

  /** A query started earlier, perhaps by another process in the same session. */
  query(identity: QueryIdentity): StreamingQuery {
    return new StreamingQuery(this, identity);
  }

  /** The session's running query of that name; null when there is none. */
  async activeQuery(name: string): Promise<StreamingQuery | null> {
    const answers = await this.command({
      commandType: {
        case: "streamingQueryManagerCommand",
        value: { command: { case: "active", value: true } },
      },
    });
    for (const answer of answers) {
      if (answer.case !== "streamingQueryManagerCommandResult") continue;
      const { resultType } = answer.value;
      const queries = resultType.case === "active" ? resultType.value.activeQueries : [];
      const found = queries.find((query) => query.name === name)?.id;
      if (found !== undefined) return this.query({ id: found.id, runId: found.runId });
    }
    return null;
  }

  /** Runs one command and returns its answers. */
  async command(command: Command): Promise<readonly Answer[]> {
    const answers: Answer[] = [];
    for await (const answer of this.#execute({ opType: { case: "command", value: command } }))
      answers.push(answer);
    return answers;
  }

  /** Ends the session on the server, with all its queries. */
  async release(): Promise<void> {
    await this.#call(async () =>
      this.#client.releaseSession({ ...this.#caller }, { timeoutMs: CALL_TIMEOUT_MS }),
    );
  }

  /** Leaves: the session and its queries stay on the server. */
  close(): void {
    this.#connection.abort();
  }

  async *#execute(plan: Plan): AsyncGenerator<Answer> {
    const operationId = randomUUID();
    let lastResponseId: string | undefined;
    let attempts = 0;
    let known = false;
    for (;;) {
      try {
        const stream = known
          ? this.#client.reattachExecute({
              ...this.#caller,
              operationId,
              ...(lastResponseId === undefined ? {} : { lastResponseId }),
            })
          : this.#client.executePlan({
              ...this.#caller,
              plan,
              operationId,
              requestOptions: [{ requestOption: { case: "reattachOptions", value: { reattachable: true } } }],
            });
        for await (const response of stream) {
          known = true;
          attempts = 0;
          lastResponseId = response.responseId;
          if (response.responseType.case === "resultComplete") {
            this.#releaseExecution(operationId);
            return;
          }
          yield response.responseType;
        }
        // The server cuts long answers into streams of a few minutes each: take the next one.
      } catch (reason) {
        const error = ConnectError.from(reason);
        // Nothing answered: whether it runs is unknown, and the caller decides. Broken off: it runs, take it up.
        if (!known || !isAway(error) || attempts >= REATTACH_LIMIT) throw await this.#failure(reason);
        attempts += 1;
        await this.#clock.sleep(REATTACH_PAUSE_MS * attempts);
      }
    }
  }

  /** Lets the server forget the answers; nothing depends on it. */
  #releaseExecution(operationId: string): void {
    const request = { ...this.#caller, operationId, release: { case: "releaseAll", value: {} } as const };
    this.#client.releaseExecute(request, { timeoutMs: CALL_TIMEOUT_MS }).catch(() => {});
  }

  async #failure(reason: unknown): Promise<unknown> {
    return this.#asError(await sparkFailure(reason, this.#client, this.#caller, this.address));
  }

  async #call<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (reason) {
      throw await this.#failure(reason);
    }
  }
}

function triggerOf(trigger: QueryStart["trigger"]) {
  if (trigger.kind === "interval")
    return { case: "processingTimeInterval", value: trigger.interval } as const;
  if (trigger.kind === "available-now") return { case: "availableNow", value: true } as const;
  return { case: "realTimeBatchDuration", value: trigger.batchDuration } as const;
}

function bearer(token: string): Interceptor {
  return (next) => async (request) => {
    request.header.set("authorization", `Bearer ${token}`);
    return next(request);
  };
}
