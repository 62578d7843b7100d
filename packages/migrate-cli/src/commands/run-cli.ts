import { type Command, CommanderError } from "commander";
import { buildProgram, explainUsage, HANDED_ON } from "./build-program.ts";
import { type CliWorld, createCommandContext } from "./command-context.ts";
import { EXIT_OK, EXIT_USAGE } from "./exit-codes.ts";

/**
 * Runs the `parquetry` command.
 *
 * @param args the arguments, without node and the script.
 * @returns the exit code: 0 done and equal; 1 differences, failed or unverifiable files; 2 wrong usage or configuration;
 * 130 interrupted.
 */
export async function runCli(args: readonly string[], world: CliWorld): Promise<number> {
  let exitCode = EXIT_OK;
  const { own, forQuery } = splitQuery(args);
  const json = own.includes("--json");
  const finish = (code: number): void => {
    exitCode = code;
  };
  // With --json, bad usage is told by the summary alone.
  const program = buildProgram(world, { forQuery, tellUsage: !json, finish });
  try {
    await program.parseAsync([...own], { from: "user" });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help that was asked for is an answer; help that was not is a reminder of the usage.
    if (error.exitCode === 0) return EXIT_OK;
    if (json) tellBadUsage(world, program, own, error);
    return EXIT_USAGE;
  }
}

/** Bad usage as the JSON line that ends every command's output. */
function tellBadUsage(
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

/** What follows `query` is the other executable's: its flags are not ours. It gets the global flags before it too. */
function splitQuery(args: readonly string[]): {
  readonly own: readonly string[];
  readonly forQuery: readonly string[];
} {
  for (let i = 0; i < args.length; i++) {
    const word = args[i];
    if (word === "query" || (word !== undefined && word in HANDED_ON)) {
      const subcommand = word === "query" ? [] : [word];
      return {
        own: args.slice(0, i + 1),
        forQuery: [...subcommand, ...args.slice(0, i), ...args.slice(i + 1)],
      };
    }
    if (word === "--env-file" || word === "--env-prefix") i++;
    else if (!word?.startsWith("-")) break;
  }
  return { own: args, forQuery: [] };
}
