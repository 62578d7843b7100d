import { createReadStream } from "node:fs";
import { resolve } from "node:path";
import type {
  OpenQueryOptions,
  QueryColumn,
  QueryCursor,
  QueryDatabase,
  QueryStats,
  SqlOptions,
} from "@parquetry/query";
import { formatBytes, formatCounted, formatDuration, formatFiles } from "../../terminal/format-amount.ts";
import { type CommandContext, JSON_VERSION, usageError } from "../command-context.ts";
import { EXIT_OK } from "../exit-codes.ts";
import type { CsvFlags } from "./csv-flags.ts";
import { drawExplanation, inexactNote } from "./draw-explanation.ts";
import { countRows, drawRows, type FirstRows, firstRows, moreRows } from "./draw-rows.ts";
import { type TypeFlags, withDatabase } from "./open-database.ts";
import { trinoOptions } from "./open-trino.ts";
import { givenFormat, type OutputFormat } from "./output-format.ts";
import { showQueryProgress } from "./query-progress.ts";
import { parseParameters, readSql } from "./read-sql.ts";
import { showTables } from "./show-tables.ts";
import { readTableStatement } from "./table-statement.ts";
import { copyWhole, writeOutput, writeTextFile } from "./write-output.ts";
import { jsonRow, writeRows } from "./write-rows.ts";

/** Rows that a table shows on a terminal. */
const TABLE_ROWS = 100;

/** Flags of `parquetry query`. */
export type QueryFlags = TypeFlags &
  CsvFlags & {
    readonly file?: string;
    readonly format?: OutputFormat;
    readonly output?: string;
    readonly explain?: boolean;
    readonly param?: readonly string[];
    readonly tables?: boolean;
    readonly describe?: string;
    readonly timeout?: number;
    readonly remote?: "cache" | "httpfs";
    readonly engine?: "duckdb" | "trino";
    readonly beyondQueryLength?: "refuse" | "plain";
  };

/** `parquetry query [sql]`: runs one SELECT, explains it, lists or describes tables, or starts the shell. */
export async function queryCommand(
  context: CommandContext,
  { output, ...others }: QueryFlags,
  sql?: string,
): Promise<number> {
  const { json, stdin, stdout } = context;
  // As --file - is stdin.
  const flags: QueryFlags = output === undefined || output === "-" ? others : { ...others, output };
  if (flags.beyondQueryLength !== undefined && flags.engine !== "trino")
    throw usageError("--beyond-query-length is for a Trino cluster: give --engine trino, or leave it out.");
  const isShell =
    sql === undefined && !flags.file && !flags.explain && !flags.tables && flags.describe === undefined;
  const run = async (db: QueryDatabase): Promise<void> => {
    if (flags.tables === true) return showTables(context, flags, db, { kind: "tables" });
    if (flags.describe !== undefined)
      return showTables(context, flags, db, { kind: "describe", table: flags.describe });
    if (isShell && stdin.isTTY === true && stdout.isTTY === true && !json) {
      const { runShell } = await import("./shell.ts");
      return runShell(context, db);
    }
    const text = await readSql(context, flags, sql);
    const aboutTables = readTableStatement(text);
    if (aboutTables !== undefined) await showTables(context, flags, db, aboutTables);
    else await answer(context, flags, db, text);
  };
  await withDatabase(
    context,
    flags,
    run,
    flags.engine === "trino"
      ? { engine: await trinoEngine(context, flags) }
      : {
          remote: flags.remote,
          httpfsExtension: context.env["PARQUETRY_HTTPFS_EXTENSION"],
        },
  );
  return EXIT_OK;
}

/** The flags of DuckDB: how it reads files, and named parameters. */
const DUCKDB_FLAGS = [
  "remote",
  "param",
  "columnType",
  "keyType",
  "csvEncoding",
  "csvDelimiter",
  "csvNull",
  "csvEscape",
  "csvStrings",
] as const satisfies (keyof QueryFlags)[];

