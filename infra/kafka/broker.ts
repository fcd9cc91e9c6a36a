/**
 * Real Kafka brokers without Docker, for development and tests: starts, kills, restarts and stops them.
 *
 *   startBroker ──▶ jars (Maven, once) ──▶ [ZooKeeper] ──▶ format ──▶ node 1..n, on loopback ports
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { checkJava, JavaProcess } from "../java-process.ts";
import { freePorts, isFree } from "../ports.ts";
import { kafkaClassPath, type KafkaVersion, NEWEST } from "./jars.ts";
import {
  brokerProperties,
  type ClusterDescription,
  needsZooKeeper,
  type NodePorts,
  type SecureListener,
  zooKeeperProperties,
} from "./properties.ts";

export interface BrokerOptions {
  /** @default the newest */
  readonly version?: KafkaVersion;
  /** How many brokers form the cluster. @default 1 */
  readonly nodes?: number;
  /** Port of the first node, the others follow; 0 picks free ones. @default 0 */
  readonly port?: number;
  /** Kept between runs; a temporary folder, removed by `stop`, when absent. */
  readonly dataDir?: string;
  /** Opens a SASL_SSL listener (PLAIN, SCRAM, OAUTHBEARER) beside the plain one, with these users and passwords. */
  readonly users?: Readonly<Record<string, string>>;
  /**
   * Opens an SSL listener instead, for clients with a certificate of this authority (PEM). Kafka 2.7 or newer.
   */
  readonly clientCaFile?: string;
  /** @default 512 */
  readonly heapMb?: number;
  /** Further broker settings, by Kafka's own names. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Told one line per step. */
  readonly report?: (line: string) => void;
}

export interface SecureAccess {
  /** `host:port` of every node's SASL_SSL or SSL listener. */
  readonly brokers: readonly string[];
  /** PEM file with the certificate to trust. */
  readonly caFile: string;
}

export interface ToolOptions {
  /** Given on stdin. */
  readonly input?: string;
  /** @default 60 000 */
  readonly timeoutMs?: number;
}

export interface RunningBroker {
  readonly version: KafkaVersion;
  /** `host:port` of every node. */
  readonly brokers: readonly string[];
  readonly secure: SecureAccess | null;
  readonly dataDir: string;
  /** Node numbers start at 1. */
  pid(node: number): number | null;
  /** kill -9 and wait until it is dead. */
  kill(node: number): Promise<void>;
  /** Starts a killed node again; resolves when it serves. */
  restart(node: number): Promise<void>;
  /** SIGSTOP: the node keeps its connections and answers nothing. */
  pause(node: number): void;
  resume(node: number): void;
  /** Runs one of Kafka's own command-line tools (a class with `main`) and returns what it printed. */
  tool(mainClass: string, args: readonly string[], options?: ToolOptions): string;
  /** Resolves when any node dies without being asked to. */
  readonly died: Promise<string>;
  stop(): Promise<void>;
}

const STOP_TIMEOUT_MS = 20_000;
const REGISTRATION_TIMEOUT_MS = 30_000;
const KEY_STORE_PASSWORD = "velostream";

