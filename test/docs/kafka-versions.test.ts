/** The compatibility matrices say what CI runs: the versions that the broker tests go through, and no others. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { KAFKA_VERSIONS } from "../../infra/kafka/jars.ts";
import { needsZooKeeper } from "../../infra/kafka/properties.ts";

const ROOT = join(import.meta.dirname, "../..");
const text = (path: string): string => readFileSync(join(ROOT, path), "utf8");

for (const page of ["README.md", "docs/kafka.md"])
  test(`${page} lists the versions that are tested, each with its coordination`, () => {
    const rows = [...text(page).matchAll(/^\| (\d+\.\d+\.\d+) \| (KRaft|ZooKeeper [\d.]+) \|(.*)\|$/gm)];
    assert.deepEqual(
      rows.map(([, version]) => version),
      [...KAFKA_VERSIONS],
    );
    for (const [row, , coordination, cells] of rows) {
      const version = KAFKA_VERSIONS.find((known) => row.includes(known));
      assert.ok(version !== undefined);
      assert.equal(coordination?.startsWith("ZooKeeper"), needsZooKeeper(version), row);
      if (needsZooKeeper(version)) {
        const pom = text(`infra/kafka/jars/${version}/pom.xml`);
        assert.ok(pom.includes(`with ${coordination}`), `${version} comes with ${coordination}`);
      }
      // Each column is a test that goes through all versions.
      assert.deepEqual(new Set(cells?.split("|").map((cell) => cell.trim())), new Set(["passes"]), row);
    }
  });

test("contract, reference case and kills go through all versions", () => {
  for (const name of ["contract", "reference-case", "faults"])
    assert.match(text(`test/integration/kafka/${name}.test.ts`), /for \(const version of KAFKA_VERSIONS/);
});
