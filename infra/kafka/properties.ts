/** The configuration files of brokers and ZooKeeper: pure text from a description of the cluster. */
import type { KafkaVersion } from "./jars.ts";

/** A TLS and SASL listener beside the plain one, for tests and trials: its users are written down here. */
export interface SecureListener {
  /** PKCS12 key store with the server's key. */
  readonly keyStore: string;
  readonly keyStorePassword: string;
  /** Users of PLAIN and SCRAM. */
  readonly users: Readonly<Record<string, string>>;
  /** PEM of the authority whose client certificates are asked for; then nobody logs in otherwise. */
  readonly clientCaFile: string | null;
}

export interface NodePorts {
  readonly plain: number;
  /** KRaft's controllers; unused with ZooKeeper. */
  readonly controller: number;
  readonly secure: number;
}

export interface ClusterDescription {
  readonly version: KafkaVersion;
  readonly nodes: readonly NodePorts[];
  /** Only for the versions that need ZooKeeper. */
  readonly zooKeeperPort: number | null;
  readonly secure: SecureListener | null;
  /** Further broker settings, by Kafka's own names; they win. */
  readonly settings: Readonly<Record<string, string>>;
}

export function needsZooKeeper(version: KafkaVersion): boolean {
  return version !== "4.4.0";
}

/** `server.properties` of node `index` (from 0; its id is one more). */
export function brokerProperties(cluster: ClusterDescription, index: number, logDir: string): string {
  const ports = cluster.nodes[index];
  if (ports === undefined) throw new RangeError(`no node ${index}`);
  const count = cluster.nodes.length;
  const replicas = String(Math.min(count, 3));
  const listeners = [`PLAINTEXT://127.0.0.1:${ports.plain}`];
  const protocols = ["PLAINTEXT:PLAINTEXT"];
  const entries: Record<string, string> = {
    "log.dirs": logDir,
    "num.partitions": "1",
    "default.replication.factor": replicas,
    "min.insync.replicas": count >= 3 ? "2" : "1",
    "offsets.topic.replication.factor": replicas,
    "transaction.state.log.replication.factor": replicas,
    "transaction.state.log.min.isr": count >= 3 ? "2" : "1",
    // Small: a development broker starts and elects faster with few internal partitions.
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.num.partitions": "4",
    "group.initial.rebalance.delay.ms": "0",
    // Tests use sessions shorter than Kafka's default minimum of 6 s.
    "group.min.session.timeout.ms": "1000",
    "inter.broker.listener.name": "PLAINTEXT",
  };
  if (cluster.secure !== null) {
    const protocol = cluster.secure.clientCaFile === null ? "SASL_SSL" : "SSL";
    listeners.push(`${protocol}://127.0.0.1:${ports.secure}`);
    protocols.push(`${protocol}:${protocol}`);
    Object.assign(entries, secureSettings(cluster.secure));
  }
  const advertised = listeners.join(",");
  if (needsZooKeeper(cluster.version)) {
    entries["broker.id"] = String(index + 1);
    entries["zookeeper.connect"] = `127.0.0.1:${cluster.zooKeeperPort}`;
    // A killed node may register again only when its session has run out: 2 s instead of Kafka's 18.
    entries["zookeeper.session.timeout.ms"] = "2000";
  } else {
    entries["process.roles"] = "broker,controller";
    entries["node.id"] = String(index + 1);
    entries["controller.quorum.voters"] = cluster.nodes
      .map((node, voter) => `${voter + 1}@127.0.0.1:${node.controller}`)
      .join(",");
    entries["controller.listener.names"] = "CONTROLLER";
    // A killed node may register again only when its session has run out: 3 s instead of Kafka's 9.
    entries["broker.session.timeout.ms"] = "3000";
    entries["broker.heartbeat.interval.ms"] = "500";
    listeners.push(`CONTROLLER://127.0.0.1:${ports.controller}`);
    protocols.push("CONTROLLER:PLAINTEXT");
  }
  entries["listeners"] = listeners.join(",");
  entries["advertised.listeners"] = advertised;
  entries["listener.security.protocol.map"] = protocols.join(",");
  return lines({ ...entries, ...cluster.settings });
}

function secureSettings(secure: SecureListener): Record<string, string> {
  const plainUsers = Object.entries(secure.users)
    .map(([user, password]) => `user_${user}="${password}"`)
    .join(" ");
  return {
    "ssl.keystore.type": "PKCS12",
    "ssl.keystore.location": secure.keyStore,
    "ssl.keystore.password": secure.keyStorePassword,
    "ssl.key.password": secure.keyStorePassword,
    ...(secure.clientCaFile === null
      ? {}
      : {
          "ssl.client.auth": "required",
          "ssl.truststore.type": "PEM",
          "ssl.truststore.location": secure.clientCaFile,
        }),
    "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER",
    "listener.name.sasl_ssl.plain.sasl.jaas.config": `org.apache.kafka.common.security.plain.PlainLoginModule required ${plainUsers};`,
    "listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config":
      "org.apache.kafka.common.security.scram.ScramLoginModule required;",
    "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config":
      "org.apache.kafka.common.security.scram.ScramLoginModule required;",
    // Accepts unsigned tokens: for trials only, never on a network.
    "listener.name.sasl_ssl.oauthbearer.sasl.jaas.config":
      'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";',
  };
}

/** `zoo.cfg`. */
export function zooKeeperProperties(port: number, dataDir: string): string {
  return lines({
    // A session lasts two ticks at least.
    tickTime: "500",
    dataDir,
    clientPort: String(port),
    clientPortAddress: "127.0.0.1",
    maxClientCnxns: "0",
    "admin.enableServer": "false",
    "4lw.commands.whitelist": "*",
  });
}

function lines(entries: Readonly<Record<string, string>>): string {
  return Object.entries(entries)
    .map(([key, value]) => `${key}=${value}\n`)
    .join("");
}
