/**
 * A real Spark Connect server without Docker, for development and tests: starts, kills, restarts and stops it.
 *
 *   startSpark ──▶ jars (Maven, once) ──▶ [master ──▶ worker 1, worker 2] ──▶ Connect server, all on loopback
 */
import { readdirSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { checkJava, JavaProcess } from "../java-process.ts";
import { freePorts, isFree } from "../ports.ts";
import { sparkHome, SPARK_VERSION } from "./jars.ts";

export interface SparkOptions {
  /** Of the Connect server; 0 picks a free one. @default 0 */
  readonly port?: number;
  /** One master and this many workers with one core each; 0 runs everything in the server's own process. @default 0 */
  readonly workers?: number;
  /** Kept between runs; a temporary folder, removed by `stop`, when absent. */
  readonly dataDir?: string;
  /** Of the server. @default 1024 */
  readonly heapMb?: number;
  /** The server's web interface, on this port; none when absent. */
  readonly uiPort?: number;
  /** Callers must send this as a bearer token. */
  readonly token?: string;
  /** Start-up first (one compiler) or steady speed (both). @default "start" */
  readonly tuning?: "start" | "speed";
  /** Further Spark settings, by Spark's own names. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Told one line per step. */
  readonly report?: (line: string) => void;
}

export interface RunningSpark {
  readonly version: string;
  /** What `--spark` takes. */
  readonly url: string;
  readonly dataDir: string;
  /** Pid of the Connect server; null when it is down. */
  pid(): number | null;
  /** Pids of the executors of a cluster. Linux only. */
  executorPids(): readonly number[];
  /** `kill -9` of the Connect server. */
  kill(): Promise<void>;
  /** Starts a killed server again, on the same port; resolves when it serves. */
  restart(): Promise<void>;
  /** Resolves when any process dies without being asked to. */
  readonly died: Promise<string>;
  stop(): Promise<void>;
}

const LOOPBACK = "127.0.0.1";
const STOP_TIMEOUT_MS = 20_000;
/** Spark's own list for Java 17 (org.apache.spark.launcher.JavaModuleOptions). */
const OPENS = [
  "java.base/java.lang",
  "java.base/java.lang.invoke",
  "java.base/java.lang.reflect",
  "java.base/java.io",
  "java.base/java.net",
  "java.base/java.nio",
  "java.base/java.util",
  "java.base/java.util.concurrent",
  "java.base/java.util.concurrent.atomic",
  "java.base/jdk.internal.ref",
  "java.base/sun.nio.ch",
  "java.base/sun.nio.cs",
  "java.base/sun.security.action",
  "java.base/sun.util.calendar",
  "java.security.jgss/sun.security.krb5",
].map((name) => `--add-opens=${name}=ALL-UNNAMED`);
const SPEED = ["-XX:+UseParallelGC"];

/** Starts a server and resolves when it serves. Throws MissingTool when Java or Maven is not installed. */
export async function startSpark(options: SparkOptions = {}): Promise<RunningSpark> {
  const { workers: workerCount = 0, heapMb = 1024, report = () => {} } = options;
  checkJava();
  const home = await sparkHome(report);
  const temporary = options.dataDir === undefined;
  const dataDir = temporary
    ? await mkdtemp(join(tmpdir(), "velostream-spark-"))
    : resolve(options.dataDir ?? "");
  await mkdir(dataDir, { recursive: true });
  const [port, masterPort] = await ports(options.port ?? 0);
  const jvm = (name: string, heap: number, args: readonly string[], upLine: RegExp): JavaProcess =>
    new JavaProcess({
      name,
      heapMb: heap,
      ...(options.tuning === "speed" ? { jvmFlags: SPEED } : {}),
      args: [
        ...OPENS,
        `-Dlog4j2.configurationFile=${fileURLToPath(new URL("log4j2.properties", import.meta.url))}`,
        "-Djdk.reflect.useDirectMethodHandle=false",
        "-Dio.netty.tryReflectionSetAccessible=true",
        "-cp",
        join(home, "jars", "*"),
        ...args,
      ],
      // Nothing of the machine's own Spark may leak in.
      // Without the version its launcher of executors looks for a source tree.
      env: {
        SPARK_SCALA_VERSION: "2.13",
        SPARK_HOME: home,
        SPARK_LOCAL_IP: LOOPBACK,
        SPARK_CONF_DIR: dataDir,
        SPARK_LOCAL_DIRS: dataDir,
      },
      logFile: join(dataDir, `${name.toLowerCase().replaceAll(" ", "-")}.log`),
      upLine,
    });
  const masterUrl = `spark://${LOOPBACK}:${masterPort}`;
  const cluster =
    workerCount === 0
      ? []
      : [
          jvm(
            "Spark master",
            256,
            [
              "org.apache.spark.deploy.master.Master",
              ...flags({ host: LOOPBACK, port: String(masterPort), "webui-port": "0" }),
            ],
            /elected leader/,
          ),
          ...Array.from({ length: workerCount }, (_, index) =>
            jvm(
              `Spark worker ${index + 1}`,
              256,
              [
                "org.apache.spark.deploy.worker.Worker",
                ...flags({ host: LOOPBACK, cores: "1", memory: "1g", "webui-port": "0" }),
                ...flags({ "work-dir": join(dataDir, `worker-${index + 1}`) }),
                masterUrl,
              ],
              /Successfully registered with master/,
            ),
          ),
        ];
  const settings: Record<string, string> = {
    "spark.connect.grpc.binding.address": LOOPBACK,
    "spark.connect.grpc.binding.port": String(port),
    "spark.driver.host": LOOPBACK,
    "spark.driver.bindAddress": LOOPBACK,
    "spark.ui.enabled": String(options.uiPort !== undefined),
    "spark.ui.port": String(options.uiPort ?? 0),
    "spark.sql.warehouse.dir": join(dataDir, "warehouse"),
    "spark.ui.showConsoleProgress": "false",
    ...(workerCount === 0 ? {} : { "spark.executor.memory": "512m", "spark.executor.cores": "1" }),
    ...(options.token === undefined ? {} : { "spark.connect.authenticate.token": options.token }),
    ...options.settings,
  };
  const server = jvm(
    "Spark Connect server",
    heapMb,
    [
      "org.apache.spark.deploy.SparkSubmit",
      ...flags({
        class: "org.apache.spark.sql.connect.service.SparkConnectServer",
        master: workerCount === 0 ? "local[2]" : masterUrl,
      }),
      ...Object.entries(settings).flatMap(([name, value]) => ["--conf", `${name}=${value}`]),
      "spark-internal",
    ],
    /Spark Connect server started/,
  );

  let stopping = false;
  const expected = new Set<JavaProcess>();
  let announce: (name: string) => void = () => {};
  const died = new Promise<string>((resolveDied) => (announce = resolveDied));
  const watch = async (process: JavaProcess): Promise<void> => {
    await process.exited;
    if (!stopping && !expected.has(process)) announce(process.name);
  };
  const start = async (process: JavaProcess): Promise<void> => {
    await process.start();
    expected.delete(process);
    void watch(process);
  };
  const stop = async (): Promise<void> => {
    stopping = true;
    const all = [server, ...cluster.toReversed()];
    await Promise.all(
      all.map(async (process) => (temporary ? process.kill() : process.stop(STOP_TIMEOUT_MS))),
    );
    // An executor that has lost its worker may still write its last line.
    if (temporary) await rm(dataDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  };
  try {
    report(
      `Starting Spark ${SPARK_VERSION}${workerCount === 0 ? "" : `, a master and ${workerCount} workers`}`,
    );
    for (const process of [...cluster, server]) await start(process);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    version: SPARK_VERSION,
    url: `sc://${LOOPBACK}:${port}`,
    dataDir,
    pid: () => server.pid,
    executorPids: () => cluster.slice(1).flatMap(({ pid }) => (pid === null ? [] : childrenOf(pid))),
    async kill() {
      expected.add(server);
      await server.kill();
    },
    restart: async () => start(server),
    died,
    stop,
  };
}

/** As `--name value` each. */
function flags(values: Readonly<Record<string, string>>): string[] {
  return Object.entries(values).flatMap(([name, value]) => [`--${name}`, value]);
}

async function ports(wanted: number): Promise<[connect: number, master: number]> {
  if (wanted === 0) {
    const first = await freePorts(2);
    return [first, first + 1];
  }
  if (!(await isFree(wanted)))
    throw new Error(
      `Port ${wanted} is taken: is a Spark Connect server running already? Stop it, or choose another with --port.`,
    );
  return [wanted, await freePorts(1)];
}

/** The processes whose parent is `pid`, from /proc. */
function childrenOf(pid: number): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, "utf8");
        return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1] === String(pid);
      } catch {
        // It ended while we looked.
        return false;
      }
    })
    .map(Number);
}
