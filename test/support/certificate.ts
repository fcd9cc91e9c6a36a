/** Certificates for tests that need TLS on loopback, made by the machine's own openssl. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";

/** A self-signed certificate and its key, as files `NAME.pem` and `NAME.key`. @param names e.g. `DNS:localhost,IP:127.0.0.1` */
export function selfSigned(
  folder: string,
  name: string,
  names?: string,
): { readonly cert: string; readonly key: string } {
  const [cert, key] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)];
  const made = spawnSync(
    "openssl",
    `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=${name}`
      .split(" ")
      .concat("-keyout", key, "-out", cert)
      .concat(names === undefined ? [] : ["-addext", `subjectAltName=${names}`]),
    { encoding: "utf8" },
  );
  assert.equal(made.status, 0, `openssl: ${made.stderr || String(made.error)}`);
  return { cert, key };
}
