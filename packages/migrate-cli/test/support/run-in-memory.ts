import { Readable } from "node:stream";
import { createInterrupt } from "../../src/commands/interrupt.ts";
import { runCli } from "../../src/commands/run-cli.ts";
import { textCollector } from "./text-collector.ts";

/** Runs the command in this process, in no particular place, with both of its streams in one text. */
export async function runInMemory(
  ...args: string[]
): Promise<{ readonly exitCode: number; readonly text: string }> {
  const { stream, text } = textCollector();
  const exitCode = await runCli(args, {
    stdin: Readable.from([]),
    stdout: stream,
    stderr: stream,
    env: {},
    cwd: process.cwd(),
    interrupt: createInterrupt(),
  });
  return { exitCode, text: text() };
}
