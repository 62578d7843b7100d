import { readFileSync } from "node:fs";
import { isStorageError } from "@parquetry/core";
import { Command, CommanderError } from "commander";
import {
  type CliWorld,
  type CommandContext,
  createCommandContext,
  type GlobalFlags,
} from "./command-context.ts";
import { costCommand } from "./cost-command.ts";
import { doctorCommand } from "./doctor-command.ts";
import { bytesPerSecond, wholeNumber } from "./flag-values.ts";
import { HELP_TOPICS } from "./help-topics.ts";
import { initCommand } from "./init-command.ts";
import { inventoryCommand } from "./inventory-command.ts";
import { loadEnvironment } from "./load-environment.ts";
import { migrateCommand } from "./migrate-command.ts";
import { queryCommand } from "./query-command.ts";
import { addPlaceFlags, addSelectionFlags } from "./selection-flags.ts";
import { SHELLS, shellCompletion } from "./shell-completion.ts";
import { verifyCommand } from "./verify-command.ts";

/** Done, and all is equal. */
export const EXIT_OK = 0;
/** Done as far as possible: files differ, failed, or cannot be proven. */
export const EXIT_INCOMPLETE = 1;
/** Wrong usage or configuration: nothing was begun. */
export const EXIT_USAGE = 2;
/** Ended by Ctrl-C. */
export const EXIT_INTERRUPTED = 130;

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
      : error.message.replace(/^error: /, "");
  const context = createCommandContext(command?.name() ?? program.name(), world, { json: true }, world.env);
  context.emit("summary", { exitCode: EXIT_USAGE, error: { code: "invalid_argument", message } });
}

/** Commands of `parquetry-query` that this one hands on whole, beside `query` itself. */
const HANDED_ON: Readonly<Record<string, string>> = {
  cache: "show or clear the cache of remote files, by @parquetry/query",
  compact: "one file of the many of each partition, by @parquetry/query",
  ddl: "the table definition for Trino, Athena, Spark or DuckDB, by @parquetry/query",
};

/** What follows `query` is the other executable's: its flags are not ours. */
function splitQuery(args: readonly string[]): {
  readonly own: readonly string[];
  readonly forQuery: readonly string[];
} {
  for (let i = 0; i < args.length; i++) {
    const word = args[i];
    if (word === "query") return { own: args.slice(0, i + 1), forQuery: args.slice(i + 1) };
    if (word !== undefined && word in HANDED_ON)
      return { own: args.slice(0, i + 1), forQuery: args.slice(i) };
    if (word === "--env-file" || word === "--env-prefix") i++;
    else if (!word?.startsWith("-")) break;
  }
  return { own: args, forQuery: [] };
}

type Run<Flags> = (context: CommandContext, flags: Flags, place: string | undefined) => Promise<number>;

interface ProgramOptions {
  /** The arguments of the other executable. */
  readonly forQuery: readonly string[];
  /** Whether bad usage is told on stderr. */
  readonly tellUsage: boolean;
  finish(exitCode: number): void;
}

