/** What the client's errors mean: try again, give up with a remedy, or someone else owns this now. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AuthenticationError,
  MultipleErrors,
  NetworkError,
  ProtocolError,
  ResponseError,
  UserError,
} from "@platformatic/kafka";
import {
  closedBy,
  explain,
  isFenced,
  isRetriable,
  isUnknownTopic,
  isVague,
  NotNow,
  refusal,
  UnknownTopic,
} from "../../../src/log/kafka/errors.ts";

const wrapped = (error: Error): Error => new MultipleErrors("Cannot connect to any broker.", [error]);

test("a lost connection, an election and a starting broker are tried again", () => {
  for (const error of [
    new NetworkError("Connection closed"),
    wrapped(
      new NetworkError("failed", {
        cause: Object.assign(new Error("connect ECONNREFUSED"), { syscall: "connect" }),
      }),
    ),
    new ProtocolError("NOT_LEADER_OR_FOLLOWER"),
    new ProtocolError("COORDINATOR_LOAD_IN_PROGRESS"),
    new ProtocolError("CONCURRENT_TRANSACTIONS"),
    new ProtocolError("UNSTABLE_OFFSET_COMMIT"),
    new ProtocolError("NOT_ENOUGH_REPLICAS"),
    new ProtocolError("UNKNOWN_TOPIC_OR_PARTITION"),
    new UnknownTopic("velib-projet"),
  ])
    assert.equal(isRetriable(error), true, error.message);
});

test("a bug of ours is not tried again", () => {
  assert.equal(isRetriable(new TypeError("x is not a function")), false);
});

test("a wrong password is refused at once, naming the options and not the password", () => {
  const error = wrapped(
    new NetworkError("Connection to kafka:9092 failed.", {
      cause: new AuthenticationError("SASL authentication failed."),
    }),
  );
  assert.equal(isRetriable(error), false);
  assert.match(refusal(error)?.message ?? "", /refused the login .*--kafka-username/);
});

test("an untrusted certificate is refused at once, naming --kafka-ca-file", () => {
  const cause = Object.assign(new Error("self-signed certificate"), { code: "DEPTH_ZERO_SELF_SIGNED_CERT" });
  assert.match(refusal(new NetworkError("failed", { cause }))?.message ?? "", /--kafka-ca-file/);
});

test("a missing permission is refused at once", () => {
  assert.match(refusal(new ProtocolError("TOPIC_AUTHORIZATION_FAILED"))?.message ?? "", /permissions/);
});

test("a missing right names what was tried, and the topics that the answer refuses", () => {
  const said = (id: string, what: string): string => refusal(new ProtocolError(id), what)?.message ?? "";
  assert.match(
    said("GROUP_AUTHORIZATION_FAILED", "join group g for raw"),
    /^Kafka does not allow this user to join group g for raw \(GROUP_AUTHORIZATION_FAILED\)\. Ask /,
  );
  assert.match(
    said("TRANSACTIONAL_ID_AUTHORIZATION_FAILED", "open transaction t:0"),
    /open transaction t:0 \(/,
  );
  const produce = {
    responses: [
      { name: "raw", partitionResponses: [{ index: 0, errorCode: 0 }] },
      { name: "rejects", partitionResponses: [{ index: 0, errorCode: 29 }] },
    ],
  };
  const offsets = { topics: [{ name: "totals", partitions: [{ partitionIndex: 0, errorCode: 29 }] }] };
  for (const [response, topic] of [
    [produce, "rejects"],
    [offsets, "totals"],
  ] as const) {
    const error = new ResponseError(0, 0, { "/": [29, null] }, response);
    assert.match(
      refusal(error, "publish to raw, rejects")?.message ?? "",
      new RegExp(`publish to raw, rejects: not topic ${topic} \\(`),
    );
  }
});

test("a broker that closes the connection may ask for a login, or speak no TLS: that is said, not that it is away", () => {
  const closed = new NetworkError("Connection closed");
  const sasl = { mechanism: "PLAIN", username: "u", password: "p" } as const;
  assert.match(closedBy(closed, { tls: {}, sasl: null }) ?? "", /login/);
  assert.match(closedBy(closed, { tls: null, sasl: null }) ?? "", /--kafka-tls .*TLS or a login/);
  assert.doesNotMatch(closedBy(closed, { tls: {}, sasl }) ?? "", /may ask/);
  const handshake = wrapped(
    new NetworkError("Connection to kafka:9092 failed.", {
      cause: new UserError("TLS handshake failed.", {
        cause: Object.assign(new Error("Client network socket disconnected before secure TLS connection"), {
          code: "ECONNRESET",
        }),
      }),
    }),
  );
  assert.equal(isRetriable(handshake), true, "it may be about to go");
  assert.match(closedBy(handshake, { tls: {}, sasl: null }) ?? "", /before TLS is established/);
  const refused = Object.assign(new Error("connect ECONNREFUSED"), { syscall: "connect" });
  assert.equal(closedBy(new NetworkError("failed", { cause: refused }), { tls: {}, sasl: null }), null);
});

test("an older epoch is someone else's now", () => {
  assert.equal(isFenced(new ProtocolError("INVALID_PRODUCER_EPOCH")), true);
  assert.equal(isFenced(new ProtocolError("PRODUCER_FENCED")), true);
  assert.equal(isFenced(new NetworkError("Connection closed")), false);
});

test("says the innermost reason once", () => {
  const reason = new NetworkError("failed", { cause: new Error("connect ECONNREFUSED 127.0.0.1:1.") });
  assert.equal(explain(new MultipleErrors("all", [reason, reason])), "connect ECONNREFUSED 127.0.0.1:1");
});

test("what an error means does not hang on its words", () => {
  const others = new NetworkError("The link went down.");
  assert.match(closedBy(others, { tls: null, sasl: null }) ?? "", /without an answer/);
  assert.equal(closedBy(new NotNow("Connection closed"), { tls: null, sasl: null }), null);
  for (const properties of [{ closed: true }, { broker: { host: "kafka", port: 9092 } }])
    assert.equal(
      closedBy(new NetworkError("Connection closed", properties), { tls: null, sasl: null }),
      null,
    );
  assert.equal(isUnknownTopic(new NetworkError("Unknown topic velib-projet.")), false);
  assert.equal(isUnknownTopic(wrapped(new UnknownTopic("velib-projet"))), true);
  assert.equal(isUnknownTopic(new ProtocolError("UNKNOWN_TOPIC_OR_PARTITION")), true);
  assert.equal(isVague(new UserError("in any words")), true);
  assert.match(refusal(new UserError("Another sentence."))?.message ?? "", /--kafka-tls/);
});
