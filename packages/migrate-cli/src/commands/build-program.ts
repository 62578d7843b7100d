import { Argument, Command, CommanderError, Option } from "commander";
import { fitted } from "../terminal/terminal.ts";
import { type CliWorld, type CommandContext, type GlobalFlags, usageError } from "./command-context.ts";
import { describeVersions } from "./describe-versions.ts";
import { EXIT_OK } from "./exit-codes.ts";
import {
  bytesPerSecond,
  concurrentFiles,
  portNumber,
  repeated,
  seconds,
  wholeNumber,
} from "./flag-values.ts";
import { HELP_TOPICS } from "./help-topics.ts";
import { runCommand } from "./run-command.ts";
import { addPlaceFlags, addSelectionFlags, addWhereFlag } from "./selection-flags.ts";

type Run<Flags> = (context: CommandContext, flags: Flags, ...args: readonly string[]) => Promise<number>;

/** Options of {@link buildProgram}. */
export interface ProgramOptions {
  /** Whether wrong usage is reported on stderr. */
  readonly tellUsage: boolean;
  finish(exitCode: number): void;
}

/** Every command and flag of `parquetry`: help, completion and parsing all come from here. */
export function buildProgram(world: CliWorld, { tellUsage, finish }: ProgramOptions): Command {
  let write = (text: string): void => void world.stdout.write(text);
  const program = new Command("parquetry")
    .description(
      "Partitioned Parquet and CSV tables on local disk, S3 and R2: migrate them, prove that nothing was lost, and query them with SQL.",
    )
    .option("-V, --version", "show the versions of parquetry, DuckDB and Node, and the platform")
    .option("--env-file <file>", "read variables from this file (default: .env)")
    .option("--env-prefix <prefix>", "the variables' prefix, e.g. NFL (default: PARQUETRY, then CFB)")
    .option("--json", "write JSON lines to stdout, the last one the summary")
    .option("-q, --quiet", "print only results and errors")
    .option("-v, --verbose", "print details, and the stack of errors")
    .option("--no-color", "print without colour (also NO_COLOR=1)")
    .helpOption("-h, --help", "show help")
    .helpCommand(false)
    .configureHelp({ showGlobalOptions: true, helpWidth: Math.min(world.stdout.columns ?? 80, 100) })
    .configureOutput({
      writeOut: (text) => write(text),
      writeErr: (text) => tellUsage && world.stderr.write(text),
      outputError: (text, print) => print(fitted(world.stderr, explainUsage(text))),
    })
    .showHelpAfterError("(add --help for the commands and flags)")
    .exitOverride();
  program.on("option:version", () => {
    write(`${describeVersions()}\n`);
    throw new CommanderError(EXIT_OK, "commander.version", "");
  });

  /** Sets what a command does. Its code is loaded when it runs: all of them together would be most of the start-up time. */
  const runs = <Flags>(command: Command, load: () => Promise<Run<Flags>>): Command =>
    command.action(async () => {
      const run = async (context: CommandContext): Promise<number> =>
        (await load())(context, command.opts() as Flags, ...command.args);
      finish(await runCommand(command.name(), world, program.opts<GlobalFlags>(), run));
    });
  const add = (name: string, description: string, examples: readonly string[] = []): Command => {
    const command = program.command(name).description(description);
    if (examples.length > 0)
      command.addHelpText("after", `\nExamples:\n${examples.map((line) => `  ${line}`).join("\n")}`);
    return command;
  };
  const addPlace = (command: Command): Command =>
    addSelectionFlags(addPlaceFlags(command.argument("[place]", "a path or an s3:// or r2:// URI")));

  program.commandsGroup("Move and prove:");
  runs(
    add("init", "write a commented .env, never over an existing one").argument(
      "[file]",
      "where to write it (default: .env)",
    ),
    async () => (await import("./init-command.ts")).initCommand,
  );
  runs(
    addPlaceFlags(
      add("doctor", "check configuration, credentials, permissions, clocks and names", [
        "parquetry doctor",
        "parquetry doctor --from /Volumes/drive --to r2://football",
      ]),
    ),
    async () => (await import("./doctor-command.ts")).doctorCommand,
  );
  runs(
    addPlace(
      add("inventory", "count files and bytes by folder, entity and format", [
        "parquetry inventory",
        "parquetry inventory r2://football --include raw/",
      ]),
    ),
    async () => (await import("./inventory-command.ts")).inventoryCommand,
  );
  runs(
    addPlace(
      add("cost", "estimate what storing and moving it costs, R2 next to S3", [
        "parquetry cost",
        "parquetry cost /Volumes/drive",
      ]),
    ).option("--prices <file>", "read prices from this JSON file instead of the built-in table"),
    async () => (await import("./cost-command.ts")).costCommand,
  );
  runs(
    addSelectionFlags(
      addPlaceFlags(
        add("plan", "show what migrate would do; same as migrate --dry-run", [
          "parquetry plan",
          "parquetry plan --where year=2024,week=1..4",
        ]),
      ),
    )
      .option("--force", "plan to overwrite what differs or is not proven equal")
      .option("--allow-unverified", "exit 0 even if some files cannot be proven equal")
      .option("--prices <file>", "read prices from this JSON file instead of the built-in table"),
    async () => (await import("./migrate-command.ts")).planCommand,
  );
  runs(
    addSelectionFlags(
      addPlaceFlags(
        add("migrate", "copy what is missing, byte for byte, and check each file; rerun it to resume", [
          "parquetry migrate                                   # to the configured bucket",
          "parquetry migrate --from /Volumes/drive --to r2://football --report report",
          "parquetry migrate --from r2://football --to ./data  # the way back",
        ]),
      ),
    )
      .option("--dry-run", "only show the plan")
      .option("--force", "overwrite what differs or is not proven equal at the target")
      .option("--concurrency <n>", "files copied concurrently (default: adapts, 4 to 256)", concurrentFiles)
      .option("--bandwidth <rate>", "limit the bytes per second, up and down, e.g. 10MB", bytesPerSecond)
      .option("--max-errors <n>", "stop after this many failed files (default: 100)", wholeNumber)
      .option("--report <dir>", "write lists, summary.json and report.html to this folder")
      .option("--allow-unverified", "exit 0 even if some files cannot be proven equal")
      .option("--prices <file>", "read prices from this JSON file instead of the built-in table"),
    async () => (await import("./migrate-command.ts")).migrateCommand,
  );
  runs(
    addSelectionFlags(
      addPlaceFlags(
        add("verify", "compare both sides by content, folder by folder", [
          "parquetry verify                                    # by what listings prove",
          "parquetry verify --level sample:5%                  # reads one file in twenty",
          "parquetry verify --level full --report report       # reads everything, twice",
        ]),
      ),
    )
      .option("--level <level>", "etag, sample:5% or full (reads both sides) (default: etag)")
      .option("--seed <text>", "choose the same sample again")
      .option("--allow-unverified", "exit 0 even if some files cannot be proven equal")
      .option("--report <dir>", "write lists, summary.json and report.html to this folder"),
    async () => (await import("./verify-command.ts")).verifyCommand,
  );

  program.commandsGroup("Query:");
  runs(
    addReadFlags(
      add("query", "run SQL over the tables; without SQL, start a shell", [
        "parquetry query 'SELECT team, sum(yards) FROM plays GROUP BY ALL'",
        "parquetry query --explain --file report.sql --param year=2024",
        "parquetry query 'FROM games' --output games.parquet",
        "echo 'SELECT count(*) FROM \"raw/plays\"' | parquetry query",
      ])
        .argument("[sql]", "one SELECT, SHOW TABLES or DESCRIBE; without it and --file, read from stdin")
        .option("-f, --file <file>", "read the SQL from a file (- for stdin)")
        .addOption(
          new Option(
            "-F, --format <format>",
            "the format of the result (default: by --output, else a table on a terminal and csv elsewhere)",
          ).choices(["table", "csv", "tsv", "json", "ndjson", "parquet", "markdown"]),
        )
        .option("-o, --output <file>", "write the result to this file (- for stdout)")
        .option("--explain", "show what would be read, without reading it")
        .option("-p, --param <name=value>", "set a parameter, $name in the SQL (repeatable)", repeated)
        .option("--tables", "list the tables")
        .option("--describe <table>", "show keys and columns of a table")
        .option("--timeout <seconds>", "stop the query after this time", seconds)
        .addOption(
          new Option(
            "--remote <how>",
            "read S3 and R2 through the cache or DuckDB's httpfs (default: cache)",
          ).choices(["cache", "httpfs"]),
        )
        .addOption(
          new Option("--engine <engine>", "run it here, or on a Trino cluster (default: duckdb)").choices([
            "duckdb",
            "trino",
          ]),
        )
        .addOption(
          new Option(
            "--beyond-query-length <how>",
            "if a query on Trino names too many files: plain reads all files that are there (default: refuse)",
          ).choices(["refuse", "plain"]),
        ),
    ),
    async () => (await import("./sql/query-command.ts")).queryCommand,
  );
  runs(
    addTypeFlags(
      add("files", "print the files that a query would read, for other engines", [
        "parquetry files 'FROM plays WHERE year = 2024'",
        "parquetry files 'FROM plays WHERE year = 2024' --format ndjson",
      ])
        .argument("[sql]", "one SELECT; without it and --file, read from stdin")
        .option("-f, --file <file>", "read the SQL from a file (- for stdin)")
        .addOption(
          new Option(
            "-F, --format <format>",
            "text: one path or s3:// URL a line; json, ndjson: also bytes, table and keys (default: text)",
          ).choices(["text", "json", "ndjson"]),
        )
        .option("-p, --param <name=value>", "set a parameter, $name in the SQL (repeatable)", repeated)
        .option("--table <table>", "only the files of this table, where the SQL names several"),
    ),
    async () => (await import("./sql/files-command.ts")).filesCommand,
  );
  runs(
    addTypeFlags(
      addWhereFlag(
        add("compact", "merge the files of each partition into one", [
          "parquetry compact raw/plays --dry-run",
          "parquetry compact raw/plays --where year=2024 --sort-by play_id",
          "parquetry compact raw/plays --into raw/plays_by_week --keys year,week",
        ]),
      )
        .argument("<table>", "e.g. raw/plays")
        .option("--dry-run", "show what would be done, and write nothing")
        .option("--sort-by <columns>", "sort the rows by these columns, separated by commas")
        .option("--into <table>", "write another table and leave this one unchanged (needs --keys)")
        .option("--keys <keys>", "the partition keys of --into; the other keys become columns")
        .addHelpText(
          "after",
          "\nEach partition is replaced atomically, after its new file was read back and\nfound to hold the same rows. Rerun the same command to resume.",
        ),
    ),
    async () => (await import("./sql/compact-command.ts")).compactCommand,
  );
  runs(
    add("repair", "remove what killed writes left, and rename old manifests", [
      "parquetry repair --dry-run                          # show what would be done",
      "parquetry repair raw/plays",
      "parquetry repair --from s3://football",
    ])
      .argument("[table]", "e.g. raw/plays (default: every table)")
      .option("--dry-run", "show what would be done, and change nothing")
      .option("--from <uri>", "a path, s3://bucket/prefix or r2://bucket/prefix (default: as configured)")
      .addHelpText(
        "after",
        "\nNo row changes. A manifest.json stops other engines; it becomes _manifest.json,\nwhich they ignore. Files of other systems are named, and stay.",
      ),
    async () => (await import("./repair-command.ts")).repairCommand,
  );
  runs(
    addTypeFlags(
      add("ddl", "print the table definition for another engine", ["parquetry ddl raw/plays --engine trino"])
        .argument("<table>", "e.g. raw/plays")
        .addOption(
          new Option("-e, --engine <engine>", "the engine that will read the table (required)").choices([
            "trino",
            "athena",
            "spark",
            "duckdb",
          ]),
        ),
    ),
    async () => (await import("./sql/ddl-command.ts")).ddlCommand,
  );
  runs(
    addTypeFlags(
      add("register", "create the tables on a Trino cluster, and keep their partitions in step", [
        "parquetry register --engine trino --dry-run",
        "parquetry register raw/plays raw/games --engine trino --check",
      ])
        .argument("[tables...]", "e.g. raw/plays (default: every table)")
        .addOption(
          new Option("-e, --engine <engine>", "the engine that will read the tables (required)").choices([
            "trino",
          ]),
        )
        .option("--dry-run", "show what would be done, and change nothing")
        .option("--check", "count every partition's rows on the cluster; exit code 1 if any differ")
        .addHelpText(
          "after",
          "\nReads PARQUETRY_TRINO_URL, _CATALOG (hive), _SCHEMA (default), _USER, and\n_PASSWORD or _TOKEN. No data changes, and no column of an existing table.",
        ),
    ),
    async () => (await import("./sql/register-command.ts")).registerCommand,
  );
  runs(
    add("cache", "show or clear the cache of remote files", ["parquetry cache --clear"]).option(
      "--clear",
      "remove all files; queries download what they need again",
    ),
    async () => (await import("./sql/cache-command.ts")).cacheCommand,
  );

  program.commandsGroup("Look:");
  runs(
    addReadFlags(
      add("ui", "show tables, partitions, files and SQL in the browser; writes nothing", [
        "parquetry ui",
        "parquetry ui /Volumes/drive",
        "parquetry ui r2://football --no-open",
        "parquetry ui --from ./data --to r2://football       # two places side by side",
      ])
        .argument("[place]", "a path or an s3:// or r2:// URI (default: as configured)")
        .option("--from <uri>", "the same as the argument (with --to, default: the local data root)")
        .option("--to <uri>", "a second place: shows what is equal, missing or different there")
        .option("--port <n>", "listen on this port of 127.0.0.1 (default: 4923, or a free one)", portNumber)
        .option("--no-open", "print the address, and do not open a browser"),
    ),
    async () => (await import("./sql/ui-command.ts")).uiCommand,
  );

  program.commandsGroup("Help:");
  runs(
    add("completion", "print a completion script for a shell", ["source <(parquetry completion bash)"])
      .addArgument(new Argument("<shell>", "your shell").choices(["bash", "zsh", "fish"]))
      .addOption(new Option("--line <text>", "complete this line").hideHelp()),
    async () => {
      const { COMPLETION_SCRIPTS, completeLine } = await import("./shell-completion.ts");
      return async (context, { line }: { readonly line?: string }, shell = "") => {
        const script = COMPLETION_SCRIPTS[shell] ?? "";
        context.emit("summary", { exitCode: EXIT_OK, shell, script });
        const lines = line === undefined ? [script] : completeLine(program, line, shell);
        if (!context.json) for (const each of lines) context.terminal.print(each);
        return EXIT_OK;
      };
    },
  );
  const topics = HELP_TOPICS.map(({ name }) => name);
  runs(
    add("help", "show help for a command or a topic").argument("[topic]", `a command, ${topics.join(", ")}`),
    async () => async (context, _flags, name) => {
      const topic = HELP_TOPICS.find((other) => other.name === name);
      const command = name === undefined ? program : program.commands.find((other) => other.name() === name);
      if (topic === undefined && command === undefined) {
        const known = [...program.commands.map((other) => other.name()), ...topics];
        throw usageError(`no help topic ${JSON.stringify(name)}. Expected one of ${known.join(", ")}.`);
      }
      let text = topic?.text ?? "";
      write = (part) => {
        text += part;
      };
      command?.outputHelp();
      context.emit("summary", { exitCode: EXIT_OK, text });
      if (!context.json) context.terminal.print(text.trimEnd());
      return EXIT_OK;
    },
  );
  const summaries = HELP_TOPICS.map(({ name, summary }) => `  ${name.padEnd(12)} ${summary}`);
  return program.addHelpText("after", `\nTopics (parquetry help TOPIC):\n${summaries.join("\n")}`);
}

