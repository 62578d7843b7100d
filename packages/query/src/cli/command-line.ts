import { Command, CommanderError, Option } from "commander";
import { addTypeOptions, type TypeOptions } from "./type-options.ts";

/** How a result is written. */
export type OutputFormat = "table" | "csv" | "tsv" | "json" | "ndjson" | "parquet" | "markdown";

const FORMATS: readonly OutputFormat[] = ["table", "csv", "tsv", "json", "ndjson", "parquet", "markdown"];

/** What the command line says. */
export interface CommandLine extends GlobalOptions, TypeOptions {
  readonly sql: string | undefined;
  readonly file?: string;
  readonly format?: OutputFormat;
  readonly output?: string;
  readonly explain: boolean;
  readonly param: readonly string[];
  readonly tables: boolean;
  readonly describe?: string;
  readonly timeout?: string;
  readonly remote: "cache" | "httpfs";
}

/** What every command takes. */
export interface GlobalOptions {
  readonly envFile?: string;
  readonly envPrefix?: string;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly color: boolean;
}

/** Texts for the two streams, by which nothing is printed behind the caller's back. */
export interface TextSinks {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

const EXAMPLES = `
Examples:
  parquetry-query 'SELECT team, sum(yards) FROM plays GROUP BY ALL'
  parquetry-query --explain --file report.sql --param year=2024
  parquetry-query 'FROM games' --format parquet --output games.parquet
  parquetry-query cache [--clear]
  parquetry-query ddl raw/plays --engine trino
  parquetry-query compact raw/plays --dry-run
  echo 'SELECT count(*) FROM "raw/plays"' | parquetry-query

PARQUETRY_CACHE_DIR is where files of remote stores are kept.
PARQUETRY_HTTPFS_EXTENSION names the file of the extension httpfs, where
\`INSTALL httpfs\` has not put it in its place.

Without --format a terminal gets a table, anything else CSV. Parameters are
texts that take the type of what they are compared with. Exit codes: 0 done,
1 failed, 2 wrong usage, configuration or SQL, 130 interrupted.`;

/**
 * Reads the command line.
 *
 * @returns what it says, or the exit code where it is answered already (`--help`) or wrong.
 */
export function parseCommandLine(
  argv: readonly string[],
  version: string,
  sinks: TextSinks,
): CommandLine | number {
  const command = new Command("parquetry-query")
    .description("SQL over Hive-partitioned tables; entities such as raw/plays are tables.")
    .argument("[sql]", "the SELECT; without it and --file it is read from stdin")
    .option("-f, --file <path>", "read the SQL from a file (- for stdin)")
    .addOption(new Option("-F, --format <format>", "how the result is written").choices(FORMATS))
    .option("-o, --output <path>", "write the result to this file instead of stdout")
    .option("--explain", "show what would be read, and read nothing", false)
    .option("-p, --param <name=value>", "a parameter: $name in the SQL (repeatable)", collect, [])
    .option("--tables", "list the tables", false)
    .option("--describe <table>", "show keys and columns of a table")
    .option("--timeout <seconds>", "give up after so many seconds")
    .addOption(
      new Option("--remote <how>", "how files of S3 and R2 are read: kept in a cache, or by DuckDB's httpfs")
        .choices(["cache", "httpfs"])
        .default("cache"),
    )
    .version(version)
    .addHelpText("after", EXAMPLES);
  const code = parseWith(addTypeOptions(command), argv, sinks);
  if (code !== undefined) return code;
  const [sql] = command.args;
  return { ...command.opts<Omit<CommandLine, "sql">>(), sql };
}

/**
 * Adds the options that every command takes, parses, and gives the exit code instead where it is answered already or
 * wrong. With `--json` what is wrong is told by a JSON line on stdout.
 */
export function parseWith(command: Command, argv: readonly string[], sinks: TextSinks): number | undefined {
  const json = argv.includes("--json");
  command
    .option("--env-file <path>", "read variables from this file (default: .env)")
    .option("--env-prefix <prefix>", "read PREFIX_STORAGE_BACKEND and so on")
    .option("--json", "one JSON object on stdout, also of an error", false)
    .option("-q, --quiet", "no messages but errors", false)
    .option("-v, --verbose", "say more; stack traces", false)
    .option("--no-color", "no colour")
    .showSuggestionAfterError(true)
    .configureOutput({ writeOut: sinks.out, writeErr: (text) => json || sinks.err(text) })
    .exitOverride();
  try {
    command.parse([...argv], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return 0;
    const message = error.message.replace(/^error: /, "");
    if (json) sinks.out(errorLine(command.name().split(" ")[1], 2, { code: "invalid_argument", message }));
    return 2;
  }
  return undefined;
}

/** An error as the line of JSON that `parquetry help json` describes. */
export function errorLine(
  subcommand: string | undefined,
  exitCode: number,
  error: { readonly code: string; readonly message: string },
): string {
  const command = SUBCOMMANDS.find((name) => name === subcommand) ?? "query";
  return `${JSON.stringify({ version: 1, type: "summary", command, exitCode, error })}\n`;
}

const SUBCOMMANDS = ["cache", "compact", "ddl"] as const;

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}
