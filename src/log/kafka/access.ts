/** How to reach a Kafka cluster and prove who we are. Secrets live only here and in the client. */

export interface KafkaTls {
  /** PEM certificates to trust instead of the system's. */
  readonly ca?: string;
  /** PEM certificate and key of our own, for brokers that ask. */
  readonly cert?: string;
  readonly key?: string;
}

export type SaslMechanism = "PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512" | "OAUTHBEARER";

export interface KafkaSasl {
  readonly mechanism: SaslMechanism;
  readonly username?: string;
  readonly password?: string;
  /** OAUTHBEARER: the token, or a function that fetches the current one. */
  readonly token?: string | (() => string | Promise<string>);
}

export interface KafkaAccess {
  /** `host:port`, at least one. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly tls: KafkaTls | null;
  readonly sasl: KafkaSasl | null;
  /** Compare the batches that are read with their checksums. @default true */
  readonly checkCrcs?: boolean;
}