/** Starts a cluster and resolves when it serves. Throws MissingTool when Java or Maven is not installed. */
export async function startBroker(options: BrokerOptions = {}): Promise<RunningBroker> {
  const { version = NEWEST, nodes: count = 1, heapMb = 512, report = () => {} } = options;
  checkJava();
  const classPath = await kafkaClassPath(version, report);
  const temporary = options.dataDir === undefined;
  const dataDir = temporary
    ? await mkdtemp(join(tmpdir(), "velostream-kafka-"))
    : resolve(options.dataDir ?? "");
  await mkdir(dataDir, { recursive: true });
  const cluster = await describeCluster(version, count, options, dataDir);
  const zooKeeper =
    cluster.zooKeeperPort === null
      ? null
      : await zooKeeperProcess(classPath, version, dataDir, cluster.zooKeeperPort);
  const processes: JavaProcess[] = [];
  for (let index = 0; index < count; index += 1)
    processes.push(await brokerProcess(classPath, cluster, index, dataDir, heapMb));

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
    await Promise.all(
      processes.map(async (process) => (temporary ? process.kill() : process.stop(STOP_TIMEOUT_MS))),
    );
    await zooKeeper?.stop(STOP_TIMEOUT_MS);
    if (temporary) await rm(dataDir, { recursive: true, force: true });
  };
  const node = (number: number): JavaProcess => {
    const process = processes[number - 1];
    if (process === undefined) throw new RangeError(`no node ${number}: there are ${count}`);
    return process;
  };

  try {
    if (zooKeeper !== null) {
      report(`Starting ZooKeeper on 127.0.0.1:${cluster.zooKeeperPort}`);
      await start(zooKeeper);
    }
    report(`Starting Kafka ${version}, ${count === 1 ? "1 node" : `${count} nodes`}`);
    await Promise.all(processes.map(start));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    version,
    brokers: cluster.nodes.map((ports) => `127.0.0.1:${ports.plain}`),
    secure:
      cluster.secure === null
        ? null
        : {
            brokers: cluster.nodes.map((ports) => `127.0.0.1:${ports.secure}`),
            caFile: join(dataDir, "ca.pem"),
          },
    dataDir,
    pid: (number) => node(number).pid,
    async kill(number) {
      expected.add(node(number));
      await node(number).kill();
    },
    restart: async (number) => registered(async () => start(node(number))),
    pause: (number) => node(number).signal("SIGSTOP"),
    resume: (number) => node(number).signal("SIGCONT"),
    tool: (mainClass, args, tool = {}) => runTool(classPath, version, mainClass, args, tool),
    died,
    stop,
  };
}

/** ZooKeeper believes for a while that a killed node is still there, and a new one gives up at once. */
async function registered(start: () => Promise<void>): Promise<void> {
  const deadline = Date.now() + REGISTRATION_TIMEOUT_MS;
  for (;;) {
    try {
      return await start();
    } catch (error) {
      const still = error instanceof Error && error.message.includes("NodeExists");
      if (!still || Date.now() > deadline) throw error;
    }
  }
}

async function describeCluster(
  version: KafkaVersion,
  count: number,
  options: BrokerOptions,
  dataDir: string,
): Promise<ClusterDescription> {
  const wanted = options.port ?? 0;
  // One stretch of neighbouring ports: plain, controller, secure, ZooKeeper.
  const first = wanted === 0 ? await freePorts(3 * count + 1) : wanted;
  const others = wanted === 0 ? first + count : wanted + 10_000;
  if (wanted !== 0) await checkFree(wanted, count);
  const nodes = Array.from({ length: count }, (_, index): NodePorts => {
    return { plain: first + index, controller: others + index, secure: others + count + index };
  });
  return {
    version,
    nodes,
    zooKeeperPort: needsZooKeeper(version) ? others + 2 * count : null,
    secure:
      options.users === undefined && options.clientCaFile === undefined
        ? null
        : secureListener(dataDir, options.users ?? {}, options.clientCaFile ?? null),
    settings: options.settings ?? {},
  };
}

/** Fails early and clearly when a fixed port is taken. */
async function checkFree(first: number, count: number): Promise<void> {
  for (let port = first; port < first + count; port += 1)
    if (!(await isFree(port)))
      throw new Error(
        `Port ${port} is taken: is a broker running already? Stop it, or choose another with --port.`,
      );
}

async function brokerProcess(
  classPath: string,
  cluster: ClusterDescription,
  index: number,
  dataDir: string,
  heapMb: number,
): Promise<JavaProcess> {
  const folder = join(dataDir, `node-${index + 1}`);
  const logDir = join(folder, "data");
  const properties = join(folder, "server.properties");
  await mkdir(folder, { recursive: true });
  await writeFile(properties, brokerProperties(cluster, index, logDir));
  if (!needsZooKeeper(cluster.version) && !existsSync(join(logDir, "meta.properties")))
    runTool(classPath, cluster.version, "kafka.tools.StorageTool", [
      "format",
      "--cluster-id",
      await clusterId(dataDir),
      "--config",
      properties,
      ...scramCredentials(cluster.secure),
    ]);
  return new JavaProcess({
    name: `Kafka node ${index + 1}`,
    args: [...loggingArgs(cluster.version), "-cp", classPath, "kafka.Kafka", properties],
    heapMb,
    logFile: join(folder, "broker.log"),
    upLine: /(Kafka Server|KafkaServer id=\d+\]) started/,
  });
}

