import { readFileSync } from "node:fs";
import { Command } from "commander";
import { fitted } from "../terminal/terminal.ts";
import type { CliWorld, CommandContext, GlobalFlags } from "./command-context.ts";
import { SHELLS } from "./completion/completion-words.ts";
import type { CostFlags } from "./cost-command.ts";
import { EXAMPLES } from "./examples.ts";
import { EXIT_OK } from "./exit-codes.ts";
import { bytesPerSecond, wholeNumber } from "./flag-values.ts";
import { HELP_TOPICS } from "./help-topics.ts";
import type { InventoryFlags } from "./inventory-command.ts";
import type { MigrateFlags } from "./migrate-command.ts";
import { runCommand } from "./run-command.ts";
import { addPlaceFlags, addSelectionFlags, type PlaceFlags } from "./selection-flags.ts";
import type { VerifyFlags } from "./verify-command.ts";

/** Commands of `parquetry-query` that this one hands on whole, beside `query` itself. */
export const HANDED_ON: Readonly<Record<string, string>> = {
  cache: "show or clear the cache of remote files, by @parquetry/query",
  compact: "one file of the many of each partition, by @parquetry/query",
  ddl: "the table definition for Trino, Athena, Spark or DuckDB, by @parquetry/query",
};

/**
 * A command's code is loaded when it runs: together they are most of what a command line program would otherwise start with.
 */
const COMMANDS = {
  cost: async () => (await import("./cost-command.ts")).costCommand,
  doctor: async () => (await import("./doctor-command.ts")).doctorCommand,
  init: async () => (await import("./init-command.ts")).initCommand,
  inventory: async () => (await import("./inventory-command.ts")).inventoryCommand,
  migrate: async () => (await import("./migrate-command.ts")).migrateCommand,
  query: async () => (await import("./query-command.ts")).queryCommand,
  verify: async () => (await import("./verify-command.ts")).verifyCommand,
} as const;

const VERSION = readVersion();

type Run<Flags> = (context: CommandContext, flags: Flags, place: string | undefined) => Promise<number>;

/** Options of {@link buildProgram}. */
export interface ProgramOptions {
  /** The arguments of the other executable. */
  readonly forQuery: readonly string[];
  /** Whether bad usage is told on stderr. */
  readonly tellUsage: boolean;
  finish(exitCode: number): void;
}