function buildProgram(world: CliWorld, { forQuery, tellUsage, finish }: ProgramOptions): Command {
  const program = new Command("parquetry")
    .description(
      "Moves Hive-partitioned data between local disk, S3 and R2, and proves that nothing was lost.",
    )
    .version(readVersion(), "-V, --version", "show the version")
    .option("--env-file <file>", "read variables from this file (default: .env)")
    .option("--env-prefix <prefix>", "the variables' prefix, e.g. NFL (default: PARQUETRY, then CFB)")
    .option("--json", "JSON lines on stdout, the last one the summary")
    .option("-q, --quiet", "say nothing but results and errors")
    .option("-v, --verbose", "say more; errors with their stack")
    .option("--no-color", "no colour (also NO_COLOR=1)")
    .helpOption("-h, --help", "show help")
    .helpCommand(false)
    .configureHelp({ showGlobalOptions: true, helpWidth: Math.min(world.stdout.columns ?? 80, 100) })
    .configureOutput({
      writeOut: (text) => world.stdout.write(text),
      writeErr: (text) => tellUsage && world.stderr.write(text),
    })
    .showHelpAfterError("(add --help for the flags there are)")
    .exitOverride();

  /** What every command's action does around its work: context, errors, exit code. */
  const action =
    <Flags>(name: string, run: Run<Flags>) =>
    async (place: string | undefined, flags: Flags): Promise<void> => {
      finish(
        await runCommand(name, world, program.opts<GlobalFlags>(), (context) => run(context, flags, place)),
      );
    };
  const withoutPlace =
    <Flags>(name: string, run: Run<Flags>) =>
    (flags: Flags): Promise<void> =>
      action(name, run)(undefined, flags);

  program
    .command("init")
    .description("write a commented .env, never over an existing one")
    .argument("[file]", "where to (default: .env)")
    .action(action("init", (context, _flags, file) => initCommand(context, file)));
  addPlaceFlags(program.command("doctor"))
    .description("check configuration, credentials, permissions, clocks and names")
    .action(withoutPlace("doctor", doctorCommand));
  addSelectionFlags(
    addPlaceFlags(program.command("inventory").argument("[place]", "a path or an s3:// or r2:// URI")),
  )
    .description("count files and bytes by folder, entity and format")
    .action(action("inventory", inventoryCommand));
  addSelectionFlags(
    addPlaceFlags(program.command("cost").argument("[place]", "a path or an s3:// or r2:// URI")),
  )
    .description("what keeping and moving it costs, R2 beside S3")
    .option("--prices <file>", "a price table (JSON) instead of the built-in one")
    .action(action("cost", costCommand));
  addSelectionFlags(addPlaceFlags(program.command("plan")))
    .description("show what migrate would do; the same as migrate --dry-run")
    .option("--force", "plan to overwrite what differs or is not proven equal")
    .option("--allow-unverified", "exit 0 although nothing proves some files")
    .option("--prices <file>", "a price table (JSON) instead of the built-in one")
    .action(
      withoutPlace("plan", (context, flags: Parameters<typeof migrateCommand>[1]) =>
        migrateCommand(context, { ...flags, dryRun: true }),
      ),
    );
  addSelectionFlags(addPlaceFlags(program.command("migrate")))
    .description("copy what is missing, byte by byte, and check each file; run it again to go on")
    .option("--dry-run", "only show the plan")
    .option("--force", "overwrite what differs or is not proven equal at the target")
    .option("--concurrency <n>", "files copied at once (default: adapts, 4 to 128)", wholeNumber)
    .option("--bandwidth <rate>", "at most this much a second, e.g. 10MB", bytesPerSecond)
    .option("--max-errors <n>", "stop after so many failed files (default: 100)", wholeNumber)
    .option("--report <dir>", "write lists, summary.json and report.html there")
    .option("--allow-unverified", "exit 0 although nothing proves some files")
    .option("--prices <file>", "a price table (JSON) instead of the built-in one")
    .action(withoutPlace("migrate", migrateCommand));
  addSelectionFlags(addPlaceFlags(program.command("verify")))
    .description("compare both sides by content, folder by folder")
    .option("--level <level>", "etag, sample:5% or full (reads both sides) (default: etag)")
    .option("--seed <text>", "choose the same sample again")
    .option("--allow-unverified", "exit 0 although nothing proves some files")
    .option("--report <dir>", "write lists, summary.json and report.html there")
    .action(withoutPlace("verify", verifyCommand));
  program
    .command("query")
    .description("SQL over the partitions, by @parquetry/query")
    .argument("[args...]", "handed on to parquetry-query")
    .action(() => withoutPlace("query", (context) => queryCommand(context, forQuery))({}));
  for (const [name, description] of Object.entries(HANDED_ON)) {
    program
      .command(name)
      .description(description)
      .argument("[args...]", "handed on to parquetry-query")
      .action(() => withoutPlace(name, (context) => queryCommand(context, forQuery))({}));
  }
  program
    .command("completion")
    .description("write a completion script for a shell: bash, zsh or fish")
    .argument("<shell>", SHELLS.join(", "))
    .action(
      action("completion", async (context, _flags, shell = "") => {
        context.terminal.print(shellCompletion(program, shell).trimEnd());
        return EXIT_OK;
      }),
    );
  program
    .command("help")
    .description("show help for a command or a topic")
    .argument("[topic]", `a command, ${HELP_TOPICS.map(({ name }) => name).join(", ")}`)
    .action((name: string | undefined) => showHelp(program, world, name));
  const topics = HELP_TOPICS.map(({ name, summary }) => `  ${name.padEnd(12)} ${summary}`);
  program.addHelpText("after", `\nTopics (parquetry help TOPIC):\n${topics.join("\n")}`);
  return program;
}

/** `parquetry help [topic]`: the program's, a command's or a topic's. Throws what commander throws for help and bad usage. */
function showHelp(program: Command, world: CliWorld, name: string | undefined): void {
  const topic = HELP_TOPICS.find((other) => other.name === name);
  if (topic !== undefined) {
    world.stdout.write(`${topic.text}\n`);
    return;
  }
  const command = name === undefined ? program : program.commands.find((other) => other.name() === name);
  if (command !== undefined) command.help();
  const known = [...program.commands.map((other) => other.name()), ...HELP_TOPICS.map((other) => other.name)];
  program.error(`error: there is no help about ${JSON.stringify(name)}. There is about ${known.join(", ")}.`);
}

async function runCommand(
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

function readVersion(): string {
  const manifest: { readonly version?: unknown } = JSON.parse(
    readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
  );
  return typeof manifest.version === "string" ? manifest.version : "unknown";
}
