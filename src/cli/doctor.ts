/** `doctor`: looks at everything a pipeline needs, one line each, and says what to do about what is wrong. */
import { AppError, EXIT } from "../errors.ts";
import { plainText } from "../telemetry/plain-text.ts";
import { redactText } from "../telemetry/redact.ts";
import type { Command, CommandContext } from "./command.ts";
import { checksFor, type Check } from "./doctor-checks.ts";
import type { Finding } from "./finding.ts";
import { FEED_OPTIONS, KAFKA_OPTIONS } from "./option-lists.ts";
import { SPARK_OPTIONS } from "./spark-settings.ts";

export const doctor: Command = {
  usage: "[options]",
  description:
    "Checks what a pipeline needs with the same options: this program, the feed, Kafka when brokers are named, Spark when it is named, the data folder, the port. Says what to do about what is wrong; exits 0 when all is well.",
  examples: [
    { command: "velostream doctor", does: "Vélib' Métropole and this machine." },
    { command: "velostream doctor --brokers localhost:9092", does: "Kafka too." },
    { command: "velostream doctor --json", does: "One JSON object a check, for scripts." },
  ],
  options: [...FEED_OPTIONS, ...KAFKA_OPTIONS, ...SPARK_OPTIONS, "group", "data-dir", "host", "port", "json"],
  run: async (context) => {
    let worst: number = EXIT.done;
    for (const check of checksFor(context)) {
      const finding = await find(check);
      if (!finding.ok && worst === EXIT.done) worst = finding.exitCode;
      await show(context, check.name, finding);
    }
    return worst;
  },
};

async function find(check: Check): Promise<Finding & { exitCode: number }> {
  try {
    return { ...(await check.run()), exitCode: EXIT.unavailable };
  } catch (error) {
    // What a check meets is what a run would meet: known errors carry their own remedy, the rest are bugs.
    if (!(error instanceof AppError)) throw error;
    return { ok: false, says: error.message, exitCode: error.exitCode };
  }
}

async function show(
  { terminal, settings }: CommandContext,
  name: string,
  { ok, says }: Finding,
): Promise<void> {
  const safe = redactText(says);
  if (settings.json) return terminal.json(`${JSON.stringify({ check: name, ok, says: safe })}\n`);
  const mark = ok ? terminal.style("green", "ok  ") : terminal.style("red", "FAIL");
  return terminal.out(`${mark} ${name.padEnd(8)} ${plainText(safe)}\n`);
}