/** Every command and flag of `parquetry`: help, completions and parsing all come from here. */
export function buildProgram(world: CliWorld, { forQuery, tellUsage, finish }: ProgramOptions): Command {
  const program = new Command("parquetry")
    .description(
      "Moves Hive-partitioned data between local disk, S3 and R2, and proves that nothing was lost.",
    )
    .version(VERSION, "-V, --version", "show the version")
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
      outputError: (text, write) => write(fitted(world.stderr, explainUsage(text))),
    })
    .showHelpAfterError("(add --help for the commands and flags there are)")
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
    .action(action("init", async (context, _flags, file) => (await COMMANDS.init())(context, file)));
  addPlaceFlags(program.command("doctor"))
    .description("check configuration, credentials, permissions, clocks and names")
    .action(
      withoutPlace("doctor", async (context, flags: PlaceFlags) => (await COMMANDS.doctor())(context, flags)),
    );
  addSelectionFlags(
    addPlaceFlags(program.command("inventory").argument("[place]", "a path or an s3:// or r2:// URI")),
  )
    .description("count files and bytes by folder, entity and format")
    .action(
      action("inventory", async (context, flags: InventoryFlags, place) =>
        (await COMMANDS.inventory())(context, flags, place),
      ),
    );
  addSelectionFlags(
    addPlaceFlags(program.command("cost").argument("[place]", "a path or an s3:// or r2:// URI")),
  )
    .description("what keeping and moving it costs, R2 beside S3")
    .option("--prices <file>", "a price table (JSON) instead of the built-in one")
    .action(
      action("cost", async (context, flags: CostFlags, place) =>
        (await COMMANDS.cost())(context, flags, place),
      ),
    );
  addSelectionFlags(addPlaceFlags(program.command("plan")))
    .description("show what migrate would do; the same as migrate --dry-run")
    .option("--force", "plan to overwrite what differs or is not proven equal")
    .option("--allow-unverified", "exit 0 although nothing proves some files")
    .option("--prices <file>", "a price table (JSON) instead of the built-in one")
    .action(
      withoutPlace("plan", async (context, flags: MigrateFlags) =>
        (await COMMANDS.migrate())(context, { ...flags, dryRun: true }),
      ),
    );
  addSelectionFlags(addPlaceFlags(program.command("migrate")))
    .description("copy what is missing, byte by byte, and check each file; run it again to go on")
    .option("--dry-run", "only show the plan")
    .option("--force", "overwrite what differs or is not proven equal at the target")
    .option("--concurrency <n>", "files copied at once (default: adapts, 4 to 256)", wholeNumber)
    .option("--bandwidth <rate>", "at most this much a second, e.g. 10MB", bytesPerSecond)
    .option("--max-errors <n>", "stop after so many failed files (default: 100)", wholeNumber)
    .option("--report <dir>", "write lists, summary.json and report.html there")
    .option("--allow-unverified", "exit 0 although nothing proves some files")
    .option("--prices <file>", "a price table (JSON) instead of the built-in one")
    .action(
      withoutPlace("migrate", async (context, flags: MigrateFlags) =>
        (await COMMANDS.migrate())(context, flags),
      ),
    );
  addSelectionFlags(addPlaceFlags(program.command("verify")))
    .description("compare both sides by content, folder by folder")
    .option("--level <level>", "etag, sample:5% or full (reads both sides) (default: etag)")
    .option("--seed <text>", "choose the same sample again")
    .option("--allow-unverified", "exit 0 although nothing proves some files")
    .option("--report <dir>", "write lists, summary.json and report.html there")
    .action(
      withoutPlace("verify", async (context, flags: VerifyFlags) =>
        (await COMMANDS.verify())(context, flags),
      ),
    );
  program
    .command("query")
    .description("SQL over the partitions, by @parquetry/query")
    .argument("[args...]", "handed on to parquetry-query")
    .action(() => withoutPlace("query", async (context) => (await COMMANDS.query())(context, forQuery))({}));
  for (const [name, description] of Object.entries(HANDED_ON)) {
    program
      .command(name)
      .description(description)
      .argument("[args...]", "handed on to parquetry-query")
      .action(() => withoutPlace(name, async (context) => (await COMMANDS.query())(context, forQuery))({}));
  }
  program
    .command("completion")
    .description("write a completion script for a shell: bash, zsh or fish")
    .argument("<shell>", SHELLS.join(", "))
    .action(
      action("completion", async (context, _flags, shell = "") => {
        const { shellCompletion } = await import("./completion/shell-completion.ts");
        context.terminal.print(shellCompletion(program, shell).trimEnd());
        return EXIT_OK;
      }),
    );
  program
    .command("help")
    .description("show help for a command or a topic")
    .argument("[topic]", `a command, ${HELP_TOPICS.map(({ name }) => name).join(", ")}`)
    .action(async (name: string | undefined) => {
      const isHandedOn = name !== undefined && (name === "query" || name in HANDED_ON);
      if (!isHandedOn) return showHelp(program, world, name);
      const ask = name === "query" ? ["--help"] : [name, "--help"];
      return withoutPlace(name, async (context) => (await COMMANDS.query())(context, ask))({});
    });
  for (const command of program.commands) {
    const examples = EXAMPLES[command.name()] ?? [];
    if (examples.length > 0)
      command.addHelpText("after", `\nExamples:\n${examples.map((line) => `  ${line}`).join("\n")}`);
  }
  const topics = HELP_TOPICS.map(({ name, summary }) => `  ${name.padEnd(12)} ${summary}`);
  program.addHelpText("after", `\nTopics (parquetry help TOPIC):\n${topics.join("\n")}`);
  return program;
}

/** What commander says of bad usage, with what to do where it does not say that. */
export function explainUsage(message: string): string {
  return message.replace(
    /(too many arguments for '(?:doctor|plan|migrate|verify)')\. Expected 0 arguments but got \d+\./,
    "$1: it takes none. Give places by --from and --to.",
  );
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

function readVersion(): string {
  const manifest: { readonly version?: unknown } = JSON.parse(
    readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
  );
  return typeof manifest.version === "string" ? manifest.version : "unknown";
}
