/** Adds up the counts that `npm test` left in artifacts/ and prints them as one line; fails when no test ran. */
import { readdirSync, readFileSync } from "node:fs";

const total = { pass: 0, fail: 0, skipped: 0 };
for (const file of readdirSync("artifacts").filter((name) => name.endsWith(".tap"))) {
  const text = readFileSync(`artifacts/${file}`, "utf8");
  for (const name of ["pass", "fail", "skipped"] as const) {
    total[name] += Number(new RegExp(`^# ${name} (\\d+)`, "m").exec(text)?.[1] ?? 0);
  }
}
console.log(`${total.pass} passed, ${total.fail} failed, ${total.skipped} skipped`);
if (total.pass === 0 || total.fail > 0) process.exitCode = 1;
