import { isStorageError } from "@parquetry/core/backend";
import {
  type CliWorld,
  type CommandContext,
  createCommandContext,
  type GlobalFlags,
} from "./command-context.ts";
import { EXIT_INCOMPLETE, EXIT_INTERRUPTED, EXIT_USAGE } from "./exit-codes.ts";
import { loadEnvironment } from "./load-environment.ts";

/** Runs one command with its context, and tells what it throws. Gives the exit code. */
export async function runCommand(
  name: string,
  world: CliWorld,
  flags: GlobalFlags,
  run: (context: CommandContext) => Promise<number>,
): Promise<number> {
  // Made before the file of variables is read, so that there is a way to tell of its errors.
  let context = createCommandContext(name, world, flags, world.env);
  try {
    // `init` writes that file.
    const env =
      name === "init" || name === "completion"
        ? world.env
        : loadEnvironment(world.env, world.cwd, flags.envFile);
    context = createCommandContext(name, world, flags, env);
    return await run(context);
  } catch (error) {
    return tellError(context, error);
  }
}

function tellError(context: CommandContext, error: unknown): number {
  const { terminal, json, verbose } = context;
  terminal.status("");
  if (isStorageError(error, "aborted") && context.interrupt.abort.aborted) {
    context.emit("summary", { exitCode: EXIT_INTERRUPTED, stopped: "interrupted" });
    if (!json) terminal.tell("Interrupted. The same command goes on from here.");
    return EXIT_INTERRUPTED;
  }
  const known = isStorageError(error);
  const exitCode = known ? EXIT_USAGE : EXIT_INCOMPLETE;
  const message = error instanceof Error ? error.message : String(error);
  context.emit("summary", { exitCode, error: { code: known ? error.code : "internal", message } });
  if (!json) {
    terminal.tell(`${terminal.mark("red", "error:")} ${message}`);
    if (!known) terminal.tell("This is a bug in parquetry. Please report it with the output of --verbose.");
  }
  if (verbose && error instanceof Error) terminal.tell(error.stack ?? "");
  return exitCode;
}