async function trinoEngine(context: CommandContext, flags: QueryFlags): Promise<OpenQueryOptions["engine"]> {
  const given = DUCKDB_FLAGS.find((name) => flags[name] !== undefined);
  if (given !== undefined) {
    const flag = `--${given.replace(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`)}`;
    throw usageError(`${flag} is for DuckDB: with --engine trino, leave it out.`);
  }
  const options = trinoOptions(context);
  const { trino } = await import("@parquetry/trino");
  return trino({ ...options, beyondQueryLength: flags.beyondQueryLength });
}

async function answer(
  context: CommandContext,
  flags: QueryFlags,
  db: QueryDatabase,
  sql: string,
): Promise<void> {
  const { json, terminal, cwd, stdout } = context;
  const parameters = parseParameters(flags.param);
  using progress = showQueryProgress(context);
  const options: SqlOptions = {
    signal: context.interrupt.abort,
    timeoutMs: flags.timeout === undefined ? undefined : Math.ceil(flags.timeout * 1000),
    timestamps: "text",
    onProgress: progress.take,
  };
  if (flags.explain === true) {
    const explanation = await db.explain(sql, parameters, options);
    progress[Symbol.dispose]();
    context.emit("summary", { exitCode: EXIT_OK, ...explanation });
    if (!json) for (const line of drawExplanation(explanation)) terminal.print(line);
    return;
  }
  const output = flags.output === undefined ? undefined : resolve(cwd, flags.output);
  const format = formatOf(context, flags);
  if (format === "parquet" && flags.engine === "trino")
    throw usageError("DuckDB writes Parquet: with --engine trino, give --format csv or ndjson.");
  if (format === "parquet" && output === undefined && stdout.isTTY === true)
    throw usageError("--format parquet is binary: give --output FILE, or redirect stdout to a file.");
  if (format === "parquet") {
    const { path, stats } = await db.toParquet(sql, parameters, options);
    progress[Symbol.dispose]();
    if (output !== undefined) await copyWhole(path, output);
    else await writeOutput(stdout, createReadStream(path));
    if (json && output !== undefined) context.emit("summary", { exitCode: EXIT_OK, output, stats });
    return summarise(context, flags, stats);
  }
  await using cursor = await db.open(sql, parameters, options);
  progress[Symbol.dispose]();
  const isShown = stdout.isTTY === true && output === undefined;
  let first: FirstRows | undefined;
  let pieces: AsyncIterable<string> | Iterable<string>;
  if (json && output === undefined) pieces = jsonSummary(context, cursor);
  else if (format === "table") {
    first = await firstRows(cursor, isShown ? TABLE_ROWS : Number.POSITIVE_INFINITY);
    pieces = [drawTable(context, isShown, cursor.columns, first)];
  } else pieces = writeRows(format, cursor.columns, cursor);
  if (output === undefined) await writeOutput(stdout, pieces);
  else await writeTextFile(output, pieces);
  if (json && output !== undefined)
    context.emit("summary", { exitCode: EXIT_OK, output, stats: cursor.stats });
  summarise(context, flags, cursor.stats, first && countRows(first));
}

function drawTable(
  { terminal }: CommandContext,
  isShown: boolean,
  columns: readonly QueryColumn[],
  first: FirstRows,
): string {
  const lines = isShown
    ? drawRows(columns, first.rows, terminal.width, (line) => terminal.style("dim", line))
    : drawRows(columns, first.rows);
  const more = moreRows(first);
  const note = more === undefined ? [] : [`${more}; --format csv shows all`];
  return `${[...lines, ...note, `(${countRows(first)})`].join("\n")}\n`;
}

/** The summary of `--json`, written as the rows arrive. */
async function* jsonSummary({ command }: CommandContext, cursor: QueryCursor): AsyncGenerator<string> {
  const { columns } = cursor;
  const head = JSON.stringify({ version: JSON_VERSION, type: "summary", command, columns });
  let isFirst = true;
  try {
    yield `${head.slice(0, -1)},"rows":[`;
    for await (const batch of cursor) {
      const rows = batch.map((row) => jsonRow(columns, row)).join(",");
      yield isFirst || rows === "" ? rows : `,${rows}`;
      isFirst &&= rows === "";
    }
  } catch (error) {
    // The summary of the error starts on a new line.
    yield "\n";
    throw error;
  }
  yield `],"stats":${JSON.stringify(cursor.stats)},"exitCode":${EXIT_OK}}\n`;
}

function summarise(
  context: CommandContext,
  flags: QueryFlags,
  stats: QueryStats,
  rows: string = formatCounted(stats.rowCount, "row"),
): void {
  const note = inexactNote(stats);
  // The summary of --json has it in its statistics.
  if (note !== undefined && !context.json) context.warn(note);
  // Output that is piped on needs no comment, unless asked for.
  const isWatched = context.stdout.isTTY === true || flags.output !== undefined || context.verbose;
  if (!isWatched) return;
  if (context.verbose) for (const line of drawExplanation(stats)) context.note(line);
  const files = stats.tables.reduce((sum, table) => sum + table.files, 0);
  const bytes = stats.tables.reduce((sum, table) => sum + table.bytes, 0);
  const fetched = stats.fetchedFiles > 0 ? `, ${formatFiles(stats.fetchedFiles)} downloaded` : "";
  context.note(
    `${rows} from ${formatFiles(files)} (${formatBytes(bytes)})${fetched}, ${formatCounted(stats.listRequests, "list request")}, ${formatDuration(stats.totalMs)}`,
  );
}

function formatOf({ stdout }: CommandContext, flags: QueryFlags): OutputFormat {
  return givenFormat(flags) ?? (stdout.isTTY === true && flags.output === undefined ? "table" : "csv");
}
