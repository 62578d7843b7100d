import { Writable } from "node:stream";
import { createInterrupt } from "../../src/commands/interrupt.ts";
import { runCli } from "../../src/commands/run-cli.ts";

/** Runs the command in this process, in no particular place, with both of its streams in one text. */
export async function runInMemory(
  ...args: string[]
): Promise<{ readonly exitCode: number; readonly text: string }> {
  let text = "";
  const stream = new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  const world = { stdout: stream, stderr: stream, env: {}, cwd: process.cwd(), interrupt: createInterrupt() };
  return { exitCode: await runCli(args, world), text };
}
