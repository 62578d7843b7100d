#!/usr/bin/env node
import { writeSync } from "node:fs";
import { EXIT_INTERRUPTED } from "../commands/exit-codes.ts";
import { createInterrupt } from "../commands/interrupt.ts";
import { runCli } from "../commands/run-cli.ts";

const { stdout, stderr } = process;
// The AWS SDK tells everybody on Node 20 which Node it will want one day; who runs a command can do nothing about it.
process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] ??= "true";
// A reader that has gone away (`| head`) is no failure: the work goes on, and nobody is told.
for (const stream of [stdout, stderr]) stream.on("error", () => {});

const interrupt = createInterrupt(() => {
  // The last word of a run that is stopped at once: nobody else gets to say it.
  const args = process.argv.slice(2);
  const command = args.find((word) => !word.startsWith("-"));
  const summary = {
    version: 1,
    type: "summary",
    command,
    exitCode: EXIT_INTERRUPTED,
    stopped: "interrupted",
  };
  if (args.includes("--json")) writeSync(1, `${JSON.stringify(summary)}\n`);
  else writeSync(2, "\nStopped at once; the same command goes on from here.\n");
  process.exit(EXIT_INTERRUPTED);
});
process.on("SIGINT", () => interrupt.fire());
process.on("SIGTERM", () => interrupt.fire());

const exitCode = await runCli(process.argv.slice(2), {
  stdout,
  stderr,
  env: process.env,
  cwd: process.cwd(),
  interrupt,
});
// Exits at once, idle sockets or not, but only when what was written has gone out.
for (const stream of [stdout, stderr])
  await new Promise<void>((resolve) => stream.write("", () => resolve()));
process.exit(exitCode);