function addTypeFlags(command: Command): Command {
  return command
    .option("--column-type <table.column=type>", "the type of a column (repeatable)", repeated)
    .option("--key-type <table.key=type>", "the type of a partition key (repeatable)", repeated);
}

/** The flags that say how the values of files are read: types, and those of CSV. */
function addReadFlags(command: Command): Command {
  return addTypeFlags(command)
    .addOption(
      new Option("--csv-encoding <encoding>", "how CSV files are encoded (default: utf-8)").choices([
        "utf-8",
        "latin1",
        "windows-1252",
      ]),
    )
    .option("--csv-delimiter <text>", "what separates values in CSV files, e.g. ';' or '\\t' (default: ,)")
    .option("--csv-null <text>", "a string that means NULL in CSV files, e.g. NA (repeatable)", repeated)
    .addOption(
      new Option(
        "--csv-escape <how>",
        "what escapes quotes in CSV files (default: quote, else backslash)",
      ).choices(["quote", "backslash"]),
    )
    .option("--csv-strings", "keep every value of CSV files as a string");
}

/** Commander's message about wrong usage, with the remedy where it has none. */
export function explainUsage(message: string): string {
  return message.replace(
    /(too many arguments for '(?:doctor|plan|migrate|verify)')\. Expected 0 arguments but got \d+\./,
    "$1: it takes none. Give places by --from and --to.",
  );
}