function scramCredentials(secure: SecureListener | null): string[] {
  return Object.entries(secure?.users ?? {}).flatMap(([user, password]) =>
    ["SCRAM-SHA-256", "SCRAM-SHA-512"].flatMap((mechanism) => [
      "--add-scram",
      `${mechanism}=[name=${user},password=${password}]`,
    ]),
  );
}

/** One id for the nodes of a folder, kept with it. */
async function clusterId(dataDir: string): Promise<string> {
  const file = join(dataDir, "cluster-id");
  if (!existsSync(file))
    await writeFile(file, Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString("base64url"));
  const id = (await readFile(file, "utf8")).trim();
  // Kafka reads an id that starts with a dash as an option.
  return id.startsWith("-") ? `A${id.slice(1)}` : id;
}

async function zooKeeperProcess(
  classPath: string,
  version: KafkaVersion,
  dataDir: string,
  port: number,
): Promise<JavaProcess> {
  const folder = join(dataDir, "zookeeper");
  await mkdir(join(folder, "data"), { recursive: true });
  const config = join(folder, "zoo.cfg");
  await writeFile(config, zooKeeperProperties(port, join(folder, "data")));
  return new JavaProcess({
    name: "ZooKeeper",
    args: [
      ...loggingArgs(version),
      "-cp",
      classPath,
      "org.apache.zookeeper.server.quorum.QuorumPeerMain",
      config,
    ],
    heapMb: 128,
    logFile: join(folder, "zookeeper.log"),
    upLine: /binding to port/,
  });
}

function loggingArgs(version: KafkaVersion): string[] {
  return needsZooKeeper(version)
    ? [`-Dlog4j.configuration=${new URL("log4j.properties", import.meta.url).href}`]
    : [`-Dlog4j2.configurationFile=${fileURLToPath(new URL("log4j2.properties", import.meta.url))}`];
}

/** Runs one of Kafka's own command-line tools (a class with `main`) of a version and returns what it printed. */
export function runTool(
  classPath: string,
  version: KafkaVersion,
  mainClass: string,
  args: readonly string[],
  { input = "", timeoutMs = 60_000 }: ToolOptions = {},
): string {
  const result = spawnSync(
    "java",
    ["-Xmx256m", "-XX:TieredStopAtLevel=1", ...loggingArgs(version), "-cp", classPath, mainClass, ...args],
    { encoding: "utf8", input, timeout: timeoutMs, maxBuffer: 256 * 1024 * 1024 },
  );
  if (result.status !== 0)
    throw new Error(
      `${mainClass} failed (${result.signal ?? `exit ${result.status}`}): ${(result.stderr || result.stdout).slice(-1500)}`,
    );
  return result.stdout;
}

/** A self-signed certificate for 127.0.0.1 and localhost, made by Java's own keytool; and its PEM for clients. */
function secureListener(
  dataDir: string,
  users: Readonly<Record<string, string>>,
  clientCaFile: string | null,
): SecureListener {
  const keyStore = join(dataDir, "server.p12");
  if (!existsSync(keyStore)) {
    const common = ["-alias", "server", "-keystore", keyStore, "-storepass", KEY_STORE_PASSWORD];
    const tail = ["-storetype", "PKCS12"];
    keytool([
      "-genkeypair",
      ...common,
      ...tail,
      "-keyalg",
      "EC",
      "-groupname",
      "secp256r1",
      "-validity",
      "3650",
      "-dname",
      "CN=localhost",
      "-ext",
      "san=ip:127.0.0.1,dns:localhost",
      "-ext",
      "bc:c",
    ]);
    keytool(["-exportcert", ...common, ...tail, "-rfc", "-file", join(dataDir, "ca.pem")]);
  }
  return { keyStore, keyStorePassword: KEY_STORE_PASSWORD, users, clientCaFile };
}

function keytool(args: readonly string[]): void {
  const result = spawnSync("keytool", args, { encoding: "utf8" });
  if (result.status !== 0)
    throw new Error(
      `keytool (part of Java) failed: ${result.stderr || result.stdout || String(result.error)}`,
    );
}
