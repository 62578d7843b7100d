import { type Command, CommanderError } from "commander";
import { buildProgram, explainUsage } from "./build-program.ts";
import { type CliWorld, createCommandContext } from "./command-context.ts";
import { EXIT_OK, EXIT_USAGE } from "./exit-codes.ts";

/**
 * Runs the `parquetry` command.
 *
 * @param args the arguments, without node and the script.
 * @returns the exit code: 0 done and equal; 1 differences, failed or unverifiable files, failed queries; 2 wrong usage or
 * configuration, or a store that cannot be reached; 130 interrupted.
 */
export async function runCli(args: readonly string[], world: CliWorld): Promise<number> {
  let exitCode = EXIT_OK;
  const json = args.includes("--json");
  const finish = (code: number): void => {
    exitCode = code;
  };
  // With --json, the summary alone reports wrong usage.
  const program = buildProgram(world, { tellUsage: !json, finish });
  try {
    await program.parseAsync(args.map(asArgument), { from: "user" });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help that was asked for is an answer; help that was not is a reminder of the usage.
    if (error.exitCode === 0) return EXIT_OK;
    if (json) emitWrongUsage(world, program, args, error);
    return EXIT_USAGE;
  }
}

/** SQL that begins with a comment is not an option. No option has white space before its `=`. */
const asArgument = (arg: string): string => (/^--[^=\s]*\s/.test(arg) ? ` ${arg}` : arg);

/** Wrong usage as the JSON line that ends every command's output. */
function emitWrongUsage(
  world: CliWorld,
  program: Command,
  args: readonly string[],
  error: CommanderError,
): void {
  const command = program.commands.find((known) => args.includes(known.name()));
  const message =
    error.code === "commander.help"
      ? `No command is given. Expected one of ${program.commands.map((known) => known.name()).join(", ")}.`
      : explainUsage(error.message.replace(/^error: /, ""));
  const context = createCommandContext(command?.name() ?? program.name(), world, { json: true }, world.env);
  context.emit("summary", { exitCode: EXIT_USAGE, error: { code: "invalid_argument", message } });
}
