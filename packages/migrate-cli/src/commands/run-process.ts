import { writeSync } from "node:fs";
import { EXIT_INTERRUPTED } from "./exit-codes.ts";
import { createInterrupt } from "./interrupt.ts";
import { runCli } from "./run-cli.ts";

/** Runs the command line of this process, and ends the process with its exit code. */
export async function runProcess(): Promise<void> {
  const { stdin, stdout, stderr } = process;
  // A reader that has gone away (`| head`) is not a failure; the work continues.
  for (const stream of [stdout, stderr]) stream.on("error", () => stream.destroy());

  const interrupt = createInterrupt(() => {
    // Printed here, because nothing else runs after this.
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
    else if (command === "ui") writeSync(2, "\nStopped.\n");
    else writeSync(2, "\nStopped immediately. Run the same command again to continue.\n");
    process.exit(EXIT_INTERRUPTED);
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => interrupt.fire());

  const exitCode = await runCli(process.argv.slice(2), {
    stdin,
    stdout,
    stderr,
    env: process.env,
    cwd: process.cwd(),
    interrupt,
  });
  // Exits without waiting for idle sockets, but only after everything was written.
  for (const stream of [stdout, stderr])
    await new Promise<void>((resolve) => stream.write("", () => resolve()));
  process.exit(exitCode);
}
