/** What is said of a connection that TLS refuses; the real ones are in test/integration/spark/cluster.test.ts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSparkAddress } from "../../../src/spark/address.ts";
import { sparkErrorOf } from "../../../src/stages/aggregate-spark/spark-errors.ts";
import { tlsFailure } from "../../../src/spark/tls-failure.ts";

const address = parseSparkAddress("sc://spark.example/;use_ssl=true");

function wrapped(code: string): Error {
  const root = Object.assign(new Error("what OpenSSL says"), { code });
  return new Error("outer", { cause: new Error("inner", { cause: root }) });
}

test("each kind has its own remedy, found however deep the reason lies", () => {
  for (const [code, remedy] of [
    ["SELF_SIGNED_CERT_IN_CHAIN", /--spark-ca-file\.$/],
    ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", /--spark-ca-file\.$/],
    ["CERT_HAS_EXPIRED", /Renew the certificate/],
    ["ERR_TLS_CERT_ALTNAME_INVALID", /Name the host in --spark/],
    ["ERR_SSL_WRONG_VERSION_NUMBER", /Leave use_ssl=true out/],
  ] as const)
    assert.match(String(sparkErrorOf(tlsFailure(address, wrapped(code)))), remedy, code);
});

test("the reason is told in a few words", () => {
  const told = (message: string): string =>
    tlsFailure(address, Object.assign(new Error(message), { code: "ERR_SSL_WRONG_VERSION_NUMBER" }))
      ?.message ?? "";
  assert.match(
    told("404D:error:0A00010B:SSL routines:tls_validate_record_header:wrong version number:../x.c:77:"),
    /is not trusted: wrong version number \(ERR_SSL/,
  );
  assert.match(told("self-signed certificate; try this"), /: self-signed certificate \(ERR_SSL/);
});

test("a server that is away is none of these: it may come back", () => {
  for (const code of ["ECONNREFUSED", "ECONNRESET", "ENOTFOUND"])
    assert.equal(tlsFailure(address, wrapped(code)), null);
  assert.equal(tlsFailure(address, "text"), null);
});
